"""Relation: open, ended, lapsed, back. Ada's snapshot days are d4, d11, d18 ..."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from tests.make import (
    SILENCE_KILLS,
    TYPED,
    arrival,
    daily,
    days,
    emitted,
    event,
    fired,
    folded,
    last_state,
    live,
    model,
    models,
    moment,
)
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.emissions.relation import RelationChanged
from touchstream.schemas.emissions.risk import RiskChanged
from touchstream.schemas.envelope import Event
from touchstream.schemas.rules import ChurnRules, IntakeRules, RelationRules, Rules
from touchstream.schemas.units import DAY_MS, CustomerId, Millis
from touchstream.streams.context import ServingContext
from touchstream.streams.customer import Step, advance
from touchstream.streams.emit.identity import emission_id
from touchstream.streams.intake.decode import Arrival
from touchstream.streams.learn.seen import Population
from touchstream.streams.learn.snapshot import CHURN
from touchstream.streams.measures.churn import relation_entered
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.projection import Context, TimerFired
from touchstream.streams.projections.read import churn_of, relation_of, return_of
from touchstream.streams.projections.registry import slots_of
from touchstream.streams.projections.relation import Relation, RelationState, lapses_after_days
from touchstream.streams.state import Slot, State

SHOP = Rules(churn=ChurnRules(cancel=()))
"""A definition without cancellations."""
DUE = days(11)


def lived(*happenings: Arrival | TimerFired, rules: Rules | None = None) -> list[Step]:
    return live(happenings, models("d0", rules, SILENCE_KILLS))


def unlearnt(*happenings: Arrival | TimerFired, rules: Rules | None = None) -> list[Step]:
    """With the gaps of the prior: 30 days, and a spread of e."""
    return live(happenings, models("d0", rules))


def started(at: str = "d0 1:00", term_days: int | None = None) -> Arrival:
    return arrival("subscription.started", at, term_days=term_days)


def changes(steps: list[Step]) -> list[tuple[float, str]]:
    """(Day of the emission, relation from then on)."""
    return [
        ((one.time_ms - days(0)) / DAY_MS, one.data.relation)
        for one in emitted(steps)
        if isinstance(one.data, RelationChanged)
    ]


def status(steps: list[Step]) -> str:
    relation = relation_of(last_state(steps))
    assert relation is not None
    return relation.status


def alarms(steps: list[Step]) -> list[Emission]:
    return [e for e in emitted(steps) if isinstance(e.data, RiskChanged | ActionRecommended)]


def test_a_cancellation_ends_the_relation_and_says_nothing_else() -> None:
    cancelled = arrival("subscription.cancelled", "d9 12:00", id="bye")
    steps = lived(started(), *daily(1, 9), cancelled)
    cause = Cause(type="subscription.cancelled", source="shop", id="bye")
    assert emitted(steps) == [
        Emission(
            type="customer.relation_changed",
            topic="customer-signals",
            id=emission_id("ada", cause, "customer.relation_changed"),
            subject=CustomerId("ada"),
            time_ms=moment("d9 12:00"),
            data=RelationChanged(
                before="open",
                relation="ended",
                since=datetime(1997, 1, 10, 12, tzinfo=UTC),
                rules=TYPED.digest(),
                cause=cause,
            ),
        )
    ]
    assert relation_entered("ended", moment("d9 12:00")) in steps[-1].measures


def test_the_event_that_ends_raises_no_alarm_however_high_the_risk() -> None:
    certain = models("d0", knows=model(intercept=9.0, silence_days=0.1))
    before, ending = started("d1"), arrival("subscription.cancelled", "d2")
    assert [e.type for e in emitted(live([before], certain))] == [
        "churn.risk_changed",
        "action.recommended",
        "customer.risk",
        "alert.raised",
    ]
    first_known = live([before], models(None))[-1].state
    [step] = live([ending], certain, first_known)
    assert [e.type for e in step.emissions] == ["customer.relation_changed"]


def test_risk_band_and_crossing_are_gone_with_the_relation() -> None:
    steps = lived(arrival("order.placed", "d0"), *daily(1, 25))
    at_risk = churn_of(last_state(steps))
    assert (at_risk.band, len(at_risk.ledger)) == ("high", 4)
    steps = lived(
        arrival("order.placed", "d0"), *daily(1, 25), arrival("subscription.cancelled", "d26")
    )
    over = churn_of(last_state(steps))
    assert (over.risk, over.band, over.crossing, over.last_emitted_risk) == (None,) * 4
    assert over.last_emitted_contributions is None
    assert [row.at_ms for row in over.ledger] == [row.at_ms for row in at_risk.ledger]


def test_a_lapse_found_by_a_tick_takes_the_risk_too() -> None:
    visits = [arrival("web.visit", f"d{day} 12:00") for day in range(0, 15, 2)]
    steps = lived(*visits, *daily(15, 46))
    assert status(steps) == "lapsed"
    over = churn_of(last_state(steps))
    assert (over.risk, over.band, over.crossing) == (None, None, None)
    assert return_of(last_state(steps)).probability is not None


@pytest.mark.parametrize(("last_tick", "expected"), [(10, "open"), (11, "ended")])
def test_a_term_that_is_not_renewed_ends_after_the_grace(last_tick: int, expected: str) -> None:
    """It is over on d9 12:00, and the grace on d10 12:00."""
    steps = lived(started("d1 12:00", 8), *daily(2, last_tick))
    assert status(steps) == expected


def test_the_end_of_the_term_is_the_end_of_the_relation() -> None:
    steps = lived(started("d1 12:00", 8), *daily(2, 11))
    [ended] = [one.data for one in emitted(steps) if isinstance(one.data, RelationChanged)]
    assert ended.since == datetime(1997, 1, 10, 12, tzinfo=UTC)
    assert (ended.silent_days, ended.lapses_after_days) == (None, None)
    assert ended.cause.type == "touchstream.tick"


@pytest.mark.parametrize("kind", ["subscription.renewed", "subscription.changed"])
@pytest.mark.parametrize("at", ["d9 12:00", "d9 11:59", "d10"])
def test_a_contract_within_the_grace_goes_on(kind: str, at: str) -> None:
    renewed = arrival(kind, at, term_days=30)
    steps = lived(started("d1 12:00", 8), *daily(2, 10), renewed, *daily(11, 20))
    assert (status(steps), changes(steps)) == ("open", [])


@pytest.mark.parametrize("at", ["d8", "d9 12:00", "d13"])
def test_a_renewal_that_arrives_after_the_end_is_a_return(at: str) -> None:
    """Whether it was late or the customer was, the relation had ended by then."""
    renewed = arrival("subscription.renewed", at, term_days=30)
    steps = lived(started("d1 12:00", 8), *daily(2, 13), renewed, *daily(14, 20))
    assert [relation for _, relation in changes(steps)] == ["ended", "back"]
    relation = relation_of(last_state(steps))
    assert relation is not None
    assert (relation.since_ms, relation.ends_ms) == (moment(at), moment(at) + 30 * DAY_MS)


def test_a_term_that_ends_after_a_return_ends_the_relation_again() -> None:
    steps = lived(
        started("d1 12:00", 8),
        *daily(2, 13),
        arrival("subscription.renewed", "d13 12:00", term_days=10),
        *daily(14, 25),
    )
    assert changes(steps) == [(11, "ended"), (13.5, "back"), (25, "ended")]


def test_an_order_within_the_grace_keeps_the_relation_open() -> None:
    order = arrival("order.placed", "d9 13:00")
    steps = lived(started("d1 12:00", 8), *daily(2, 9), order, *daily(10, 20))
    assert (status(steps), changes(steps)) == ("open", [])


def test_between_the_end_of_the_term_and_the_end_of_the_grace_nobody_is_warned() -> None:
    without_term = lived(arrival("order.placed", "d0"), *daily(1, 26))
    assert [one.time_ms for one in alarms(without_term)] == [moment("d25")] * 2
    order, contract = arrival("order.placed", "d0"), started("d0", 24)
    steps = lived(order, contract, *daily(1, 40))
    assert changes(steps) == [(25, "ended")]
    wider = Rules(churn=ChurnRules(label_grace_days=3))
    steps = lived(order, contract, *daily(1, 40), rules=wider)
    assert changes(steps) == [(27, "ended")]
    assert alarms(steps) == []


def test_nor_is_an_alarm_taken_back_before_it_is_known_whether_the_term_is_renewed() -> None:
    rules = Rules(churn=ChurnRules(label_grace_days=3), bands=TYPED.bands)
    before = [arrival("order.placed", "d0"), started("d0", 26), *daily(1, 26)]
    assert [e.type for e in alarms(lived(*before, rules=rules))] == [
        "churn.risk_changed",
        "action.recommended",
    ]
    visit = arrival("web.visit", "d26 12:00")
    assert len(alarms(lived(*before, visit, *daily(27, 28), rules=rules))) == 2
    renewed = arrival("subscription.renewed", "d27 12:00", term_days=30)
    steps = lived(*before, visit, *daily(27, 27), renewed, rules=rules)
    assert [e.time_ms for e in alarms(steps)][2:] == [moment("d27 12:00")]


def test_a_cancellation_older_than_the_newest_contract_ends_nothing() -> None:
    late = arrival("subscription.cancelled", "d8")
    steps = lived(started("d1"), *daily(2, 9), started("d9"), *daily(10, 10), late)
    assert (status(steps), changes(steps)) == ("open", [])


def test_a_cancellation_older_than_the_newest_order_ends_nothing() -> None:
    """In the order of time the relation would have ended and begun again."""
    late = arrival("subscription.cancelled", "d8")
    order = arrival("order.placed", "d9")
    steps = lived(started("d1"), *daily(2, 9), order, *daily(10, 10), late, *daily(11, 30))
    assert (status(steps), changes(steps)) == ("open", [])


def test_a_cancellation_older_than_a_return_ends_nothing() -> None:
    late = arrival("subscription.cancelled", "d100")
    visits = [arrival("web.visit", f"d{day} 12:00") for day in range(0, 30, 2)]
    back = arrival("web.visit", "d101")
    steps = lived(*visits, *daily(30, 101), back, late)
    assert [relation for _, relation in changes(steps)] == ["lapsed", "back"]


def test_a_cancellation_that_arrives_late_ends_from_its_own_moment_on() -> None:
    steps = lived(started("d1"), *daily(2, 9), arrival("subscription.cancelled", "d8"))
    relation = relation_of(last_state(steps))
    assert relation is not None
    assert (relation.status, relation.since_ms) == ("ended", moment("d8"))


def test_a_second_cancellation_changes_nothing() -> None:
    first, again = (arrival("subscription.cancelled", at) for at in ("d8", "d9"))
    assert changes(lived(started("d1"), first, again)) == [(8, "ended")]


def test_a_customer_first_heard_of_by_a_cancellation_has_left_unannounced() -> None:
    steps = lived(arrival("subscription.cancelled", "d1"))
    assert (status(steps), emitted(steps)) == ("ended", [])


def test_the_rules_say_which_events_end_a_relation() -> None:
    rules = Rules(churn=ChurnRules(cancel=("email.unsubscribed",)))
    unsubscribed = arrival("email.unsubscribed", "d9")
    steps = lived(started("d1"), *daily(2, 9), unsubscribed, rules=rules)
    assert changes(steps) == [(9, "ended")]
    steps = lived(started("d1"), arrival("subscription.cancelled", "d9"), rules=rules)
    assert (status(steps), changes(steps)) == ("open", [])


def test_a_contract_older_than_the_cancellation_is_no_return() -> None:
    rules = Rules(churn=ChurnRules(cancel=("email.unsubscribed",)))
    unsubscribed, late = arrival("email.unsubscribed", "d9"), started("d8")
    assert changes(lived(arrival("web.visit", "d1"), unsubscribed, late, rules=rules)) == [
        (9, "ended")
    ]


def test_a_shop_without_cancellations_has_no_end() -> None:
    cancelled = arrival("subscription.cancelled", "d9")
    steps = lived(started("d1", 8), *daily(2, 9), cancelled, *daily(10, 20), rules=SHOP)
    assert (status(steps), changes(steps)) == ("open", [])


@pytest.mark.parametrize("rules", [SHOP, Rules()], ids=["shop", "default"])
def test_a_running_subscription_never_lapses(rules: Rules) -> None:
    steps = lived(started("d1"), *daily(2, 800), rules=rules)
    assert (status(steps), changes(steps)) == ("open", [])


def test_in_a_shop_a_customer_whose_term_is_over_lapses_by_silence() -> None:
    """No gap of theirs is known: 30 d e^1.0364 = 84.57 d after d1, on the next snapshot day."""
    steps = unlearnt(started("d1", 8), *daily(2, 100), rules=SHOP)
    assert changes(steps) == [(88, "lapsed")]


def visits(*at_days: int) -> list[Event]:
    return [event("web.visit", f"d{day}") for day in at_days]


def lapses(*at_days: int, everybody: Population | None = None, rules: Rules | None = None) -> float:
    serving = models("d0", rules)
    assert serving.scorers is not None
    if everybody is not None:
        serving.scorers[CHURN].population = everybody
    return lapses_after_days(folded(*visits(*at_days)), serving)


def test_the_silence_is_that_of_all_customers_where_a_rhythm_is_unknown() -> None:
    assert lapses(0) == pytest.approx(84.5743)  # e^(ln 30 + 1.036433)
    assert lapses(0, everybody=Population(2.5, 1.2)) == pytest.approx(42.2549)  # e^(2.5 + 1.24372)


def test_the_silence_is_that_of_the_own_rhythm_where_there_is_one() -> None:
    """Nine gaps of 40 d: mean (9 ln 40 + 2 ln 30) / 11, variance 2 / (8 + 2)."""
    assert lapses(*range(0, 361, 40)) == pytest.approx(60.345, abs=1e-3)
    # Twice as regular a population makes no gap longer.
    assert lapses(*range(0, 361, 40), everybody=Population(2.5, 0.5)) == pytest.approx(
        40.629, abs=1e-3
    )


def test_a_larger_share_of_the_silences_is_a_longer_one() -> None:
    generous = Rules(relation=RelationRules(returned_share=0.975))
    assert lapses(0, rules=generous) == pytest.approx(212.972, abs=1e-3)  # e^(ln 30 + 1.959964)


def test_a_silence_within_the_horizon_is_no_lapse_however_often_the_customer_comes() -> None:
    assert lapses(*range(0, 100)) == 28.0
    assert lapses(*range(0, 100), rules=Rules(churn=ChurnRules(horizon_days=91))) == 91.0


def test_a_lapse_is_bounded_by_ten_years() -> None:
    assert lapses(0, everybody=Population(9.0, 2.0)) == 3_650.0


def test_without_a_model_the_silence_is_that_of_the_prior() -> None:
    assert lapses_after_days(folded(*visits(0)), models(None)) == pytest.approx(84.5743)


def test_a_frequent_customer_lapses_on_the_first_snapshot_day_after_the_horizon() -> None:
    happenings = [arrival("web.visit", f"d{day} 12:00") for day in range(0, 15, 2)]
    steps = lived(*happenings, *daily(15, 46))
    [lapse] = [one for one in emitted(steps) if isinstance(one.data, RelationChanged)]
    assert isinstance(lapse.data, RelationChanged)
    assert (lapse.time_ms, lapse.data.since) == (moment("d46"), datetime(1997, 2, 16, tzinfo=UTC))
    assert (lapse.data.silent_days, lapse.data.lapses_after_days) == (31.5, 28.0)
    assert lapse.data.cause.type == "touchstream.tick"


def test_a_rare_customer_does_not_lapse_with_the_frequent_ones() -> None:
    """They come every 40 d, and lapse after 60.35: on the first snapshot day from then on."""
    comes = [arrival("web.visit", f"d{day}") for day in range(0, 361, 40)]
    assert changes(unlearnt(*sorted([*comes, *daily(1, 440)], key=_when))) == [(424, "lapsed")]


def _when(happening: Arrival | TimerFired) -> tuple[Millis, bool]:
    if isinstance(happening, TimerFired):
        return happening.time_ms, True
    return happening.event.time_ms, False


def test_a_customer_without_any_sign_of_life_is_silent_since_their_first_event() -> None:
    steps = unlearnt(arrival("email.delivered", "d1"), *daily(2, 100))
    [lapse] = [one.data for one in emitted(steps) if isinstance(one.data, RelationChanged)]
    assert (lapse.relation, lapse.silent_days, lapse.lapses_after_days) == ("lapsed", 87.0, 84.57)


SILENT = [*(arrival("web.visit", f"d{day} 12:00") for day in range(0, 15, 2)), *daily(15, 46)]
"""Lapses on d46."""


@pytest.mark.parametrize("kind", ["web.visit", "call.ended", "email.opened", "order.placed"])
def test_any_sign_of_life_ends_a_lapse(kind: str) -> None:
    steps = lived(*SILENT, arrival(kind, "d47 12:00"))
    assert changes(steps) == [(46, "lapsed"), (47.5, "back")]


@pytest.mark.parametrize("kind", ["email.delivered", "payment.failed"])
def test_events_that_are_no_sign_of_life_end_no_lapse(kind: str) -> None:
    assert status(lived(*SILENT, arrival(kind, "d47 12:00"))) == "lapsed"


def test_a_late_sign_of_life_that_shortens_the_silence_ends_the_lapse() -> None:
    steps = lived(*SILENT, arrival("web.visit", "d44"))
    relation = relation_of(last_state(steps))
    assert relation is not None
    assert (relation.status, relation.since_ms) == ("back", moment("d44"))


def test_a_late_sign_of_life_that_is_not_the_newest_ends_no_lapse() -> None:
    patient = Rules(intake=IntakeRules(allowed_lateness_days=90))
    assert status(lived(*SILENT, arrival("web.visit", "d13"), rules=patient)) == "lapsed"


def test_a_contract_ends_a_lapse_even_if_it_is_no_sign_of_life() -> None:
    """Otherwise a running subscription would be lapsed."""
    rules = Rules(churn=ChurnRules(activity=("web.visit",)))
    steps = lived(*SILENT, arrival("subscription.started", "d45"), rules=rules)
    assert status(steps) == "back"


def test_a_cancellation_is_no_return_from_a_lapse() -> None:
    rules = Rules(churn=ChurnRules(cancel=("email.unsubscribed",)))
    steps = lived(*SILENT, arrival("email.unsubscribed", "d47"), rules=rules)
    assert changes(steps) == [(46, "lapsed"), (47, "ended")]


def test_a_customer_who_is_back_lapses_again() -> None:
    steps = lived(*SILENT, arrival("web.visit", "d47 12:00"), *daily(48, 90))
    assert [relation for _, relation in changes(steps)] == ["lapsed", "back", "lapsed"]


ENDED = [started("d1"), *daily(2, 9), arrival("subscription.cancelled", "d9 12:00"), *daily(10, 20)]


@pytest.mark.parametrize(
    "kind", ["web.visit", "call.ended", "email.opened", "ticket.opened", "survey.answered"]
)
def test_an_ended_customer_who_only_calls_or_reads_stays_ended(kind: str) -> None:
    steps = lived(*ENDED, arrival(kind, "d20 12:00"), *daily(21, 120))
    assert changes(steps) == [(9.5, "ended")]


@pytest.mark.parametrize("kind", ["order.placed", "subscription.started", "subscription.renewed"])
def test_an_order_or_a_contract_brings_an_ended_customer_back(kind: str) -> None:
    steps = lived(*ENDED, arrival(kind, "d20 12:00"))
    assert changes(steps) == [(9.5, "ended"), (20.5, "back")]
    assert churn_of(last_state(steps)).risk is not None
    assert return_of(last_state(steps)).probability is None


@pytest.mark.parametrize("kind", ["order.placed", "subscription.renewed"])
@pytest.mark.parametrize("at", ["d9", "d9 12:00"])
def test_an_order_or_a_contract_of_before_the_end_is_no_return(kind: str, at: str) -> None:
    steps = lived(*ENDED[:-10], arrival(kind, at))
    assert changes(steps) == [(9.5, "ended")]


def test_the_silence_of_a_customer_who_is_back_counts_from_the_return() -> None:
    """Their orders are no sign of life by these rules, and yet nobody lapses the week after."""
    rules = Rules(churn=ChurnRules(activity=("web.visit",)))
    steps = unlearnt(
        arrival("web.visit", "d0"),
        *ENDED,
        *daily(21, 200),
        arrival("order.placed", "d200 12:00"),
        *daily(201, 284),
        rules=rules,
    )
    assert [relation for _, relation in changes(steps)] == ["ended", "back"]


def test_a_former_customer_has_one_snapshot_a_week_however_the_relation_ended() -> None:
    """A term that is long over is no timer any more."""
    cancelled = [started("d1"), *daily(2, 9), arrival("subscription.cancelled", "d9 12:00")]
    for ending in ([started("d1", 8), *daily(2, 9)], cancelled):
        state = last_state(lived(*ending, *daily(10, 32)))
        rows = return_of(state).ledger
        assert [row.at_ms for row in rows] == [moment(f"d{day}") for day in (11, 18, 25, 32)]
        relation = relation_of(state)
        assert relation is not None
        assert Relation().next_timer_ms(relation, Rules()) == moment("d39")


def test_after_a_return_the_snapshot_day_stays() -> None:
    order = arrival("order.placed", "d20 12:00")
    steps = lived(started("d1", 8), *daily(2, 20), order, *daily(21, 32))
    rows = churn_of(last_state(steps)).ledger
    assert [row.at_ms for row in rows] == [moment(f"d{day}") for day in (4, 25, 32)]


def test_a_term_that_ends_between_snapshot_days_adds_no_snapshot() -> None:
    steps = lived(started("d1", 5), *daily(2, 12))
    state = last_state(steps)
    assert changes(steps) == [(7, "ended")]
    assert [row.at_ms for row in churn_of(state).ledger] == [moment("d4")]
    assert [row.at_ms for row in return_of(state).ledger] == [moment("d11")]


def test_a_tick_that_passes_term_and_snapshot_day_takes_one_snapshot() -> None:
    state = last_state(lived(started("d1", 7), *daily(2, 8), fired("d12"), fired("d13")))
    assert [row.at_ms for row in return_of(state).ledger] == [moment("d12")]


def test_a_term_that_was_over_when_it_arrived_takes_no_snapshot_of_its_own() -> None:
    """The contract arrives on d6, four days after its end, and two after the snapshot day."""
    steps = lived(arrival("web.visit", "d1"), *daily(2, 6), started("d1", 1), *daily(7, 12))
    state = last_state(steps)
    assert [row.at_ms for row in churn_of(state).ledger] == [moment("d4")]
    assert changes(steps) == [(7, "ended")]
    assert [row.at_ms for row in return_of(state).ledger] == [moment("d11")]


def test_a_customer_who_cancelled_before_there_were_relations_ends_on_the_snapshot_day() -> None:
    """As an upgraded state is: open, with a profile that knows better."""
    profile = folded(event("subscription.started", "d1"), event("subscription.cancelled", "d3"))
    step = advance(_open(profile), fired("d11"), _served("d11"), moment("d11"))
    [ended] = [one.data for one in step.emissions if isinstance(one.data, RelationChanged)]
    assert (ended.relation, ended.since) == ("ended", datetime(1997, 1, 4, tzinfo=UTC))


def test_unless_they_have_ordered_since() -> None:
    profile = folded(
        event("subscription.started", "d1"),
        event("subscription.cancelled", "d3"),
        event("order.placed", "d5"),
    )
    step = advance(_open(profile), fired("d11"), _served("d11"), moment("d11"))
    assert [one for one in step.emissions if isinstance(one.data, RelationChanged)] == []


def _open(profile: Profile) -> State:
    slot = Slot(Relation.slot, DUE, RelationState(DUE))
    return State(profile, next_timer_ms=DUE, slots=(slot,))


def _served(at: str) -> ServingContext:
    return models(at, knows=SILENCE_KILLS)


def test_an_ended_customer_is_not_told_that_their_engagement_drops() -> None:
    signs = [arrival("web.visit", f"d{day} 12:00") for day in range(0, 141, 2)]
    before = sorted([*signs, *daily(0, 141)], key=_when)
    stays = lived(*before, *daily(142, 200))
    leaves = lived(*before, arrival("subscription.cancelled", "d142"), *daily(142, 200))
    assert "engagement.dropping" in {e.type for e in emitted(stays)}
    assert "engagement.dropping" not in {e.type for e in emitted(leaves)}


OPEN = RelationState(DUE)
BACK = RelationState(days(12), "back", days(40), days(9))
CANCELLED = RelationState(days(10), "ended", None, days(3))
LAPSED = RelationState(DUE, "lapsed", None, days(5))


@pytest.mark.parametrize(
    ("a", "b", "joint"),
    [
        (OPEN, CANCELLED, RelationState(days(10))),
        (BACK, CANCELLED, RelationState(days(10), "back", days(40), days(9))),
        (OPEN, BACK, RelationState(DUE, "back", days(40), days(9))),
        (LAPSED, CANCELLED, RelationState(days(10), "lapsed", None, days(5))),
    ],
    ids=["open-ended", "back-ended", "open-back", "both-over"],
)
def test_a_person_is_a_customer_if_one_of_their_ids_is(
    a: RelationState, b: RelationState, joint: RelationState
) -> None:
    assert Relation().merge(a, b, _context()) == joint
    assert Relation().merge(b, a, _context()) == joint


def _context() -> Context:
    visit, serving = event("web.visit", "d0"), models("d0")
    slots, profile = slots_of(State()), folded(visit)
    return Context(CustomerId("ada"), profile, None, serving, serving.rules, days(0), visit, slots)


def test_an_erased_customer_has_no_relation() -> None:
    steps = lived(*ENDED, arrival("customer.erased", "d21"))
    assert relation_of(last_state(steps)) is None
    assert [(e.type, e.data) for e in emitted(steps)[1:]] == [("customer.risk", None)]


def test_the_state_is_described_with_the_moment_since_which_it_holds() -> None:
    profile = folded(event("web.visit", "d1"))
    assert Relation().describe(OPEN, profile, days(20)) == {
        "status": "open",
        "since_ms": days(1),
        "term_ends_ms": None,
        "snapshot_due_ms": DUE,
    }
    assert Relation().describe(replace(BACK), profile, days(20))["since_ms"] == days(9)


def test_the_event_of_a_return_raises_no_alarm_and_the_next_score_may() -> None:
    certain = models("d0", knows=model(intercept=9.0, silence_days=0.1))
    ended = live([*ENDED], models(None))[-1].state
    back, later = arrival("order.placed", "d22"), arrival("web.visit", "d23")
    first, second = live([back, later], certain, ended)
    assert [e.type for e in first.emissions] == ["customer.relation_changed"]
    assert "churn.risk_changed" in [e.type for e in second.emissions]
