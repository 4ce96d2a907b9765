"""A better model is found, an equal one is not, however the labels hang together."""

from collections.abc import Iterator
from functools import cache
from math import inf, log, nan

import msgspec
import numpy as np
import pytest

from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.learn.trial import LARGEST_LOSS, RICHEST, Bets, Trial, log_loss

WEEK_MS = 7 * DAY_MS
ALPHA = 0.05
HORIZON = 28
DAYS = 900
CUSTOMERS = 140
CHANCE = 0.01
"""P(a customer comes on a day)."""
UNCERTAIN = 0.6
"""Standard deviation of the log of what all customers share on a day."""
BASE = 1 - (1 - CHANCE) ** HORIZON
"""P(the customer comes within the horizon): the days' shares are independent, and 1 on average."""
WORLDS = 100


def weekly(differences: list[float]) -> Trial:
    """A trial that saw one example a week, and closed the last of them."""
    trial = Trial.of(HORIZON, 7)
    for week, difference in enumerate([*differences, 0.0]):
        trial.add(Millis(week * WEEK_MS), 1.0 + difference, 1.0)
    return trial


def test_an_example_that_stands_for_many_counts_as_many_in_the_mean_of_its_round() -> None:
    weighed, repeated = Trial.of(HORIZON, 7), Trial.of(HORIZON, 7)
    for week in range(12):
        weighed.add(Millis(week * WEEK_MS), 2.0, 1.0, weight=3.0)
        weighed.add(Millis(week * WEEK_MS), 1.0, 1.5)
        for loss, other in (*[(2.0, 1.0)] * 3, (1.0, 1.5)):
            repeated.add(Millis(week * WEEK_MS), loss, other)
    assert weighed.sides == repeated.sides
    assert weighed.evidence().difference == (3 * 1.0 - 0.5) / 4
    assert (weighed.evidence().examples, repeated.evidence().examples) == (22, 44)


def rounds_until_found(differences: Iterator[float], trial: Trial) -> int | None:
    for week, difference in enumerate(differences):
        trial.add(Millis(week * WEEK_MS), 1.0 + difference, 1.0)
        if trial.winner(ALPHA) == "second":
            return week
    return None


@cache
def churn_by_day(seed: int) -> list[float]:
    """Share of "came within 28 days" among those scored on each day, less its expectation.

    Everybody is scored weekly, windows overlap, and good and bad days are the same for all. Where
    one model says a little too much and the other too little, their losses differ by a multiple of
    this; with the expectation taken off, neither is better.
    """
    rng = np.random.default_rng(seed)
    shared = np.exp(UNCERTAIN * rng.normal(size=DAYS) - UNCERTAIN**2 / 2)
    came = rng.random((DAYS, CUSTOMERS)) < (CHANCE * shared)[:, None]
    before = np.vstack([np.zeros((1, CUSTOMERS), int), np.cumsum(came, axis=0)])
    label = before[HORIZON:] > before[:-HORIZON]
    return [float(label[day, day % 7 :: 7].mean() - BASE) for day in range(DAYS - HORIZON)]


def judged(seed: int, trial: Trial, edge: float = 0.0) -> Trial:
    """A trial that saw a world of two models, the second of them better by ``edge``."""
    for day, difference in enumerate(churn_by_day(seed)):
        trial.add(Millis(day * DAY_MS), 1.0 + difference + edge, 1.0)
    return trial


def test_neither_of_two_equal_models_is_called_better_more_often_than_alpha() -> None:
    ever = [judged(seed, Trial.of(HORIZON, 7)).evidence() for seed in range(WORLDS)]
    assert sum(found.p_first <= ALPHA for found in ever) <= ALPHA * WORLDS
    assert sum(found.p_second <= ALPHA for found in ever) <= ALPHA * WORLDS


def test_who_takes_overlapping_weeks_for_independent_is_fooled() -> None:
    fooled = 0
    for seed in range(WORLDS):
        heedless = Trial(Millis(WEEK_MS), 1, ([Bets()], [Bets()]))
        fooled += judged(seed, heedless).winner(ALPHA) is not None
    assert fooled > 3 * ALPHA * WORLDS


def test_a_model_that_is_better_by_two_of_its_spreads_is_found_within_60_rounds() -> None:
    spread = float(np.std([week_mean for seed in range(20) for week_mean in weeks(seed)]))
    found = [
        rounds_until_found(
            (difference + 2 * spread for difference in weeks(seed)), Trial.of(HORIZON, 7)
        )
        for seed in range(20)
    ]
    assert max(inf if took is None else took for took in found) <= 60


def weeks(seed: int) -> list[float]:
    days = churn_by_day(seed)
    return [sum(days[at : at + 7]) / 7 for at in range(0, len(days) - 6, 7)]


