import msgspec
import pytest

from touchstream.schemas.rules import (
    DEFAULT_ACTIONS,
    ActionRules,
    BandRules,
    ChurnRules,
    DecidingRules,
    Rules,
    RulesError,
)


def test_rules_are_read_back_from_their_text() -> None:
    rules = Rules(seed=7, churn=ChurnRules(horizon_days=91), actions=DEFAULT_ACTIONS[:1])
    assert Rules.from_text(rules.to_text()) == rules


def test_another_rule_is_another_digest() -> None:
    assert Rules(churn=ChurnRules(horizon_days=29)).digest() != Rules().digest()


def test_the_order_in_which_settings_are_written_does_not_show_in_the_digest() -> None:
    assert (
        Rules.from_text(b'{"seed":7,"churn":{"horizon_days":91}}').digest()
        == Rules.from_text(b'{"churn":{"horizon_days":91},"seed":7}').digest()
    )


def test_a_churn_rule_that_names_no_event_type_is_refused() -> None:
    with pytest.raises(RulesError, match=r"churn\.cancel: 'cancelled' is no event type"):
        Rules(churn=ChurnRules(cancel=("cancelled",)))


def test_a_band_that_is_left_above_where_it_is_entered_is_refused() -> None:
    with pytest.raises(RulesError, match="medium_leave"):
        BandRules(medium_leave=0.6)
    with pytest.raises(RulesError, match="high_leave"):
        BandRules(high_leave=0.8)


@pytest.mark.parametrize("names", [("call", "call"), ("do_nothing",)])
def test_a_catalogue_with_an_ambiguous_name_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(RulesError, match="distinct names"):
        Rules(actions=tuple(ActionRules(name=name, channel="phone") for name in names))


def test_a_misspelt_rule_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="horizon"):
        Rules.from_text(b'{"churn":{"horizon":28}}')


def test_a_currency_of_four_letters_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="currency"):
        msgspec.convert({"currency": "EURO"}, DecidingRules)


def test_an_action_that_outlives_the_risk_it_answers_is_refused() -> None:
    call = ActionRules(name="call", channel="phone", expires_days=29)
    with pytest.raises(RulesError, match=r"actions\.expires_days: call has 29; want at most"):
        Rules(actions=(call,))


def test_a_recommendation_lasts_a_week_or_the_horizon_if_that_is_shorter() -> None:
    call = ActionRules(name="call", channel="phone")
    found = [Rules(churn=ChurnRules(horizon_days=days)).expires_days(call) for days in (28, 4)]
    assert found == [7, 4]
    lasting = ActionRules(name="call", channel="phone", expires_days=20)
    assert Rules().expires_days(lasting) == 20


def test_a_capacity_and_typed_thresholds_are_one_too_many() -> None:
    assert BandRules(high_share_per_day=0.02).typed is None
    with pytest.raises(RulesError, match="high_per_day or thresholds"):
        BandRules(high_enter=0.8, high_per_day=5.0)
    with pytest.raises(RulesError, match="high_share_per_day or thresholds"):
        BandRules(high_enter=0.8, high_share_per_day=0.02)
