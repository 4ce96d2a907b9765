"""Laws of profiles and features: order does not show, definitions hold, nothing is infinite."""

from math import isfinite, isnan, log1p

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import oracles
from tests.make import WIDTH, arrive, days, event, folded, last_state, live, models
from tests.strategies import COUNTERS, HISTORIES, LIVES, MOMENTS, PROFILES, STATES
from touchstream.schemas.envelope import Event
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.features.feature import LARGEST, FeatureList
from touchstream.streams.profiles.decay import Counter, Lately, add, add_lately, at, lately_at
from touchstream.streams.profiles.profile import BOUNDS, Friction, Profile
from touchstream.streams.projections.read import churn_of, decisions_of, targets_of
from touchstream.streams.state import State, decode, encode

AMOUNTS = st.lists(st.tuples(MOMENTS, st.floats(0.0, 1e6)), min_size=1, max_size=30)
CONSENTS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from([f"purpose-{n}" for n in range(40)])),
    min_size=33,
    max_size=60,
)


@given(st.data(), LIVES)
def test_the_order_in_which_events_came_does_not_show_but_for_rounding(
    data: st.DataObject, life: list[Event]
) -> None:
    shuffled = data.draw(st.permutations(life))
    assert exact_part(folded(*shuffled)) == exact_part(folded(*life))
    assert decayed_part(folded(*shuffled)) == pytest.approx(
        decayed_part(folded(*life)), rel=1e-9, abs=1e-9
    )


@given(st.data(), LIVES)
def test_the_order_in_which_events_came_does_not_show_in_memory_or_due_time(
    data: st.DataObject, life: list[Event]
) -> None:
    shuffled = data.draw(st.permutations(life))
    before, after = (last_state(live(map(arrive, some), models("d0"))) for some in (life, shuffled))
    assert (after.memory, after.next_timer_ms) == (before.memory, before.next_timer_ms)


@given(st.data(), CONSENTS)
def test_which_purposes_give_way_does_not_depend_on_the_order(
    data: st.DataObject, predictions: list[tuple[int, str]]
) -> None:
    emitted = [event("consent.changed", days(day), purpose=name) for day, name in predictions]
    shuffled = data.draw(st.permutations(emitted))
    assert folded(*shuffled).consent == folded(*emitted).consent
    assert len(folded(*emitted).consent) <= BOUNDS.purposes


@given(AMOUNTS, st.integers(0, 100))
def test_a_counter_is_the_decayed_sum_of_what_it_counted(
    amounts: list[tuple[Millis, float]], later_days: int
) -> None:
    counter: Counter | None = None
    for at_ms, _ in amounts:
        counter = add(counter, at_ms)
    assert counter is not None
    now_ms = Millis(max(at_ms for at_ms, _ in amounts) + later_days * DAY_MS)
    ones = [(at_ms, 1.0) for at_ms, _ in amounts]
    expected = [oracles.decayed(ones, now_ms, half_life) for half_life in (7, 28, 91, 364)]
    assert at(counter, now_ms) == pytest.approx(tuple(expected), rel=1e-9, abs=1e-9)
    assert (counter.count, counter.at_ms) == (len(amounts), max(at_ms for at_ms, _ in amounts))


@given(AMOUNTS, st.integers(0, 100), st.sampled_from([28, 91]))
def test_an_amount_is_the_decayed_sum_of_what_was_added(
    amounts: list[tuple[Millis, float]], later_days: int, half_life: int
) -> None:
    held: Lately | None = None
    for at_ms, amount in amounts:
        held = add_lately(held, at_ms, amount, half_life)
    assert held is not None
    now_ms = Millis(max(at_ms for at_ms, _ in amounts) + later_days * DAY_MS)
    expected = oracles.decayed(amounts, now_ms, half_life)
    assert lately_at(held, now_ms, half_life) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert (held.count, held.at_ms) == (len(amounts), max(at_ms for at_ms, _ in amounts))


@given(COUNTERS, MOMENTS)
def test_a_counter_only_fades(counter: Counter, now_ms: Millis) -> None:
    later = at(counter, Millis(now_ms + DAY_MS))
    assert all(after <= before for before, after in zip(at(counter, now_ms), later, strict=True))


@given(LIVES)
def test_the_rhythm_is_that_of_the_gaps_in_the_order_in_which_they_came(life: list[Event]) -> None:
    rhythm = folded(*life).rhythm
    defined = oracles._rhythm_features(life)
    found = {} if rhythm is None else {"gap_count": log1p(rhythm.count), "gap_last": rhythm.last}
    assert {name: defined[name] for name in found} == pytest.approx(found)
    assert (rhythm is None) == (defined["gap_count"] == 0)


