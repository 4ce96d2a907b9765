"""What an own event type does to a customer: sign of life, family, measures, targets, churn."""

from collections.abc import Sequence

import msgspec

from tests.make import OWN_TYPES, arrival, daily, event, fired, last_state, live, models, moment
from touchstream.schemas.rules import ChurnRules, Rules, TargetRules
from touchstream.streams.customer import Step
from touchstream.streams.history import Heard, Past, relive
from touchstream.streams.intake.decode import Arrival
from touchstream.streams.learn.ledger import CANCELLED, HAPPENED
from touchstream.streams.measures.activity import count_event
from touchstream.streams.projections.projection import TimerFired
from touchstream.streams.projections.read import churn_of, described, targets_of
from touchstream.streams.projections.registry import OWN_LISTENERS
from touchstream.streams.proof import ACTIVITY, _is_about

RULES = Rules(
    event_types=OWN_TYPES,
    churn=ChurnRules(cancel=("contract.ended",)),
    targets=(TargetRules(name="end", after=("meter.read",), events=("contract.ended",)),),
)


def lived(*happenings: Arrival | TimerFired, rules: Rules = RULES) -> list[Step]:
    return live(happenings, models("d0", rules))


def measured(steps: Sequence[Step]) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.name, one.dimensions) for step in steps for one in step.measures]


def test_an_own_type_by_the_customer_is_a_sign_of_life() -> None:
    profile = last_state(lived(arrival("meter.read", "d1"))).profile
    assert profile is not None
    assert (profile.activity is not None, profile.first_active_ms) == (True, moment("d1"))


def test_an_own_type_of_the_business_is_none() -> None:
    profile = last_state(lived(arrival("contract.ended", "d1"))).profile
    assert profile is not None
    assert (profile.activity, profile.first_active_ms) == (None, None)


def test_a_listed_activity_without_the_own_type_makes_it_none() -> None:
    listed = msgspec.structs.replace(RULES, churn=ChurnRules(activity=("order.placed",)))
    profile = last_state(lived(arrival("meter.read", "d1"), rules=listed)).profile
    assert profile is not None
    assert profile.activity is None


def test_an_own_type_counts_for_its_family() -> None:
    steps = lived(arrival("meter.read", "d1"), arrival("contract.ended", "d2"))
    profile = last_state(steps).profile
    assert profile is not None
    assert {name: count.at_ms for name, count in profile.families.items()} == {
        "content": moment("d1"),
        "subscription": moment("d2"),
    }
    assert profile.subscription is None


def test_an_own_type_is_measured_by_its_name_and_the_channel_of_its_family() -> None:
    assert count_event(event("meter.read", "d1")).dimensions == ("meter.read", "web")
    assert count_event(event("contract.ended", "d1")).dimensions == ("contract.ended", "not_given")


def test_an_own_type_by_the_customer_makes_an_active_day() -> None:
    steps = lived(arrival("meter.read", "d1"), arrival("contract.ended", "d2"))
    assert measured(steps) == [
        ("events", ("meter.read", "web")),
        ("active_customers", ()),
        ("relation_changes", ("ended",)),
        ("events", ("contract.ended", "not_given")),
    ]


def test_projections_of_all_events_or_all_activity_hear_own_types() -> None:
    heard = {mine: [one.name for one in those] for mine, those in OWN_LISTENERS.items()}
    assert {"churn", "targets", "measures", "engagement", "channel"} <= {*heard[True]}
    assert {"churn", "targets", "measures"} <= {*heard[False]}
    assert not {"engagement", "channel"} & {*heard[False]}


def test_an_own_type_is_a_contact_on_the_channel_of_its_family() -> None:
    state = last_state(lived(arrival("meter.read", "d1 10:00")))
    assert described(state, moment("d2"))["channel"]["channel"] == "content"


def test_a_target_is_scored_after_an_own_type_and_labelled_by_another() -> None:
    steps = lived(arrival("meter.read", "d1 10:00"), arrival("contract.ended", "d1 20:00"))
    (row,) = targets_of(last_state(steps)).ledgers["end"]
    assert (row.at_ms, row.outcome_flags) == (moment("d1 10:00"), HAPPENED)


def test_an_own_type_can_end_the_relation() -> None:
    waiting = lived(arrival("meter.read", "d1"), *daily(1, 8))
    last_ms = churn_of(last_state(waiting)).ledger[-1].at_ms
    steps = lived(
        arrival("meter.read", "d1"), *daily(1, 8), arrival("contract.ended", "d9"), fired("d10")
    )
    [row] = [one for one in churn_of(last_state(steps)).ledger if one.at_ms == last_ms]
    assert row.outcome_flags & CANCELLED


def test_a_reason_about_its_family_is_about_an_own_type() -> None:
    reading, ended = event("meter.read", "d1"), event("contract.ended", "d2")
    assert _is_about(Past(reading, True), ("content",))
    assert _is_about(Past(reading, True), (ACTIVITY,))
    assert _is_about(Past(ended, False), ("subscription",))
    assert not _is_about(Past(ended, False), ("content", ACTIVITY))


def test_a_history_relived_has_own_types_with_what_they_were() -> None:
    heard = [Heard(arrival(kind, "d1"), moment("d1")) for kind in ("meter.read", "contract.ended")]
    history = relive(heard, models("d0", RULES))
    assert [(past.event.type, past.active) for past in history.events] == [
        ("meter.read", True),
        ("contract.ended", False),
    ]
