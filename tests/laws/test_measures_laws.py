"""Laws of the measures: exact whatever the batches and shards, equal to a recount of the log.

That batches, chunks, partitions and deaths do not show is held by test_stream_laws.py: what a
replay leaves includes its measures.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.make import QUICK, Log, days, event, record, replay, summed_measures
from tests.strategies import CALL, END_DAY, logs
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.rules import IntakeRules, Rules
from touchstream.schemas.units import DAY_MS, HOUR_MS, Millis
from touchstream.simulator.noise import Line, Noise
from touchstream.simulator.world import World
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.local import LocalStream
from touchstream.streams.measures.catalogue import METRICS
from touchstream.streams.measures.quantiles import RELATIVE_ERROR, quantile
from touchstream.streams.measures.reading import Cells, group, read
from touchstream.streams.records import Record

LAW = settings(max_examples=20)
NOISY = Noise(
    out_of_order=0.1, late=0.05, too_late=0.01, repeated=0.1, conflicting=0.01, wrong_clock=0.01
)
LATENESS_DAYS = 7
RULES = Rules(intake=IntakeRules(allowed_lateness_days=LATENESS_DAYS, ids_per_customer=10_000))
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00Z")


@pytest.fixture(scope="module")
def lines() -> list[tuple[int, bytes]]:
    """(received, JSON) of a noisy world, in order of arrival."""
    world = World(seed=11, customers=200, days=75, noise=NOISY)
    return [(line.received_ms, line.to_bytes()) for line in _sorted(world.lines())]


@pytest.fixture(scope="module")
def run(lines: Sequence[tuple[int, bytes]]) -> LocalStream:
    return streamed(lines, partitions=3, batch=37)


def _sorted(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: line.received_ms)


def streamed(lines: Sequence[tuple[int, bytes]], partitions: int, batch: int) -> LocalStream:
    """The pure loop over some lines, with a tick at every midnight."""
    stream = LocalStream(RULES, partitions)
    by_day: defaultdict[int, list[Record]] = defaultdict(list)
    for offset, (received_ms, value) in enumerate(lines):
        by_day[received_ms // DAY_MS].append(
            Record(offset, Millis(received_ms), subject_of(value), value)
        )
    for day in range(min(by_day), max(by_day) + 1):
        for partition in range(partitions):
            mine = [r for r in by_day[day] if partition_of(r.key or b"", partitions) == partition]
            for start in range(0, len(mine), batch):
                stream.feed(partition, mine[start : start + batch])
        stream.tick((day + 1) * DAY_MS)
    return stream


def subject_of(value: bytes) -> bytes:
    try:
        return str(orjson.loads(value)["subject"]).encode()
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return b"nobody"


class Recount:
    """The log counted again from its JSON, with nothing of the core but the event types' names."""

    def __init__(self) -> None:
        self.events: Counter[tuple[int, str]] = Counter()
        self.active: set[tuple[int, str]] = set()
        self.orders: Counter[tuple[int, str]] = Counter()
        self.revenue: Counter[tuple[int, str]] = Counter()
        self.opened: Counter[int] = Counter()
        self.resolved: Counter[int] = Counter()
        self.calls: Counter[tuple[int, str]] = Counter()
        self.responses: list[int] = []
        self.resolutions: list[int] = []
        self.durations: list[int] = []
        self.nps: list[float] = []
        self._tickets: dict[tuple[str, str], dict[str, Any]] = {}

    def take(self, said: dict[str, Any], time_ms: int) -> None:
        """One applied event."""
        kind, customer, data = said["type"], said["subject"], said.get("data") or {}
        day = time_ms // DAY_MS
        self.events[day, kind] += 1
        if by_customer(kind, data):
            self.active.add((day, customer))
        if kind == "order.placed":
            self.orders[day, data["currency"]] += 1
            self.revenue[day, data["currency"]] += data["amount_minor"]
        elif kind == "call.ended":
            self.calls[time_ms // HOUR_MS, data["direction"]] += 1
            self.durations.append(round(1_000 * data["duration_s"]))
        elif kind == "survey.answered" and data["kind"] == "nps" and data.get("score") is not None:
            self.nps.append(data["score"])
        elif kind.startswith("ticket."):
            self._ticket(kind, (customer, data["ticket"]), data, time_ms)

    def _ticket(self, kind: str, name: tuple[str, str], data: dict[str, Any], time_ms: int) -> None:
        """Opening, first reply by an agent and first solution, in order of arrival."""
        held = self._tickets.get(name)
        if kind == "ticket.opened":
            self.opened[time_ms // DAY_MS] += 1
            self._tickets.setdefault(name, {"opened": time_ms})
        elif kind == "ticket.reopened":
            self._tickets.setdefault(name, {})
        elif kind == "ticket.resolved":
            self.resolved[time_ms // DAY_MS] += 1
            held = self._tickets.setdefault(name, {})
            if "opened" in held and "solved" not in held and time_ms >= held["opened"]:
                held["solved"] = True
                self.resolutions.append(time_ms - held["opened"])
        elif data["by"] == "agent" and held is not None and held.keys() == {"opened"}:
            if time_ms < held["opened"]:
                return
            held["answered"] = True
            self.responses.append(time_ms - held["opened"])


def by_customer(kind: str, data: dict[str, Any]) -> bool:
    """Whether the customer did it: as docs/events.md says of each type."""
    if kind == "ticket.replied":
        return bool(data["by"] == "customer")
    if kind == "call.ended":
        return bool(data["direction"] == "inbound")
    return kind in {
        *("web.visit", "web.form_submitted", "content.streamed", "event.attended"),
        *("store.visited", "cart.abandoned", "order.placed", "subscription.started"),
        *("subscription.renewed", "subscription.changed", "ticket.opened", "email.opened"),
        *("email.clicked", "survey.answered", "review.posted", "social.mentioned"),
    }


@pytest.fixture(scope="module")
def recount(lines: Sequence[tuple[int, bytes]]) -> Recount:
    """Every line that counts: sound, known, not too late, not seen before, not erased."""
    found, seen, erased = Recount(), set(), dict[str, int]()
    first_day = lines[0][0] // DAY_MS
    newest: dict[str, int] = {}
    for received_ms, value in lines:
        said = sound(value)
        if said is None:
            continue
        stamp = datetime.fromisoformat(said["time"]) - EPOCH
        time_ms = min(stamp // timedelta(milliseconds=1), received_ms + 300_000)
        midnight = received_ms // DAY_MS
        late = midnight > first_day and midnight * DAY_MS - time_ms > LATENESS_DAYS * DAY_MS
        identity, customer = (said["source"], said["id"]), said["subject"]
        if late or identity in seen or time_ms <= erased.get(customer, -1):
            continue
        seen.add(identity)
        newest[customer] = max(newest.get(customer, 0), time_ms)
        if said["type"] == "customer.erased":
            erased[customer] = newest[customer]
        found.take(said, time_ms)
    return found


def sound(value: bytes) -> dict[str, Any] | None:
    """The event of a line; None where the core must refuse or drop it."""
    try:
        said: dict[str, Any] = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    known = {"id", "source", "subject", "time"} <= said.keys() and said["type"] in TOUCHPOINTS
    return said if known and len(value) <= 256 * 1024 and right_types(said) else None


def right_types(said: dict[str, Any]) -> bool:
    """The world breaks a copy of an event by a text where a number belongs; see its noise."""
    data = said.get("data") or {}
    numbers = ("amount_minor", "duration_s", "score", "seconds", "transfers", "queue_s", "hold_s")
    return not any(isinstance(data.get(name), str) for name in numbers)


def cells_of(stream: LocalStream) -> Cells:
    return read(summed_measures(stream).items())


def daily(cells: Cells, name: str, by: str | None = None) -> dict[Any, int]:
    """(day, value of ``by``) -> total."""
    grouped = group(cells, METRICS[name], by=by, per_day=True)
    return {(row.day, *row.values): amount.total for row, amount in grouped.items()}


def counts(cells: Cells, name: str) -> dict[int, int]:
    merged: Counter[int] = Counter()
    for amount in group(cells, METRICS[name]).values():
        merged.update(amount.counts)
    return merged


def test_events_and_active_customers_are_those_of_a_recount(
    run: LocalStream, recount: Recount
) -> None:
    cells = cells_of(run)
    assert daily(cells, "events", "type") == recount.events
    active = Counter((day,) for day, _ in recount.active)
    assert daily(cells, "active_customers") == active


def test_orders_and_revenue_are_those_of_a_recount(run: LocalStream, recount: Recount) -> None:
    cells = cells_of(run)
    assert daily(cells, "orders", "currency") == recount.orders
    assert daily(cells, "revenue", "currency") == recount.revenue


def test_tickets_and_calls_are_those_of_a_recount(run: LocalStream, recount: Recount) -> None:
    cells = cells_of(run)
    assert daily(cells, "tickets_opened") == {(day,): n for day, n in recount.opened.items()}
    assert daily(cells, "tickets_resolved") == {(day,): n for day, n in recount.resolved.items()}


def test_calls_are_kept_by_the_hour_for_62_days(run: LocalStream, recount: Recount) -> None:
    watermark_ms = run.shards[0].checkpoint.watermark_ms
    assert watermark_ms is not None
    oldest = watermark_ms // DAY_MS - 62
    hours: Counter[tuple[int, str]] = Counter()
    for cell, amount in cells_of(run).items():
        if cell.name == "calls":
            hours[cell.day * 24 + int(cell.values[1]), cell.values[0]] += amount.total
    assert hours == {key: n for key, n in recount.calls.items() if key[0] // 24 >= oldest}
    assert len(hours) < len(recount.calls)


@pytest.mark.parametrize("name", ["first_response_time", "resolution_time", "call_duration"])
@pytest.mark.parametrize("q", [0.1, 0.5, 0.9, 0.99])
def test_quantiles_are_within_the_relative_error_of_the_recount(
    run: LocalStream, recount: Recount, name: str, q: float
) -> None:
    values = {
        "first_response_time": recount.responses,
        "resolution_time": recount.resolutions,
        "call_duration": recount.durations,
    }[name]
    found = counts(cells_of(run), name)
    assert sum(found.values()) == len(values) > 25
    exact = float(np.quantile(np.array(values), q, method="lower"))
    assert quantile(found, q) == pytest.approx(exact, rel=RELATIVE_ERROR, abs=1e-9)


def test_nps_is_that_of_a_recount(run: LocalStream, recount: Recount) -> None:
    [(_, amount)] = group(cells_of(run), METRICS["nps"]).items()
    promoters = sum(score >= 9 for score in recount.nps)
    detractors = sum(score < 7 for score in recount.nps)
    assert (amount.total, amount.n) == (100 * (promoters - detractors), len(recount.nps))
    assert amount.n > 0


def test_labels_and_entries_into_bands_are_those_that_were_emitted(run: LocalStream) -> None:
    cells = cells_of(run)
    [labels] = group(cells, METRICS["churn_labels"]).values()
    churned = group(cells, METRICS["churn_labels"], by="outcome")
    assert labels.total == len([e for e in run.examples if e.target == "churn"]) > 100
    assert {row.values[0]: amount.total for row, amount in churned.items()} == Counter(
        "churned" if example.label else "kept"
        for example in run.examples
        if example.target == "churn"
    )


@pytest.mark.parametrize(("partitions", "batch"), [(1, 1_000_000), (8, 5)])
def test_neither_partitions_nor_batches_show(
    run: LocalStream, lines: Sequence[tuple[int, bytes]], partitions: int, batch: int
) -> None:
    other = streamed(lines, partitions, batch)
    assert summed_measures(other) == summed_measures(run)


OLD_CALLS = st.lists(st.tuples(st.integers(-80 * 24, END_DAY * 24), CALL), min_size=1, max_size=30)


@LAW
@given(OLD_CALLS, st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(1, 4))
def test_what_retention_drops_does_not_depend_on_batches_or_shards(
    calls: list[tuple[int, dict[str, object]]], batches: list[int], partitions: int
) -> None:
    log = old_log(calls)
    left = replay(log, batches=batches, partitions=partitions).measures
    assert left == replay(log).measures
    oldest = days(END_DAY) // DAY_MS - 62
    kept = [cell.day for cell in read(left.items()) if cell.name == "calls"]
    assert all(day >= oldest for day in kept)
    assert Counter(calls_by_day(log)) >= Counter(kept)


def old_log(calls: list[tuple[int, dict[str, object]]]) -> Log:
    """Calls of the last 80 days arrive at once before the first tick, later ones in time."""
    sent = [
        record(
            event("call.ended", Millis(days(0) + hour * HOUR_MS), f"c{number}", **data),  # type: ignore[arg-type]
            Millis(max(days(0), days(0) + hour * HOUR_MS)),
        )
        for number, (hour, data) in enumerate(calls)
    ]
    sent.sort(key=lambda one: one.received_ms)
    return Log([one._replace(offset=place) for place, one in enumerate(sent)], END_DAY)


def calls_by_day(log: Log) -> list[int]:
    times = [orjson.loads(one.value)["time"] for one in log.records]
    return [(datetime.fromisoformat(time) - EPOCH).days for time in times]


@LAW
@given(logs())
def test_every_applied_event_is_measured_once(log: Log) -> None:
    outcome = replay(log, QUICK)
    total = group(read(outcome.measures.items()), METRICS["events"])
    assert sum(amount.total for amount in total.values()) == outcome.counters.get("applied", 0)
