import msgspec

from tests.make import arrival as arriving
from tests.make import doubtful, emitted, event, folded, live, model, models, moment, state_of
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.emissions.risk import RiskChanged
from touchstream.schemas.rules import ActionRules, AlertRules, BandRules, LearningRules, Rules
from touchstream.schemas.topics import CUSTOMER_RISK_TOPIC
from touchstream.schemas.units import CustomerId
from touchstream.streams.context import ServingContext
from touchstream.streams.customer import Underway, conclude
from touchstream.streams.decide.bands import Crossing
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.intake.memory import NOTHING_REMEMBERED
from touchstream.streams.learn.snapshot import CHURN, ModelData
from touchstream.streams.projections.churn import ChurnState
from touchstream.streams.projections.projection import Context, ScoreRequest
from touchstream.streams.projections.read import churn_of, decisions_of
from touchstream.streams.projections.registry import BY_NAME, slots_of
from touchstream.streams.scoring import Scored, score
from touchstream.streams.state import State

CAUSE = Cause(type="web.visit", source="shop", id="e1")
BANDS = BandRules(
    medium_enter=0.5, medium_leave=0.4, high_enter=0.7, high_leave=0.6, cooldown_days=2
)
CALL = ActionRules(
    name="call", channel="phone", accept_probability=0.5, value_minor=1_000, cost_minor=1
)
RULES = Rules(
    bands=BANDS,
    learning=LearningRules(minimum_examples=100, widest=0.3),
    actions=(CALL,),
    alerts=AlertRules(kinds=()),
    seed=1,
)
CAUTIOUS = msgspec.structs.replace(RULES, learning=LearningRules(minimum_examples=300))
VISITOR = folded(event("web.visit", "d0"))
"""Known for a week at d7, when ln(1 + known_days) is 2.08."""

SAFE, UNSURE, DOOMED = (model(intercept=at) for at in (-2.0, 0.2, 2.0))
"""P(churn) of 0.12, 0.55 and 0.88 for everybody."""


def active_config(knows: ModelData, clock: str = "d7") -> ServingContext:
    return models(clock, RULES, knows)


def judged(
    before: State, knows: ModelData, at: str = "d7", rules: Rules = RULES
) -> tuple[State, list[Emission]]:
    """The visitor's state and emissions once a model has scored them at ``at``.

    The topics customer-risk and alerts have tests of their own.
    """
    whole = models(at, rules, knows)
    scored, slots = score(VISITOR, whole), slots_of(before)
    trigger = event("web.visit", at, id=CAUSE.id)
    ctx = Context(CustomerId("ada"), VISITOR, VISITOR, whole, rules, moment(at), trigger, slots)
    one = Underway(trigger, ctx, NOTHING_REMEMBERED, None, None, ())
    if BY_NAME[CHURN].slot not in {slot.number for slot in before.slots}:
        slots.put(BY_NAME[CHURN], ChurnState())
    if scored is not None:
        one.scores[CHURN] = scored
        one.requests = ((BY_NAME[CHURN], [ScoreRequest(CHURN)]),)
    step = conclude(one)
    assert step.state is not None
    said = [one for one in step.emissions if one.topic != CUSTOMER_RISK_TOPIC]
    return step.state, said


def risk_of(emission: Emission) -> RiskChanged:
    assert isinstance(emission.data, RiskChanged)
    return emission.data


def action_of(emission: Emission) -> ActionRecommended:
    assert isinstance(emission.data, ActionRecommended)
    return emission.data


def test_before_the_first_tick_nothing_is_scored() -> None:
    assert score(VISITOR, models(None)) is None


def test_a_profile_is_scored_as_of_the_last_tick() -> None:
    scored = score(VISITOR, active_config(DOOMED))
    assert scored is not None
    assert (scored.at_ms, scored.risk) == (moment("d7"), 0.880797)


def test_a_profile_newer_than_the_tick_is_scored_as_of_its_newest_event() -> None:
    scored = score(folded(event("web.visit", "d8")), active_config(DOOMED))
    assert scored is not None
    assert scored.at_ms == moment("d8")


