"""Alerts, step by step: raised, updated, snoozed, cleared, and raised again."""

import msgspec
import pytest

from tests.make import (
    SILENCE_KILLS,
    arrival,
    daily,
    days,
    emitted,
    last_state,
    live,
    model,
    models,
    moment,
)
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.alerts import AlertCleared, AlertRaised, AlertUpdated
from touchstream.schemas.emissions.customer_risk import LastAction
from touchstream.schemas.emissions.risk import Reason, RiskChanged
from touchstream.schemas.rules import (
    ActionRules,
    AlertRules,
    BandRules,
    ChurnRules,
    DecidingRules,
    LearningRules,
    RoutingRules,
    Rules,
    RulesError,
    TargetRules,
)
from touchstream.schemas.units import Millis
from touchstream.streams.customer import Step
from touchstream.streams.decide.policy import held_out
from touchstream.streams.emit.customer_risk import moment as as_datetime
from touchstream.streams.intake.decode import Arrival
from touchstream.streams.projections.alert_state import AlertsState, OpenAlert, Snoozed
from touchstream.streams.projections.alerts import UNKNOWN_ALERT, Alerts
from touchstream.streams.projections.indexes import owner_index, queue_index
from touchstream.streams.projections.projection import TimerFired
from touchstream.streams.projections.read import alerts_of

Happening = Arrival | TimerFired

CALL = ActionRules(
    name="call", channel="phone", accept_probability=0.5, value_minor=1_000, cost_minor=1
)
RULES = Rules(
    churn=ChurnRules(horizon_days=91),  # nobody lapses within these stories
    bands=BandRules(medium_enter=0.3, medium_leave=0.2, high_enter=0.75, high_leave=0.7),
    learning=LearningRules(minimum_examples=100),
    deciding=DecidingRules(epsilon=0.0, holdout=0.0),
    actions=(CALL,),
)
VISIT: Happening = arrival("web.visit", "d1")
RAISED_DAY = 32
"""One visit, then silence: medium on the snapshot day d18, high on d32."""


def rules_with(**changes: object) -> Rules:
    return msgspec.structs.replace(RULES, alerts=AlertRules(**changes))  # type: ignore[arg-type]


def lived(last_day: int, *more: Happening, rules: Rules = RULES) -> list[Step]:
    """Silence up to a day, and what happened in between."""
    ticks = daily(2, last_day)
    history = sorted([VISIT, *ticks, *more], key=at)
    return live(history, models("d1", rules, SILENCE_KILLS))


def at(happening: Happening) -> tuple[Millis, bool]:
    if isinstance(happening, TimerFired):
        return happening.time_ms, True
    return happening.event.time_ms, False


def alerts(steps: list[Step]) -> list[AlertRaised | AlertUpdated | AlertCleared]:
    found = [one.data for one in emitted(steps)]
    return [d for d in found if isinstance(d, AlertRaised | AlertUpdated | AlertCleared)]


def history(steps: list[Step]) -> list[str]:
    """``d32 raised churn``, and so on."""
    return [
        f"d{(one.time_ms - days(0)) / 86_400_000:g} {one.type[6:]} {_about(one.data)}"
        for one in emitted(steps)
        if one.topic == "alerts"
    ]


def _about(data: object) -> str:
    match data:
        case AlertUpdated():
            return ",".join(data.changed)
        case AlertCleared():
            return data.why
        case AlertRaised():
            return data.kind
        case _:
            return ""


def raised(steps: list[Step]) -> AlertRaised:
    [alert] = [one for one in alerts(steps) if isinstance(one, AlertRaised)]
    return alert


ALERT = raised(live([VISIT, *daily(2, RAISED_DAY)], models("d1", RULES, SILENCE_KILLS))).alert
"""The id, which follows from the cause alone."""


def answer(when: str, said: str, **more: object) -> Arrival:
    facts = {"verdict": said, **more}
    return arrival("alert.feedback", when, alert=ALERT, **facts)  # type: ignore[arg-type]


def test_entering_the_band_raises_one_alert_that_says_it_all() -> None:
    rules = msgspec.structs.replace(
        RULES,
        bands=BandRules(medium_enter=0.75, medium_leave=0.7, high_enter=0.75, high_leave=0.75),
    )
    steps = lived(RAISED_DAY, rules=rules)
    [crossing] = [e.data for e in emitted(steps) if isinstance(e.data, RiskChanged)]
    [decision] = [e.data for e in emitted(steps) if isinstance(e.data, ActionRecommended)]
    alert = raised(steps)
    assert (alert.kind, alert.band, alert.queue, alert.owner) == ("churn", "high", "support", None)
    assert alert.risk == pytest.approx(crossing.risk, abs=1e-6)
    assert (alert.reasons, alert.cause) == (crossing.reasons[:3], crossing.cause)
    assert (alert.raised, alert.expires) == (
        as_datetime(days(RAISED_DAY)),
        as_datetime(days(RAISED_DAY + 14)),
    )
    assert alert.action == LastAction(
        action="call", decision=decision.decision, recommended=as_datetime(days(RAISED_DAY))
    )
    assert alert.summary == (
        f"May leave within 91 days (87 %): {crossing.reasons[0].text}. Do: call."
    )


