"""Sums of a commit, by the names that a store keeps, and what retention drops."""

from touchstream.schemas.units import DAY_MS, HOUR_MS, Millis
from touchstream.streams.measures.metric import LARGEST_VALUE, Measure
from touchstream.streams.measures.tally import Tally, expired

NOON = Millis(20_785 * DAY_MS + 12 * HOUR_MS)  # 2026-11-28


def tallied(*measures: Measure, as_of_ms: Millis = NOON) -> Tally:
    tally = Tally()
    tally.add(measures, as_of_ms)
    return tally


def test_every_kind_has_its_fields() -> None:
    tally = tallied(
        Measure("events", ("web.visit", "web"), 1, NOON),
        Measure("events", ("web.visit", "web"), 1, NOON),
        Measure("active_customers", (), 1, NOON),
        Measure("revenue", ("EUR",), 700, NOON),
        Measure("revenue", ("EUR",), 300, NOON),
        Measure("nps", ("detractor",), -100, NOON),
        Measure("first_response_time", (), 60_000, NOON),
        Measure("first_response_time", (), 60_100, NOON),
        Measure("first_response_time", (), 0, NOON),
        Measure("calls", ("inbound",), 1, NOON),
    )
    assert tally.buckets() == {
        "800:2026-11-28": {
            "events|web.visit|web": 2,
            "active_customers": 1,
            "revenue|EUR": 1_000,
            "revenue|EUR|n": 2,
            "nps|detractor": -100,
            "nps|detractor|n": 1,
        },
        "400:2026-11-28": {"first_response_time|551": 2, "first_response_time|-1": 1},
        "62:2026-11-28": {"calls|inbound|12": 1},
    }
    assert tally.oldest_days() == {"62": 20_785, "400": 20_785, "800": 20_785}


def test_what_is_past_its_retention_is_not_added() -> None:
    call = Measure("calls", ("inbound",), 1, Millis(NOON - 63 * DAY_MS))
    event = Measure("events", ("call.ended", "phone"), 1, call.time_ms)
    assert list(tallied(call, event).buckets()) == ["800:2026-09-26"]


def test_the_day_at_the_edge_of_retention_is_added_whole() -> None:
    first_ms = Millis(NOON - 12 * HOUR_MS - 62 * DAY_MS)
    inside, outside = (
        Measure("calls", ("inbound",), 1, at_ms) for at_ms in (first_ms, Millis(first_ms - 1))
    )
    assert tallied(inside, outside).buckets() == {"62:2026-09-27": {"calls|inbound|00": 1}}
    assert expired({"62": 20_722}, NOON) == (["62:2026-09-26"], {"62": 20_723})


def test_an_amount_that_is_a_mistaken_unit_is_cut() -> None:
    tally = tallied(Measure("revenue", ("EUR",), 2**53, NOON))
    assert tally.buckets()["800:2026-11-28"]["revenue|EUR"] == LARGEST_VALUE


def test_nothing_expires_before_the_first_tick() -> None:
    assert expired({"62": 5}, None) == ([], {"62": 5})


def test_before_1970_days_and_hours_are_whole_too() -> None:
    at_ms = Millis(-HOUR_MS)
    tally = tallied(Measure("calls", ("inbound",), 1, at_ms), as_of_ms=Millis(0))
    assert tally.buckets() == {"62:1969-12-31": {"calls|inbound|23": 1}}
