"""Chapter 5. Her silence grows too long: one emission says so, why, and what to do."""

from tests.make import days
from tests.story.town import RULES, town_on
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.customer_risk import CustomerRisk

THRESHOLDS = RULES.bands.typed


def test_she_is_told_of_once_however_long_she_stays_silent() -> None:
    assert [one.band for one in town_on(97).crossings("mira")] == ["high"]


def test_the_crossing_says_from_where_to_where() -> None:
    [crossing] = town_on(97).crossings("mira")
    assert crossing.band_before == "low"
    assert THRESHOLDS is not None
    assert crossing.risk >= THRESHOLDS.high_enter


def test_the_first_reason_is_her_silence() -> None:
    [crossing] = town_on(97).crossings("mira")
    assert crossing.reasons[0].feature == "silence_days"
    assert crossing.reasons[0].contribution > 0


def test_an_action_is_recommended_at_the_same_moment() -> None:
    assert [(one.type, one.time_ms) for one in town_on(97).said_of("mira")] == [
        ("churn.risk_changed", days(84)),
        ("action.recommended", days(84)),
        ("customer.risk", days(84)),
        ("alert.raised", days(84)),
        ("customer.risk", days(91)),
        ("alert.updated", days(91)),
    ]


def test_who_comes_later_reads_her_newest_risk_from_the_compacted_topic() -> None:
    said = [one.data for one in town_on(118).said_of("mira")]
    newest = [data for data in said if isinstance(data, CustomerRisk)][-1]
    assert newest.band == "high"
    assert newest.risk > town_on(118).crossings("mira")[0].risk
    assert newest.action is not None
    assert (newest.action.action, newest.action.decision) == (_action().action, _action().decision)


def test_a_call_is_worth_most_at_that_risk() -> None:
    action = _action()
    assert action.action == "call_by_owner"
    assert action.values_minor["call_by_owner"] == max(action.values_minor.values())


def test_doing_nothing_was_a_choice_too_with_a_chance_of_its_own() -> None:
    action = _action()
    assert action.probabilities["do_nothing"] > 0
    assert abs(sum(action.probabilities.values()) - 1) < 1e-9


def test_what_was_no_choice_says_why() -> None:
    assert [(one.action, one.reason) for one in _action().left_out] == [
        ("resolve_open_ticket", "no_open_ticket"),
        ("send_win_back_offer", "target"),
    ]


def _action() -> ActionRecommended:
    [action] = [
        one.data for one in town_on(97).said_of("mira") if isinstance(one.data, ActionRecommended)
    ]
    return action