def test_advice_that_has_expired_is_none() -> None:
    """The call was recommended on d18, as the customer became medium."""
    assert raised(lived(RAISED_DAY)).action is None


def test_while_it_is_open_no_second_one_is_raised_and_a_moved_risk_updates_it() -> None:
    assert history(lived(45, rules=rules_with(worse_by=0.05))) == [
        "d32 raised churn",
        "d39 updated risk",
    ]
    assert history(lived(45)) == ["d32 raised churn"]


def test_leaving_the_band_clears_it_and_its_kind_rests() -> None:
    back = arrival("web.visit", "d40")
    steps = lived(70, back)
    assert history(steps) == ["d32 raised churn", "d40 cleared recovered", "d67 raised churn"]


def test_within_the_rest_only_a_worse_risk_raises_it_again() -> None:
    back = arrival("web.visit", "d40")
    quiet = lived(80, back, rules=rules_with(rest_days=60))
    assert history(quiet) == ["d32 raised churn", "d40 cleared recovered"]
    worse = lived(90, back, rules=rules_with(rest_days=60, worse_by=0.03))
    assert history(worse)[-1] == "d88 raised churn"


def test_unanswered_it_expires_and_is_raised_again_after_its_rest() -> None:
    assert history(lived(62, rules=rules_with(worse_by=0.5))) == [
        "d32 raised churn",
        "d46 cleared expired",
        "d60 raised churn",
    ]


def test_nobody_of_the_holdout_is_raised() -> None:
    rules = msgspec.structs.replace(RULES, deciding=DecidingRules(epsilon=0.0, holdout=0.5))
    names = ("ada", "bob", "eve", "joe", "kim", "lee")
    fates = {
        name: bool(
            alerts(
                live(
                    [arrival("web.visit", "d1", name), *daily(2, 40, name)],
                    models("d1", rules, SILENCE_KILLS),
                )
            )
        )
        for name in names
    }
    assert fates == {name: not held_out(name, rules) for name in names}
    assert len(set(fates.values())) == 2


def test_a_resolved_alert_is_cleared_and_rests() -> None:
    steps = lived(45, answer("d33", "resolved", rating="useful", rep="rep-1"))
    assert history(steps) == ["d32 raised churn", "d33 cleared resolved"]
    cleared = alerts(steps)[-1]
    assert isinstance(cleared, AlertCleared)
    assert (cleared.alert, cleared.rating) == (ALERT, "useful")


def test_an_answer_never_raises_what_it_clears_even_without_a_rest() -> None:
    steps = lived(RAISED_DAY, answer("d33", "resolved"), rules=rules_with(rest_days=0))
    assert history(steps)[-1] == "d33 cleared resolved"


def test_a_false_alarm_is_noise() -> None:
    cleared = alerts(lived(40, answer("d33", "false_alarm", reason="on holiday")))[-1]
    assert isinstance(cleared, AlertCleared)
    assert (cleared.why, cleared.rating) == ("false_alarm", "noise")


def test_an_acknowledged_alert_says_by_whom() -> None:
    updated = alerts(lived(40, answer("d33", "acknowledged", rep="rep-1")))[-1]
    assert isinstance(updated, AlertUpdated)
    assert (updated.changed, updated.acknowledged_by) == (("acknowledged",), "rep-1")


@pytest.mark.parametrize(
    ("how", "later", "awake"),
    [
        ({}, None, "d35 updated awake"),
        ({"until": "1997-02-05T00:00:00Z"}, None, "d35 updated awake"),
        ({"worse_by": 0.05}, None, "d39 updated awake"),
        ({"next_touchpoint": True}, "d36", "d36 updated awake"),
    ],
    ids=["for_a_day", "until", "worse", "touchpoint"],
)
def test_a_snoozed_alert_awakes_when_it_was_asked_to(
    how: dict[str, object], later: str | None, awake: str
) -> None:
    visits = [] if later is None else [arrival("web.visit", later)]
    seen = history(lived(41, answer("d34", "snoozed", **how), *visits))
    assert seen[:2] == ["d32 raised churn", "d34 updated snoozed"]
    assert seen[2].replace(",risk", "") == awake


