"""Planted changes of the world's law, and the oracle for some customers."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest

from bench.validity.measures import auc
from touchstream.schemas.units import DAY_MS
from touchstream.simulator import SILENCE, START_MS, Drift, Line, Outlook, World
from touchstream.simulator.customers import draw_traits
from touchstream.simulator.hazard import daily_hazard, first_latent
from touchstream.simulator.observer import Observer

HABITS = ("web.visit", "content.streamed", "order.placed")


def habits_by_week(drift: Drift) -> list[int]:
    world = World(11, 500, 28, growth_per_year=0.0, noise=SILENCE, drift=drift)
    counts = Counter(
        day.number // 7
        for day in world.days()
        for line in day.lines
        if isinstance(line.event, dict) and line.event["type"] in HABITS
    )
    return [counts[week] for week in range(4)]


def test_from_its_day_on_a_drift_halves_what_customers_do() -> None:
    calm = habits_by_week(Drift(from_day=0))
    halved = habits_by_week(Drift(from_day=14, activity=0.5))
    assert halved[:2] == calm[:2]
    for week in (2, 3):
        assert halved[week] / calm[week] == pytest.approx(0.5, abs=0.06)


def test_a_drift_multiplies_the_hazard_from_its_day_on() -> None:
    traits = draw_traits(np.random.default_rng(3), customers=50, days=1, growth_per_year=0.0)
    latent = first_latent(np.random.default_rng(4), traits)
    drift = Drift(from_day=20, hazard=1.1)
    for day, factor in ((19, 1.0), (20, np.exp(1.1))):
        calm, changed = daily_hazard(latent, traits, day), daily_hazard(latent, traits, day, drift)
        assert np.log1p(-changed) / np.log1p(-calm) == pytest.approx(np.full(50, factor))


def test_under_a_riskier_law_more_leave_from_its_day_on() -> None:
    calm, risky = (
        [day.left for day in World(12, 1_500, 40, noise=SILENCE, drift=drift).days()]
        for drift in (Drift(from_day=0), Drift(from_day=20, hazard=1.1))
    )
    assert risky[:20] == calm[:20]
    assert sum(risky[20:]) > 1.5 * sum(calm[20:])


def test_the_oracle_knows_of_the_drift() -> None:
    world = World(
        13, 4_000, 32, noise=SILENCE, remember_every_days=1, drift=Drift(from_day=10, hazard=1.1)
    )
    for _ in world.days():
        pass
    at_ms = START_MS + 4 * DAY_MS
    risks = world.true_churn_probabilities(at_ms, 28, 32)
    left = {t.customer: t.churned_at for t in world.truth()}
    facts = np.array([(left[c] or np.inf) < at_ms + 28 * DAY_MS for c in risks])
    chances = np.array(list(risks.values()))
    off = abs(facts.sum() - chances.sum()) / np.sqrt((chances * (1 - chances)).sum())
    assert off < 3


def test_the_oracle_answers_for_those_it_is_asked_about_who_are_there() -> None:
    world = World(14, 300, 60, noise=SILENCE)
    for _ in world.days():
        pass
    gone = next(t.customer for t in world.truth() if t.churned_at)
    here = [t.customer for t in world.truth() if not t.churned_at][:2]
    assert set(world.true_churn_probabilities(world.now_ms, 28, 8, [gone, *here])) == set(here)


def test_some_have_the_risk_that_they_have_among_all() -> None:
    world = World(14, 300, 60, noise=SILENCE)
    for _ in world.days():
        pass
    everyone = world.true_churn_probabilities(world.now_ms, 28, 256)
    some = world.true_churn_probabilities(world.now_ms, 28, 256, list(everyone)[:100])
    for customer, risk in some.items():
        assert risk == pytest.approx(everyone[customer], abs=0.08)


class Foreseen(NamedTuple):
    """One midnight, four weeks before the end."""

    observer: list[Outlook]
    oracle: list[Outlook]
    left: list[int]


def events(lines: Iterable[Line]) -> list[dict[str, Any]]:
    return [line.event for line in lines if isinstance(line.event, dict)]


@pytest.fixture(scope="module")
def foreseen() -> Foreseen:
    world = World(15, 1_500, 98, growth_per_year=0.0, noise=SILENCE, remember_every_days=70)
    observer = world.observer(particles=100)
    at_ms = START_MS + 70 * DAY_MS
    outlooks: dict[str, Outlook] = {}
    for day in world.days():
        observer.see(events(day.lines))
        if world.now_ms == at_ms:
            here = list(world.true_churn_probabilities(at_ms, 28, 1))
            outlooks = dict(observer.foresee(here, 28, futures=60))
    true = world.true_outlooks(at_ms, 28, list(outlooks))
    gone = {truth.customer for truth in world.truth() if truth.churned_at}
    return Foreseen(
        list(outlooks.values()),
        [true[name] for name in outlooks],
        [int(name in gone) for name in outlooks],
    )


def test_what_the_observer_foresees_is_the_frequency_of_leaving(foreseen: Foreseen) -> None:
    chances = np.array([outlooks.leaves for outlooks in foreseen.observer])
    off = abs(sum(foreseen.left) - chances.sum()) / np.sqrt((chances * (1 - chances)).sum())
    assert sum(foreseen.left) > 50
    assert off < 3


def test_the_observer_foresees_less_than_the_oracle_and_more_than_chance(
    foreseen: Foreseen,
) -> None:
    best = auc([outlooks.leaves for outlooks in foreseen.oracle], foreseen.left)
    observed = auc([outlooks.leaves for outlooks in foreseen.observer], foreseen.left)
    assert 0.65 < observed < best - 0.03


def test_the_observer_reads_neither_rhythm_nor_silence() -> None:
    world = World(16, 80, 20, noise=SILENCE)
    traits = draw_traits(np.random.default_rng(3), customers=80, days=1, growth_per_year=0.0)
    other = msgspec.structs.replace(traits, rhythm=traits.rhythm * 3, silent=~traits.silent)
    names = [f"c{number:06d}" for number in range(1, 81)]
    first, second = (
        Observer(1, known, names, Drift(from_day=0), particles=20) for known in (traits, other)
    )
    for day in world.days():
        first.see(events(day.lines))
        second.see(events(day.lines))
    assert first.foresee(names, 7) == second.foresee(names, 7)


def test_what_is_sent_to_who_has_left_is_delivered_and_nothing_follows() -> None:
    world = World(14, 300, 40, noise=SILENCE)
    days = world.days()
    for day in days:
        if day.number == 30:
            break
    gone = next(t.customer for t in world.truth() if t.kind == "silent")
    assert world.treat(gone, "call_by_owner", world.now_ms, "d1") is None
    outcomes = [
        event["data"]["outcome"]
        for day in days
        for event in events(day.lines)
        if event["type"] == "action.outcome"
    ]
    assert outcomes == ["sent", "delivered"]


def test_the_outlook_of_leaving_is_what_the_oracle_says() -> None:
    world = World(14, 100, 30, noise=SILENCE)
    for _ in world.days():
        pass
    risks = world.true_churn_probabilities(world.now_ms, 28)
    outlooks = world.true_outlooks(world.now_ms, 28, list(risks))
    assert {name: outlooks.leaves for name, outlooks in outlooks.items()} == pytest.approx(risks)
