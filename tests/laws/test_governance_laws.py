"""Laws of drift and trial: exact resumption, symmetry, and no way to break the state."""

from math import e, exp, isfinite

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.learn.drift import SHORTEST, Drift, change, update_drift
from touchstream.streams.learn.drift_state import DriftState
from touchstream.streams.learn.trial import Trial

LOSSES = st.floats(0.0, 14.0)
GAMES = st.lists(st.tuples(st.integers(0, 6), LOSSES, LOSSES), min_size=1, max_size=80)
"""(days since the last example, loss of the first, loss of the second)."""
ANY = st.floats(allow_nan=True, allow_infinity=True)
TICKS = st.lists(st.dictionaries(st.sampled_from(["a", "b"]), ANY), max_size=60)
LEVELS = st.lists(st.sampled_from([0.0, 0.25, 0.5, 8.0]), min_size=26, max_size=90)

Game = list[tuple[int, float, float]]


def played(game: Game, trial: Trial, after_days: int = 0) -> Trial:
    for days, first, second in game:
        after_days += days
        trial.add(Millis(after_days * DAY_MS), first, second)
    return trial


@given(GAMES, GAMES)
def test_a_trial_goes_on_from_data_exactly_where_it_stopped(some: Game, more: Game) -> None:
    whole = played([*some, *more], Trial.of(28, 7))
    stopped = msgspec.json.encode(played(some, Trial.of(28, 7)))
    days = sum(days for days, _, _ in some)
    resumed = played(more, msgspec.json.decode(stopped, type=Trial), days)
    assert msgspec.json.encode(resumed) == msgspec.json.encode(whole)


@given(GAMES)
def test_who_is_called_first_does_not_show(game: Game) -> None:
    one = played(game, Trial.of(28, 7)).evidence()
    other = played([(days, b, a) for days, a, b in game], Trial.of(28, 7)).evidence()
    assert (one.p_first, one.p_second) == pytest.approx((other.p_second, other.p_first), rel=1e-9)


@given(GAMES, st.integers(0, 40))
def test_what_is_proved_stays_proved(game: Game, cut: int) -> None:
    trial = played(game[:cut], Trial.of(1, 1))
    before = trial.evidence()
    after = played(game[cut:], trial, sum(days for days, _, _ in game[:cut])).evidence()
    assert after.p_first <= before.p_first
    assert after.p_second <= before.p_second


@given(GAMES)
def test_a_gambler_has_never_less_than_nothing(game: Game) -> None:
    trial = played(game, Trial.of(1, 1))
    for bets in [*trial.sides[0], *trial.sides[1]]:
        assert bets.wealth >= 0
        assert bets.most >= 0


@given(st.lists(st.sampled_from([-1.0, 1.0]), min_size=12, max_size=12))
def test_evidence_is_the_geometric_mean_of_the_streams_times_e(signs: list[float]) -> None:
    trial = played([(1, 1.0 + sign, 1.0) for sign in signs], Trial.of(1, 1))
    product = 1.0
    for bets in trial.sides[1]:
        product *= exp(-bets.most)
    expected = min(1.0, e * product ** (1 / trial.phases))
    assert trial.evidence().p_second == pytest.approx(expected, rel=1e-12)


def test_fair_rounds_leave_the_gambler_the_same_capital_on_average() -> None:
    games = 2**10
    total = 0.0
    for bits in range(games):  # every way in which ten fair rounds can fall
        signs = [1.0 if bits >> place & 1 else -1.0 for place in range(10)]
        trial = Trial(Millis(DAY_MS), 1, Trial.of(1, 1).sides)
        played([(1, 1.0 + sign, 1.0) for sign in (*signs, 1.0)], trial)
        bets = trial.sides[1][0]
        total += bets.wealth + 1 / (bets.count + 1)
    assert total / games == pytest.approx(1.0, rel=1e-9)


@given(TICKS, TICKS)
def test_a_watch_goes_on_from_data_exactly_where_it_stopped(
    some: list[dict[str, float]], more: list[dict[str, float]]
) -> None:
    whole = watched([*some, *more], DriftState.of(1))
    stopped = msgspec.msgpack.encode(watched(some, DriftState.of(1)))
    resumed = watched(more, msgspec.msgpack.decode(stopped, type=DriftState), len(some))
    assert msgspec.msgpack.encode(resumed) == msgspec.msgpack.encode(whole)


def watched(ticks: list[dict[str, float]], drift_state: DriftState, first: int = 0) -> DriftState:
    for tick, values in enumerate(ticks, start=first):
        columns = {name: [value, 0.0] for name, value in values.items()}
        update_drift(drift_state, tick, Millis(tick * DAY_MS), columns)
    return drift_state


@given(TICKS)
def test_whatever_is_observed_the_memory_stays_finite(ticks: list[dict[str, float]]) -> None:
    for series in watched(ticks, DriftState.of(1)).series.values():
        assert all(map(isfinite, [*series.rounds, series.squares, series.variance]))


@given(LEVELS)
def test_a_drift_is_the_same_whatever_the_unit(levels: list[float]) -> None:
    assert change([1024 * level for level in levels]) == change(levels)


@settings(max_examples=30)
@given(LEVELS, st.integers(0, 80))
def test_a_watch_that_was_written_out_tells_the_same_drifts(levels: list[float], cut: int) -> None:
    assert drifts(levels, cut) == drifts(levels, None)


def drifts(levels: list[float], written_at: int | None) -> list[Drift]:
    drift_state, found = DriftState.of(1), []
    for tick, level in enumerate([*levels, 0.0]):
        if tick == written_at:
            drift_state = msgspec.json.decode(msgspec.json.encode(drift_state), type=DriftState)
        found += update_drift(
            drift_state, tick, Millis(tick * DAY_MS), {"a": [level, level + 0.25]}
        )
    return found


@given(LEVELS)
def test_either_side_of_a_change_is_long_enough(levels: list[float]) -> None:
    start = change(levels)
    assert start == 0 or SHORTEST <= start <= len(levels) - SHORTEST


@given(st.integers(26, 60), st.floats(1.0, 100.0))
def test_a_step_far_above_the_noise_is_found_where_it_is(before: int, height: float) -> None:
    usual = [0.01 * (place % 2) for place in range(before)]
    since = [height + 0.01 * (place % 2) for place in range(26)]
    assert change([*usual, *since]) == before
