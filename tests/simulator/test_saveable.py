"""A planted group that can be kept: acceptance, the saves of the oracle, the worth of a year."""

from math import exp

import numpy as np
import pytest

from touchstream.simulator import SILENCE, SaveableGroup, World
from touchstream.simulator.customers import Traits
from touchstream.simulator.saveable import EVERYONE, yearly_values

CALL = "call_by_owner"
STREAMERS = frozenset({"basic", "standard", "family"})


def first_day(saveable: SaveableGroup = EVERYONE) -> World:
    world = World(5, 2_000, 2, noise=SILENCE, saveable=saveable)
    next(world.days())
    return world


def accepting(world: World) -> dict[str, bool]:
    """Customer -> whether they accept a call on the first day."""
    here = world.true_churn_probabilities(world.now_ms, 1, paths=1)
    return {customer: bool(world.treat(customer, CALL, world.now_ms)) for customer in here}


def test_a_group_accepts_as_ever_and_everybody_else_seldom() -> None:
    world = first_day(saveable=SaveableGroup(plans=STREAMERS, others=0.2))
    streamers = {truth.customer for truth in world.truth() if truth.segment == "streamer"}
    found, alike = accepting(world), accepting(first_day())
    inside = [found[customer] for customer in found if customer in streamers]
    outside = [found[customer] for customer in found if customer not in streamers]
    assert inside == [alike[customer] for customer in found if customer in streamers]
    assert np.mean(inside) == pytest.approx(0.35, abs=0.05)
    assert np.mean(outside) == pytest.approx(0.07, abs=0.03)


def test_a_save_is_the_acceptance_times_the_fall_of_the_risk() -> None:
    world = first_day()
    risks = world.true_churn_probabilities(world.now_ms, 28)
    customer = max(risks, key=lambda name: risks[name])
    saved = world.true_saves(28, CALL, [customer], paths=256)[customer]
    before = world.true_churn_probability(customer, world.now_ms, 28)
    assert any(world.treat(customer, CALL, world.now_ms, str(number)) for number in range(100))
    after = world.true_churn_probability(customer, world.now_ms, 28)
    assert saved == pytest.approx(0.35 * (before - after))
    assert saved > 0.05


def test_outside_of_the_group_a_save_is_as_much_rarer_as_an_acceptance() -> None:
    world = first_day()
    group = SaveableGroup(plans=STREAMERS, others=0.2)
    names = [truth.customer for truth in world.truth()][:200]
    alike, planted = (world.true_saves(28, CALL, names, saveable=one) for one in (EVERYONE, group))
    streamers = {truth.customer for truth in world.truth() if truth.segment == "streamer"}
    assert planted == {
        name: pytest.approx(saved if name in streamers else 0.2 * saved)
        for name, saved in alike.items()
    }


def test_a_lead_is_nobody_to_save() -> None:
    assert first_day().true_saves(28, CALL, ["lead-00001"]) == {}


def test_a_year_is_worth_its_terms_and_the_orders_expected() -> None:
    one = np.array([0])
    streamer = Traits(
        segment=one,
        plan=one,
        start_day=one,
        term_days=np.array([30]),
        rhythm=np.array([2.0]),
        hour=np.array([8.0]),
        basket_minor=np.array([1_500.0]),
        silent=np.array([False]),
    )
    [value] = yearly_values(streamer, np.array([799]))
    assert value == pytest.approx(365 * (799 / 30 + 0.004 * 2.0 * 1_500 * exp(0.35**2 / 2)))


def test_everybody_has_a_worth_and_business_the_highest() -> None:
    world = first_day()
    values = world.true_yearly_values()
    by_segment: dict[str, list[float]] = {}
    for truth in world.truth():
        by_segment.setdefault(truth.segment, []).append(values[truth.customer])
    means = {segment: np.mean(found) for segment, found in by_segment.items()}
    assert max(means, key=lambda segment: means[segment]) == "business"
    assert min(min(found) for found in by_segment.values()) > 0