def test_a_snooze_until_a_moment_that_is_over_changes_nothing() -> None:
    late = answer("d34", "snoozed", until="1997-01-20T00:00:00Z")
    assert history(lived(36, late)) == ["d32 raised churn"]


def test_an_answer_to_an_unknown_alert_is_counted() -> None:
    unknown = arrival("alert.feedback", "d33", alert="a-9", **{"verdict": "resolved"})
    steps = lived(40, unknown)
    assert [name for step in steps for name in step.counters if "feedback" in name] == [
        UNKNOWN_ALERT
    ]
    assert history(steps) == ["d32 raised churn"]


def test_an_alert_that_is_over_can_still_be_rated_once() -> None:
    rated = [answer(f"d{day}", "acknowledged", rating="useful") for day in (41, 42)]
    steps = lived(43, arrival("web.visit", "d40"), *rated)
    ratings = [m for step in steps for m in step.measures if m.name == "alert_ratings"]
    assert [(one.dimensions, one.time_ms) for one in ratings] == [
        (("churn", "useful"), moment("d41"))
    ]


def test_the_owner_gets_it_and_a_new_owner_takes_it_over() -> None:
    steps = lived(
        RAISED_DAY + 2,
        arrival("customer.updated", "d2", attributes={"owner": "rep-1"}),
        arrival("customer.updated", "d33", attributes={"owner": "rep-2"}),
    )
    first, second = alerts(steps)
    assert isinstance(first, AlertRaised)
    assert isinstance(second, AlertUpdated)
    assert (first.owner, second.owner, second.changed) == ("rep-1", "rep-2", ("owner",))
    moved = next(step.indexes for step in steps if owner_index("rep-2") in step.indexes)
    assert moved[owner_index("rep-1")] is None


def test_the_first_routing_that_fits_names_the_queue() -> None:
    routing = (
        RoutingRules(queue="large", plan=("large",)),
        RoutingRules(queue="turkey", region=("TR",), segment=("business",)),
        RoutingRules(queue="business", segment=("business",)),
    )
    rules = msgspec.structs.replace(RULES, routing=routing)
    for facts, queue in (
        ({"segment": "business", "region": "TR"}, "turkey"),
        ({"segment": "business", "region": "DE"}, "business"),
        ({"plan": "large", "segment": "business"}, "large"),
        ({"region": "TR"}, "support"),
    ):
        updated = arrival("customer.updated", "d2", attributes=facts)
        assert raised(lived(RAISED_DAY, updated, rules=rules)).queue == queue


def test_the_indexes_hold_it_by_priority_until_it_is_cleared() -> None:
    steps = lived(41, arrival("web.visit", "d40"))
    written = [step.indexes for step in steps if "alerts" in step.indexes]
    names = {"alerts", queue_index("support")}
    scores = {name: raised(steps).priority.score for name in names}
    assert [{name: each[name] for name in names} for each in written] == [
        scores,
        dict.fromkeys(names),
    ]


def test_an_erasure_clears_it_and_leaves_the_indexes() -> None:
    steps = lived(40, arrival("customer.erased", "d34"))
    assert history(steps) == ["d32 raised churn", "d34 cleared erased"]
    erasure = next(step for step in steps if "erased" in step.counters)
    assert {name: erasure.indexes[name] for name in ("alerts", queue_index("support"))} == {
        "alerts": None,
        queue_index("support"): None,
    }
    counted = [one.dimensions for one in erasure.measures if one.name == "alerts_cleared"]
    assert counted == [("churn", "erased")]
    assert erasure.state is not None
    assert alerts_of(erasure.state) is None


def test_a_cancellation_clears_an_alert_about_leaving() -> None:
    gone = arrival("subscription.cancelled", "d34")
    assert history(lived(36, gone)) == ["d32 raised churn", "d34 cleared left"]


def test_priority_is_risk_times_value_times_saveability() -> None:
    priority = raised(lived(RAISED_DAY)).priority
    assert priority.value_minor == 12_000
    assert (priority.value_from, priority.saveability, priority.saveability_from) == (
        "default",
        1.0,
        "none",
    )
    assert priority.score == pytest.approx(priority.risk * 12_000)


def test_the_priority_of_a_return_is_about_those_who_would_stay_away() -> None:
    known = OpenAlert("return", b"", Millis(0), Millis(0), "high", 740_000, 1_000, "default")
    assert known.score == pytest.approx(260.0)


