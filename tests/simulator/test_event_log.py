from touchstream.schemas.units import DAY_MS, HOUR_MS
from touchstream.simulator.event_log import EventLog


def kinds(event_log: EventLog) -> list[str]:
    return [event["type"] for _, event in event_log.close()]


def test_a_moment_beyond_midnight_is_told_on_its_day() -> None:
    event_log = EventLog(start_ms=0)
    event_log.open(0)
    event_log.note("web.visit", "ann", 2 * DAY_MS + HOUR_MS, {"page": "/"})
    assert kinds(event_log) == []
    event_log.open(2)
    event_log.keep_calendar()
    (moment_ms, event), *rest = event_log.close()
    assert not rest
    assert moment_ms == 2 * DAY_MS + HOUR_MS
    assert event["time"] == "1970-01-03T01:00:00.000Z"


def test_the_calendar_holds_nothing_by_a_customer_who_left_earlier_that_day() -> None:
    event_log = EventLog(start_ms=0)
    event_log.plan(1, "survey.answered", "ann", 9 * HOUR_MS, {})
    event_log.plan(1, "survey.answered", "ann", 11 * HOUR_MS, {})
    event_log.plan(1, "order.returned", "ann", 12 * HOUR_MS, {})
    event_log.open(1)
    event_log.end("ann", 10 * HOUR_MS)
    event_log.keep_calendar()
    assert kinds(event_log) == ["survey.answered", "order.returned"]


def test_after_the_day_of_leaving_a_customer_does_nothing() -> None:
    event_log = EventLog(start_ms=0)
    event_log.open(0)
    event_log.end("ann", 10 * HOUR_MS)
    event_log.note("web.visit", "ann", 10 * HOUR_MS, {"page": "/"})
    assert kinds(event_log) == ["web.visit"]
    event_log.open(1)
    event_log.note("web.visit", "ann", 0, {"page": "/"})
    event_log.note("web.visit", "bob", 0, {"page": "/"})
    assert [event["subject"] for _, event in event_log.close()] == ["bob"]


def test_no_event_but_the_erasure_mentions_a_customer_to_be_erased() -> None:
    event_log = EventLog(start_ms=0)
    event_log.open(0)
    event_log.end("ann", 0)
    event_log.unmention("ann")
    event_log.note("email.delivered", "ann", HOUR_MS, {})
    event_log.note("customer.erased", "ann", HOUR_MS, {})
    assert kinds(event_log) == ["customer.erased"]
