"""`touchstream metrics`: figures of all shards beside those of the period before."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from bench.services.redis import RedisServer
from tests.agents.cli.command import touchstream
from touchstream.agents.cli.failures import BadUsage
from touchstream.agents.cli.metrics import newest_day, read_report
from touchstream.agents.cli.metrics_view import Compared, Period, Report, ask, lines, period
from touchstream.agents.stores.base import Commit, Fence, Store
from touchstream.agents.stores.memory import MemoryStore
from touchstream.agents.stores.redis import connect
from touchstream.schemas.envelope import parse_time
from touchstream.streams.checkpoint import ShardCheckpoint, encode_checkpoint
from touchstream.streams.measures.catalogue import CATALOGUE, RATIOS
from touchstream.streams.measures.reading import Figure

WEEK = period("2026-11-22", "2026-11-28", None)
MEASURED: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    "p0": {
        "800:2026-11-28": {
            "orders|EUR": 2,
            "revenue|EUR": 5_000,
            "revenue|EUR|n": 2,
            "active_customers": 30,
            "churn_labels|churned|no": 1,
            "unheard_of|x": 4,
        },
        "400:2026-11-28": {"first_response_time|551": 9},
        "62:2026-11-28": {"calls|inbound|07": 3, "calls|outbound|07": 1},
    },
    "p1": {
        "800:2026-11-28": {
            "orders|EUR": 1,
            "revenue|EUR": 700,
            "revenue|EUR|n": 1,
            "revenue|USD": 900,
            "revenue|USD|n": 1,
            "active_customers": 12,
            "churn_labels|kept|yes": 3,
        },
        "400:2026-11-28": {"first_response_time|700": 1},
        "800:2026-11-27": {"active_customers": 8, "nps|promoter": 100, "nps|promoter|n": 1},
        "800:2026-11-21": {"orders|EUR": 7, "nps|detractor": -200, "nps|detractor|n": 2},
    },
}


async def filled(store: Store) -> Store:
    """Two shards at the midnight after 2026-11-28."""
    checkpoint = ShardCheckpoint(watermark_ms=parse_time("2026-11-29T00:00:00Z"))
    record = encode_checkpoint(checkpoint)
    await store.commit(
        [
            Commit(shard, None, Fence(1, 1), record, measures=buckets)
            for shard, buckets in MEASURED.items()
        ]
    )
    return store


async def asked(name: str | None = None, by: str | None = None, days: Period = WEEK) -> Report:
    store = await filled(MemoryStore())
    return await read_report(store, ["p0", "p1", "p2"], ask(name, by), days)


def figures(
    report: Report,
) -> list[tuple[str | None, dict[str, str], Figure | None, Figure | None]]:
    return [(row.day, dict(row.by), row.now, row.earlier) for row in report.rows]


async def test_the_overview_has_every_metric_with_both_periods_and_null_where_nothing_was() -> None:
    report = await asked()
    names = [metric.name for metric in CATALOGUE] + [ratio.name for ratio in RATIOS]
    assert {row.metric for row in report.rows} == set(names)
    held = {(row.metric, *row.by.values()): (row.now, row.earlier) for row in report.rows}
    assert held["orders",] == (Figure(3, 3), Figure(7, 7))
    assert held["revenue", "EUR"] == (Figure(5_700, 3), None)
    assert held["revenue", "USD"] == (Figure(900, 1), None)
    assert held["active_customers",] == (Figure(25.0, 2), None)
    assert held["nps",] == (Figure(100.0, 1), Figure(-100.0, 2))
    assert held["churn_rate",] == (Figure(0.25, 4), None)
    assert held["surveys_sent",] == (None, None)
    assert held["survey_response",] == (None, None)


async def test_a_metric_by_day_stands_beside_the_day_a_period_before() -> None:
    shown = figures(await asked("orders"))
    assert len(shown) == 8
    assert shown[-2:] == [
        ("2026-11-28", {}, Figure(3, 3), Figure(7, 7)),
        (None, {}, Figure(3, 3), Figure(7, 7)),
    ]
    assert shown[0] == ("2026-11-22", {}, None, None)


async def test_a_metric_is_split_by_a_dimension_and_by_the_hour() -> None:
    assert figures(await asked("calls", "direction")) == [
        (None, {"direction": "inbound"}, Figure(3, 3), None),
        (None, {"direction": "outbound"}, Figure(1, 1), None),
    ]
    assert figures(await asked("calls", "hour")) == [(None, {"hour": "07"}, Figure(4, 4), None)]


async def test_a_ratio_is_split_by_what_both_its_counters_have() -> None:
    assert figures(await asked("churn_rate", "treated")) == [
        (None, {"treated": "no"}, Figure(1.0, 1), None),
        (None, {"treated": "yes"}, Figure(0.0, 3), None),
    ]


async def test_the_figures_in_lines() -> None:
    report = await asked("first_response_time", days=period("2026-11-28", "2026-11-28", None))
    assert list(lines(report)) == [
        "2026-11-28 to 2026-11-28; earlier: 2026-11-27 to 2026-11-27",
        "first_response_time 2026-11-28  p50 1.0 min p90 1.0 min p99 1.0 min (n=10)  "
        "earlier: no data",
        "first_response_time             p50 1.0 min p90 1.0 min p99 1.0 min (n=10)  "
        "earlier: no data",
    ]


def test_numbers_in_words() -> None:
    def line(unit: str, figure: Figure) -> str:
        row = Compared("x", unit, None, {}, figure, None)
        return list(lines(Report("a", "b", "c", "d", [row])))[1]

    assert line("events", Figure(12_345, 12_345)) == "x  12,345 events  earlier: no data"
    assert line("minor units", Figure(12_345, 7)).startswith("x  12,345 minor units (n=7)")
    assert line("share", Figure(0.1234, 81)).startswith("x  12.3 % (n=81)")


async def test_the_newest_day_is_the_one_that_the_last_tick_ended() -> None:
    store = await filled(MemoryStore())
    newest = await newest_day(store, ["p0", "p2"])
    assert newest == date(2026, 11, 28).toordinal() - date(1970, 1, 1).toordinal()
    assert await newest_day(store, ["p2"]) is None


def test_without_a_first_day_it_is_four_weeks() -> None:
    assert period(None, "2026-11-28", None) == period("2026-11-01", None, WEEK.last)


@pytest.mark.parametrize(
    ("name", "by", "said"),
    [
        ("order", None, "NAME='order': no such metric; did you mean orders?"),
        ("xyzzy", None, "NAME='xyzzy': no such metric; want one of events, active_customers, "),
        (None, "type", "--by='type': want a metric to split; want one of events, "),
        ("events", "chanel", "--by='chanel': events has no such dimension; did you mean channel?"),
        ("events", "hour", "--by='hour': events has no such dimension; want one of type, channel"),
        ("tickets_resolved", "x", "--by='x': tickets_resolved has no such dimension; it has none"),
        ("churn_rate", "outcome", "--by='outcome': churn_rate has no such dimension; want one of "),
    ],
)
def test_unknown_names_are_told_with_the_nearest(
    name: str | None, by: str | None, said: str
) -> None:
    with pytest.raises(BadUsage) as caught:
        ask(name, by)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-11-29", "2026-11-28"),
        ("2020-01-01", "2026-11-28"),
        ("yesterday", "2026-11-28"),
        (None, "28.11.2026"),
        ("0001-01-01", "0001-01-02"),
        ("2026-11-28", None),
    ],
)
def test_days_that_make_no_period_are_bad_usage(since: str | None, until: str | None) -> None:
    with pytest.raises(BadUsage, match="want a day"):
        period(since, until, None)


def test_bad_usage_ends_with_2_and_one_line_before_redis_is_asked(tmp_path: Path) -> None:
    output = touchstream("metrics", "order", cwd=tmp_path)
    said = "touchstream: NAME='order': no such metric; did you mean orders?\n"
    assert (output.code, output.err) == (2, said)


@pytest.mark.integration
async def test_the_command_reads_redis(tmp_path: Path, redis_server: RedisServer) -> None:
    settings = {
        "NAMESPACE": "metrics-command",
        "REDIS__URL": redis_server.url,
        "KAFKA__PARTITIONS": "3",
    }
    empty = touchstream("metrics", cwd=tmp_path, settings=settings)
    assert (empty.code, empty.err.startswith("touchstream: nothing is measured")) == (1, True)
    store = connect(redis_server.url, "metrics-command")
    await filled(store)
    await store.close()
    output = touchstream("metrics", "orders", "--json", cwd=tmp_path, settings=settings)
    assert output.code == 0, output
    assert json.loads(output.out)["rows"][-1] == {
        "metric": "orders",
        "unit": "orders",
        "day": None,
        "by": {},
        "now": {"value": 10, "n": 10},
        "earlier": None,
    }
