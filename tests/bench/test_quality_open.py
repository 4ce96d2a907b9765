"""Open rows: when relations end, and what is measured of them."""

import msgspec
import numpy as np
import orjson
import pytest

from bench.quality.models import OBSERVER, ORACLE
from bench.quality.open_rows import FEWEST_IN_BIN, groups, worst_ece
from bench.quality.relation import departures
from bench.quality.rows import Rows, collect
from bench.quality.truth import true_predictions
from touchstream.schemas.rules import ChurnRules, Rules
from touchstream.schemas.units import DAY_MS
from touchstream.simulator.telecom import HOT, Telecom
from touchstream.streams.emit.identity import pseudonym

NAMES = ("subscription_running", "silence_days", "known_days")
NAMED = ("ada", "bob", "cid")
NONE = float("nan")
RULES = Rules(churn=ChurnRules(horizon_days=7))


def rows(*vectors: tuple[float, float, float], label: list[int] | None = None) -> Rows:
    """Subscription, and days of silence and since the first event."""
    count = len(vectors)
    values = np.array(vectors, np.float64)
    values[:, 1:] = np.log1p(values[:, 1:])
    return Rows(
        customer=np.arange(count),
        at_ms=np.arange(count) * DAY_MS,
        matured_ms=np.arange(count) * DAY_MS,
        label=np.array(label or [0] * count),
        probability=np.zeros(count),
        version=np.ones(count, np.int64),
        open=np.ones(count, np.bool_),
        vector=values.astype(np.float32),
        names=NAMES,
        customers=tuple(pseudonym(name, RULES.seed) for name in NAMED),
        seconds=0.0,
    )


def event(kind: str, subject: str, day: int, **more: object) -> bytes:
    data = {
        "web.visit": {"page": "/"},
        "subscription.started": {"plan": "s", "amount_minor": 1, "currency": "EUR"},
    }.get(kind, {})
    return orjson.dumps(
        {
            "type": kind,
            "subject": subject,
            "time": f"2026-01-{day:02}T00:00:00Z",
            "data": data,
            **more,
        }
    )


def ends(*lines: bytes) -> list[tuple[int, int]]:
    """Customer and day of January."""
    found = departures(lines, RULES, rows(*[(NONE, 0.0, 0.0)] * 3))
    first = 20_453  # 2025-12-31
    return [(who, int(day) - first) for who, day in zip(found.customer, found.day, strict=True)]


def test_a_cancellation_ends_a_relation_when_it_comes() -> None:
    lines = [event("subscription.started", "ada", 1), event("subscription.cancelled", "ada", 9)]
    assert ends(*lines, event("web.visit", "bob", 12)) == [(0, 9)]


def test_without_a_contract_each_silence_ends_it_when_it_has_lasted_the_horizon() -> None:
    visits = [event("web.visit", "bob", day) for day in (1, 5, 15, 30)]
    assert ends(*visits) == [(1, 12), (1, 22)]
    assert ends(*visits, event("email.delivered", "bob", 20)) == [(1, 12), (1, 22)]


def test_a_contract_that_is_silent_has_not_ended() -> None:
    lines = [event("subscription.started", "ada", 1), event("web.visit", "bob", 30)]
    assert ends(*lines) == []


def test_a_clock_that_runs_ahead_counts_from_its_arrival_and_broken_lines_not_at_all() -> None:
    ahead = event("web.visit", "bob", 31, receivedtime="2026-01-03T00:00:00Z")
    assert ends(event("web.visit", "bob", 1), ahead, event("web.visit", "cid", 12), b"{") == [
        (1, 10)
    ]


def test_calibration_is_told_of_bins_that_are_more_than_chance() -> None:
    count = FEWEST_IN_BIN
    subscribed, others = [(1.0, 1.0, 400.0)] * count, [(NONE, 1.0, 10.0)] * (count - 1)
    both = rows(*subscribed, *others, label=[1] * 10 + [0] * (count - 10) + [1] * (count - 1))
    risk = np.concatenate([np.full(count, 0.15), np.full(count - 1, 0.95)])
    found = {group.name: group for group in groups(both, risk)}
    assert found["subscribed"].ece == pytest.approx(0.05)
    assert found["subscribed"].worst == pytest.approx(0.05)
    assert (found["new"].n, found["new"].ece) == (count - 1, None)
    assert worst_ece(list(found.values())) == pytest.approx(0.05)


def test_the_truth_is_told_of_the_rows_asked_for() -> None:
    small = msgspec.structs.replace(HOT, customers=60, days=90)
    found = collect((line.to_bytes() for line in Telecom(0, small).lines()), Rules())
    asked = found.open
    assert 0 < asked.sum() < len(asked)
    known = true_predictions(Telecom(0, small), found, asked)
    for name in (OBSERVER, ORACLE):
        assert np.isnan(known[name]).tolist() == (~asked).tolist()
        assert ((known[name][asked] >= 0) & (known[name][asked] <= 1)).all()
    label = found.label[asked]
    assert known[ORACLE][asked][label == 1].mean() > known[ORACLE][asked][label == 0].mean()