def test_a_running_subscription_is_noted_for_the_label() -> None:
    started = event("subscription.started", "d0", term_days=7)
    found = [score(folded(started), active_config(SAFE, clock)) for clock in ("d6", "d7")]
    assert [scored and scored.subscribed for scored in found] == [True, False]


def test_the_score_is_kept_even_where_nothing_is_said() -> None:
    after, emissions = judged(State(), SAFE)
    assert (churn_of(after).risk, emissions) == (0.119203, [])


def test_a_first_low_band_is_entered_without_a_word() -> None:
    after, emissions = judged(State(), SAFE)
    assert (churn_of(after).band, churn_of(after).crossing, emissions) == ("low", None, [])


def test_with_too_few_examples_nobody_is_put_in_a_band() -> None:
    after, emissions = judged(State(), model(intercept=2.0, examples=299), rules=CAUTIOUS)
    assert (churn_of(after).risk, churn_of(after).band, emissions) == (0.880797, None, [])


def test_with_too_few_of_either_label_nobody_is_put_in_a_band() -> None:
    for churned in (19, 981):
        one_sided = msgspec.structs.replace(DOOMED, churned=churned)
        assert churn_of(judged(State(), one_sided)[0]).band is None
    assert churn_of(judged(State(), msgspec.structs.replace(DOOMED, churned=20))[0]).band == "high"


def test_on_a_probability_that_is_hardly_known_no_band_is_entered() -> None:
    assert churn_of(judged(state_of(band="low"), doubtful(DOOMED, 0.2))[0]).band == "high"
    after, emissions = judged(state_of(band="low"), doubtful(DOOMED, 2.0))
    assert (churn_of(after).band, emissions) == ("low", [])


def test_a_model_that_starts_again_with_few_examples_leaves_the_band_as_it_was() -> None:
    after, emissions = judged(
        state_of(band="high"), model(intercept=-2.0, examples=299), rules=CAUTIOUS
    )
    assert (churn_of(after).band, emissions) == ("high", [])


def test_a_rise_is_told_with_what_to_do() -> None:
    after, emissions = judged(state_of(band="low"), DOOMED)
    assert [emission.type for emission in emissions] == ["churn.risk_changed", "action.recommended"]
    assert (churn_of(after).band, churn_of(after).crossing) == (
        "high",
        Crossing(moment("d7"), up=True),
    )
    assert (churn_of(after).last_emitted_risk, decisions_of(after).recommended_ms) == (
        0.880797,
        {"call": moment("d7")},
    )


def test_a_crossing_is_told_with_all_that_led_to_it() -> None:
    _, (crossing, _) = judged(state_of(band="low", last_emitted_risk=0.2), DOOMED)
    assert risk_of(crossing) == RiskChanged(
        horizon_days=28,
        risk_before=0.2,
        risk=0.880797,
        low=0.880797,
        high=0.880797,
        band_before="low",
        band="high",
        n=1_000,
        model_version=3,
        rules=RULES.digest(),
        reasons=(),
        cause=CAUSE,
    )
    assert (crossing.topic, crossing.subject, crossing.time_ms) == (
        "churn-risk",
        "ada",
        moment("d7"),
    )


def test_a_decision_is_told_with_its_propensity() -> None:
    _, (_, decision) = judged(state_of(band="low"), DOOMED)
    action = action_of(decision)
    assert (action.action, action.channel) == ("call", "phone")
    assert action.probabilities == {"do_nothing": 0.025, "call": 0.975}
    assert (action.propensity, action.seed, action.rules) == (0.975, 1, RULES.digest())
    assert action.decision == decision.id


def test_a_decision_carries_the_reasons_of_its_crossing_and_its_end() -> None:
    knows = model(intercept=0.0, silence_days=1.0)
    _, (crossing, decision) = judged(state_of(band="low"), knows)
    action = action_of(decision)
    assert [reason.text for reason in action.reasons] == ["silent for 7 days (usual: none)"]
    assert action.reasons == risk_of(crossing).reasons
    assert (action.action, action.expires) == ("call", "1997-01-15T00:00:00.000Z")  # d14