def test_the_value_is_a_year_of_orders_and_of_the_subscription() -> None:
    monthly = arrival(
        "subscription.started", "d1", plan="basic", amount_minor=1_000, currency="EUR"
    )
    subscribed = raised(lived(RAISED_DAY, monthly)).priority
    assert (subscribed.value_minor, subscribed.value_from) == (12_000, "subscription")
    ordered = arrival("order.placed", "d1", order="o1", amount_minor=4_000, currency="EUR")
    bought = raised(lived(RAISED_DAY, ordered, monthly)).priority
    # 4,000 with a half-life of 91 d: 31 d later 3,158, at a rate of ln 2 / 91 a day for a year.
    assert (bought.value_minor, bought.value_from) == (12_000 + 8_782, "subscription")
    alone = raised(lived(RAISED_DAY, ordered)).priority
    assert (alone.value_minor, alone.value_from) == (8_782, "orders")
    foreign = arrival("order.placed", "d1", order="o1", amount_minor=4_000, currency="USD")
    assert raised(lived(RAISED_DAY, foreign)).priority.value_from == "default"


def test_a_kind_that_is_not_asked_for_is_not_raised() -> None:
    assert history(lived(40, rules=rules_with(kinds=()))) == []


def test_a_kind_that_there_is_not_is_refused() -> None:
    quiet = TargetRules(name="orders", after=("web.visit",), events=("order.placed",))
    for kind in ("churns", "orders"):
        with pytest.raises(RulesError, match=f"alerts.kinds: '{kind}' is none; want churn, return"):
            Rules(targets=(quiet,), alerts=AlertRules(kinds=(kind,)))
    signalled = msgspec.structs.replace(quiet, signal_at=0.5)
    rules = Rules(targets=(signalled,), alerts=AlertRules(kinds=("orders",)))
    assert rules.alerts.kinds == ("orders",)


def test_a_model_without_evidence_raises_nothing() -> None:
    steps = live([VISIT, *daily(2, 40)], models("d1", RULES, model(intercept=9.0, examples=9)))
    assert alerts(steps) == []


def test_an_acknowledgement_can_be_taken_back() -> None:
    steps = lived(40, answer("d33", "acknowledged", rep="rep-1"), answer("d34", "released"))
    assert history(steps)[1:] == ["d33 updated acknowledged", "d34 updated released"]
    updated = alerts(steps)[-1]
    assert isinstance(updated, AlertUpdated)
    assert updated.acknowledged_by is None
    assert history(lived(40, answer("d33", "released"))) == ["d32 raised churn"]


def test_an_alert_that_sleeps_beyond_its_expiry_awakes() -> None:
    late = answer("d40", "snoozed", until="1997-02-20T00:00:00Z")
    steps = lived(55, late, rules=rules_with(worse_by=0.5))
    assert history(steps)[-2:] == ["d40 updated snoozed", "d50 updated awake"]


def test_an_erasure_retracts_what_is_over_as_well() -> None:
    back = arrival("web.visit", "d33 06:00")
    steps = lived(40, back, arrival("customer.erased", "d34"))
    assert history(steps)[-2:] == ["d33.25 cleared recovered", "d34 cleared erased"]


def test_other_routing_takes_an_open_alert_along() -> None:
    before = live([VISIT, *daily(2, RAISED_DAY)], models("d1", RULES, SILENCE_KILLS))
    routed = msgspec.structs.replace(RULES, alerts=AlertRules(queue="retention"))
    after = live(daily(33, 40), models("d32", routed, SILENCE_KILLS), last_state(before))
    [moved] = [one for one in alerts(after) if isinstance(one, AlertUpdated)]
    assert (moved.queue, moved.changed) == ("retention", ("owner",))


def test_six_full_alerts_of_the_longest_names_fit_into_the_state() -> None:
    """As long as the bounds of the wire allow, with reasons like those of the docs."""
    reason = Reason(
        feature="survey_score",
        text="x" * 160,
        contribution=1.234567,
        change=-0.123456,
        kind="tickets_reopened_28_days",
        value=123456.7891,
        bound="at_least",
        unit="minor_units",
        usual=123456.7891,
        compared_with="customers",
        direction="raises",
        at="2026-11-29T00:00:00.000Z",
        currency="EUR",
    )
    whole = OpenAlert(
        "k" * 64,
        bytes(16),
        Millis(2**44),
        Millis(2**44),
        "medium",
        1_000_000,
        2**53,
        "subscription",
        (reason,) * 3,
        "a" * 64,
        bytes(16),
        Millis(2**44),
        Snoozed(Millis(2**44), 1_000_000, next_touchpoint=True),
        "useful",
        "r" * 256,
    )
    state = AlertsState("q" * 256, "o" * 256, (whole,) * 6)
    assert len(msgspec.msgpack.encode(state)) <= Alerts.max_bytes