@given(st.data(), HISTORIES)
def test_late_events_leave_the_rhythm_of_those_that_came_in_time(
    data: st.DataObject, life: list[Event]
) -> None:
    ordered = sorted(life, key=lambda happened: happened.time_ms)
    late = data.draw(st.lists(st.sampled_from(ordered), unique_by=lambda one: one.id))
    newest = ordered[-1]
    in_time = [one for one in ordered if one not in late or one is newest]
    after = [one for one in late if one is not newest]
    if folded(newest).activity is not None:  # else it is not the newest sign of life
        assert folded(*in_time, *after).rhythm == folded(*in_time).rhythm


@given(PROFILES, MOMENTS)
def test_every_feature_of_any_profile_is_finite_or_missing(profile: Profile, at_ms: Millis) -> None:
    values = FEATURES.unpack(FEATURES.vector(profile, at_ms))
    assert len(values) == WIDTH
    assert all(isnan(value) or (isfinite(value) and abs(value) <= LARGEST) for value in values)


@given(LIVES | HISTORIES, st.integers(0, 60))
def test_what_is_not_measured_before_its_events_came_would_have_said_the_same(
    life: list[Event], later_days: int
) -> None:
    profile = folded(*life)
    now_ms = Millis(profile.last_seen_ms + later_days * DAY_MS)
    whole = FeatureList([one._replace(about=()) for one in FEATURES.features])
    assert FEATURES.vector(profile, now_ms) == whole.vector(profile, now_ms)


@given(HISTORIES, st.integers(0, 60))
def test_every_feature_is_what_its_definition_says(life: list[Event], later_days: int) -> None:
    profile = folded(*life)
    now_ms = Millis(profile.last_seen_ms + later_days * DAY_MS)
    found = dict(
        zip(FEATURES.names, FEATURES.unpack(FEATURES.vector(profile, now_ms)), strict=True)
    )
    defined = oracles.features_of(life, now_ms)
    assert found == pytest.approx(
        {name: oracles.half(defined[name]) for name in FEATURES.names},
        rel=2e-3,
        abs=1e-6,
        nan_ok=True,
    )


@given(STATES)
def test_a_state_is_read_back_as_it_was(state: State) -> None:
    read = decode(encode(state))
    assert _whole(read) == _whole(state)


def _whole(state: State) -> tuple[object, ...]:
    header = (state.profile, state.memory, state.next_timer_ms, state.erased_ms)
    return *header, churn_of(state), targets_of(state), decisions_of(state)


@given(STATES)
def test_what_was_read_back_is_written_in_the_same_bytes(state: State) -> None:
    assert encode(decode(encode(state))) == encode(state)


@given(st.data(), PROFILES)
def test_equal_states_have_equal_bytes(data: st.DataObject, profile: Profile) -> None:
    turned = {
        name: dict(data.draw(st.permutations(sorted(value.items()))))
        for name, value in msgspec.structs.asdict(profile).items()
        if isinstance(value, dict)
    }
    same = msgspec.structs.replace(profile, **turned)
    assert encode(State(profile=same)) == encode(State(profile=profile))


def exact_part(profile: Profile) -> Profile:
    """All that must not differ at all: a counter's values are decayed sums of floats.

    The rhythm goes by order of arrival.
    """
    return msgspec.structs.replace(
        profile,
        activity=_counted(profile.activity),
        families={name: _held(lately) for name, lately in profile.families.items()},
        money={
            name: msgspec.structs.replace(money, lately=_held(money.lately))
            for name, money in profile.money.items()
        },
        rhythm=None,
        friction=profile.friction and Friction(profile.friction.at_ms),
        leaving=_held(profile.leaving),
    )


def decayed_part(profile: Profile) -> list[float]:
    lately = [money.lately for _, money in sorted(profile.money.items())]
    families = [counter for _, counter in sorted(profile.families.items())]
    amounts = [held.amount for held in (*families, *lately, profile.leaving) if held]
    counter, rubbed = profile.activity, profile.friction
    if counter is not None:
        amounts += [counter.week, counter.month, counter.quarter, counter.year]
    if rubbed is not None:
        amounts += [rubbed.reopened, rubbed.transfers, rubbed.wait_s]
    return amounts


def _counted(counter: Counter | None) -> Counter | None:
    return None if counter is None else Counter(counter.at_ms, 0, 0, 0, 0, counter.count)


def _held(lately: Lately | None) -> Lately | None:
    return None if lately is None else Lately(lately.at_ms, 0.0, lately.count)