def test_an_action_says_when_it_expires_by_its_own_rule() -> None:
    quick = msgspec.structs.replace(RULES, actions=(msgspec.structs.replace(CALL, expires_days=2),))
    _, (_, decision) = judged(state_of(band="low"), DOOMED, rules=quick)
    assert action_of(decision).expires == "1997-01-10T00:00:00.000Z"


def test_doing_nothing_does_not_expire() -> None:
    idle = msgspec.structs.replace(RULES, actions=())
    _, (_, decision) = judged(state_of(band="low"), DOOMED, rules=idle)
    assert (action_of(decision).action, action_of(decision).expires) == ("do_nothing", None)


def test_a_fall_is_told_without_an_action() -> None:
    after, emissions = judged(state_of(band="high"), UNSURE)
    assert [emission.type for emission in emissions] == ["churn.risk_changed"]
    assert (churn_of(after).band, churn_of(after).crossing) == (
        "medium",
        Crossing(moment("d7"), up=False),
    )


def test_within_a_band_nothing_is_said() -> None:
    assert judged(state_of(band="high"), DOOMED)[1] == []


def test_a_fall_right_after_a_rise_waits_for_the_cooldown() -> None:
    risen = state_of(band="high", crossing=Crossing(moment("d6"), up=True))
    assert churn_of(judged(risen, SAFE, at="d7 23:59")[0]).band == "high"
    assert churn_of(judged(risen, SAFE, at="d8")[0]).band == "low"


def test_a_further_rise_does_not_wait() -> None:
    risen = state_of(band="medium", crossing=Crossing(moment("d7"), up=True))
    assert churn_of(judged(risen, DOOMED)[0]).band == "high"


def test_reasons_say_what_each_topic_adds_and_how_it_moved_since() -> None:
    knows = model(intercept=0.0, silence_days=1.0)
    first, _ = judged(state_of(band="low"), knows, at="d2")
    assert churn_of(first).band == "high"
    fallen = state_of(**{**msgspec.structs.asdict(churn_of(first)), "band": "medium"})
    _, (crossing, _) = judged(fallen, knows, at="d7")
    (reason,) = risk_of(crossing).reasons
    assert (reason.feature, reason.contribution, reason.change) == ("silence_days", 2.0801, 0.9814)
    assert reason.text == "silent for 7 days (usual: none)"


def test_what_was_told_of_other_topics_is_not_compared_with() -> None:
    others = bytes(len(FEATURES.groups.pack([0.0] * len(FEATURES.groups.all))))
    _, (crossing, _) = judged(
        state_of(band="low", last_emitted_contributions=others), model(silence_days=1.0)
    )
    assert risk_of(crossing).reasons[0].change is None


def test_an_action_that_is_no_more_is_forgotten_with_the_next_recommendation() -> None:
    before = state_of(band="low", recommended_ms={"gift": moment("d1")})
    assert decisions_of(judged(before, DOOMED)[0]).recommended_ms == {"call": moment("d7")}


def test_doing_nothing_is_recommended_but_does_not_rest() -> None:
    after, (_, decision) = judged(
        state_of(band="low"), DOOMED, rules=msgspec.structs.replace(RULES, actions=())
    )
    assert (action_of(decision).action, decisions_of(after).recommended_ms) == ("do_nothing", {})


def test_the_same_cause_gives_the_same_ids() -> None:
    once, again = (judged(state_of(band="low"), DOOMED)[1] for _ in range(2))
    assert [emission.id for emission in once] == [emission.id for emission in again]
    assert once[0].id != once[1].id


def test_an_event_that_changes_the_risk_is_the_cause_of_what_is_said() -> None:
    whole = models("d0", RULES, model(intercept=-6.0, call_month=12.0))
    steps = live([arriving("web.visit", "d1"), arriving("call.ended", "d2", id="c1")], whole)
    assert [risk_of(emission).cause.id for emission in emitted(steps)[:1]] == ["c1"]
    assert [len(step.emissions) for step in steps] == [0, 3]


def test_a_score_carries_what_the_ledger_will_store() -> None:
    scored = score(VISITOR, active_config(DOOMED))
    assert isinstance(scored, Scored)
    assert scored.vector == active_config(DOOMED).features.vector(VISITOR, moment("d7"))