def test_a_model_that_is_always_better_is_found_after_40_rounds() -> None:
    assert rounds_until_found(iter([0.01] * 60), Trial.of(HORIZON, 7)) == 40


def test_a_model_that_turns_better_after_a_year_is_found_in_the_next_two() -> None:
    was_worse = [-0.01] * 52
    assert rounds_until_found(iter([*was_worse, *[0.01] * 104]), Trial.of(HORIZON, 7)) is not None


def test_a_model_that_is_better_for_three_hundred_years_breaks_no_number() -> None:
    trial = weekly([0.01] * 3000 * 5)
    assert {bets.wealth for bets in trial.sides[1]} == {RICHEST}
    assert 0.0 < trial.evidence().p_second < 1e-90


def test_the_first_is_found_as_the_second_would_be() -> None:
    trial = weekly([-0.01] * 60)
    assert trial.winner(ALPHA) == "first"
    mirrored = weekly([0.01] * 60).evidence()
    assert trial.evidence().p_first == pytest.approx(mirrored.p_second, rel=1e-12)


def test_models_that_say_the_same_are_never_told_apart() -> None:
    trial = weekly([0.0] * 200)
    assert trial.winner(0.99) is None
    assert trial.evidence() == (200, 200, 0.0, 1.0, 1.0)


def test_the_wealth_is_that_of_a_gambler_reckoned_by_hand() -> None:
    trial = Trial(Millis(WEEK_MS), 1, ([Bets()], [Bets()]))
    for week, loss in enumerate([1.5, 1.25, 1.5, 1.0]):  # differences .5, .25 and .5, one open
        trial.add(Millis(week * WEEK_MS), loss, 1.0)
    usual = ((0.9 * 0.5**2 + 0.25**2) / 1.9) ** 0.5
    assert usual < 0.5  # so the third gains all that a round can
    after_two = 0.5 * (1 + 0.9 * 0.25 / 0.5)  # the first has nothing to be measured by
    after_three = (after_two + 1 / 6) * 1.9
    assert trial.sides[1][0].wealth == pytest.approx(after_three, rel=1e-12)
    assert trial.sides[1][0].most == pytest.approx(log(after_three + 1 / 3), rel=1e-12)


def test_a_round_teaches_what_is_usual_only_when_its_labels_were_known() -> None:
    trial = weekly([0.01] * 5)  # five streams: none of these was known when the fifth began
    assert [bets.count for bets in trial.sides[1]] == [0, 0, 0, 0, 0]
    assert [bets.count for bets in weekly([0.01] * 6).sides[1]] == [1, 0, 0, 0, 0]


def test_examples_of_one_round_are_one_witness() -> None:
    many, one = Trial.of(HORIZON, 7), Trial.of(HORIZON, 7)
    for week in range(40):
        at = Millis(week * WEEK_MS)
        one.add(at, 1.25, 1.0)
        many.add(at, 1.5, 1.0)
        many.add(Millis(at + 6 * DAY_MS), 1.0, 1.0)
    assert many.evidence().p_second == one.evidence().p_second < 0.2
    assert many.evidence().difference == 0.25


def test_an_example_of_a_closed_round_is_left_out() -> None:
    trial = weekly([0.5, 0.5])
    trial.add(Millis(DAY_MS), 7.0, 0.0)
    assert trial.evidence().difference == 0.5
    assert trial.n == 1


def test_a_single_loss_counts_no_more_than_the_largest() -> None:
    trial = Trial.of(HORIZON, 7)
    trial.add(Millis(0), 1e300, 1.0)
    assert trial.total == LARGEST_LOSS - 1.0


@pytest.mark.parametrize("loss", [nan, inf, -inf])
def test_a_loss_that_is_not_finite_is_refused(loss: float) -> None:
    with pytest.raises(ValueError, match="want finite numbers"):
        Trial.of(HORIZON, 7).add(Millis(0), loss, 1.0)


@pytest.mark.parametrize(
    ("horizon", "every", "days", "phases"), [(28, 7, 7, 5), (91, 7, 14, 8), (1, 1, 1, 2)]
)
def test_rounds_of_one_stream_never_overlap(
    horizon: int, every: int, days: int, phases: int
) -> None:
    trial = Trial.of(horizon, every)
    assert (trial.round_ms, trial.phases) == (days * DAY_MS, phases)
    assert days * (phases - 1) >= horizon


def test_a_trial_of_the_longest_horizon_is_still_small() -> None:
    trial = Trial.of(3650, 1)
    for number in range(100):
        trial.add(Millis(number * trial.round_ms), 1.3, 1.0)
    assert len(msgspec.json.encode(trial)) < 1024


def test_log_loss_is_bounded_on_either_side() -> None:
    assert (log_loss(0.0, 1), log_loss(1.0, 0)) == (LARGEST_LOSS, LARGEST_LOSS)
    assert log_loss(0.5, 0) == log_loss(0.5, 1) == log(2)
