import msgspec

from tests.make import days
from touchstream.schemas.rules import LearningRules, Rules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.calibration import Calibration
from touchstream.streams.learn.governance import Signal, conclude_trials, served
from touchstream.streams.learn.knowledge import Knowledge, Learnt, every_days, new_trial
from touchstream.streams.learn.models.recency import RecencyData
from touchstream.streams.learn.trial import Trial

RULES = Rules(learning=LearningRules(model="bayes", challenger="hedge"))


def known(rules: Rules = RULES) -> Learnt:
    return Knowledge.new(FEATURES, rules).churn


def decided(winner: int) -> Trial:
    """A trial over two hundred rounds that the first (0) or the second (1) won."""
    trial = new_trial(RULES.churn)
    for number in range(200):
        losses = [0.7, 0.7 + number % 2 / 100]
        losses[winner] -= 0.3
        trial.add(Millis(number * 7 * DAY_MS), losses[0], losses[1])
    return trial


def concluded(learnt: Learnt, rules: Rules = RULES) -> list[Signal]:
    return list(conclude_trials("churn", learnt, rules.churn, rules.learning, days(9)))


def test_while_nothing_is_proved_nothing_changes() -> None:
    learnt = known()
    before = msgspec.json.encode(learnt)
    assert concluded(learnt) == []
    assert msgspec.json.encode(learnt) == before


def test_a_proved_challenger_changes_places_with_the_champion() -> None:
    learnt = known()
    learnt.trial = decided(1)
    champion, challenger = learnt.model, learnt.challenger
    assert concluded(learnt) == [Signal("model.promoted", "churn", "bayes", "hedge", days(9))]
    assert (learnt.model, learnt.challenger) == (challenger, champion)
    assert (learnt.name, learnt.challenger_name) == ("hedge", "bayes")


def test_after_a_promotion_both_questions_are_new() -> None:
    learnt = known()
    learnt.trial, learnt.fallback = decided(1), decided(0)
    concluded(learnt)
    assert learnt.trial == learnt.fallback == new_trial(RULES.churn)


def test_a_champion_who_won_stays_and_the_question_is_new() -> None:
    learnt = known()
    learnt.trial = decided(0)
    assert concluded(learnt) == []
    assert (learnt.name, learnt.trial) == ("bayes", new_trial(RULES.churn))


def test_a_stricter_alpha_wants_more_proof() -> None:
    learnt = known()
    learnt.trial = decided(1)
    strict = Rules(learning=LearningRules(challenger="hedge", alpha=1e-60))
    assert concluded(learnt, strict) == []


def test_a_model_proved_worse_than_recency_steps_back_once() -> None:
    learnt = known()
    learnt.fallback = decided(1)
    assert concluded(learnt) == [Signal("model.fell_back", "churn", "bayes", "recency", days(9))]
    assert learnt.fallen_back
    learnt.fallback = decided(1)
    assert concluded(learnt) == []
    assert learnt.fallen_back


def test_a_model_proved_better_again_comes_back_once() -> None:
    learnt = known()
    learnt.fallen_back, learnt.fallback = True, decided(0)
    assert concluded(learnt) == [Signal("model.recovered", "churn", "recency", "bayes", days(9))]
    assert not learnt.fallen_back
    learnt.fallback = decided(0)
    assert concluded(learnt) == []


def test_who_has_fallen_back_serves_the_rule_with_the_counts_so_far() -> None:
    learnt = known()
    learnt.baselines.learn(2.0, 1)
    learnt.fallen_back = True
    model = served(learnt)
    assert model.estimator == RecencyData(
        learnt.baselines, 1 + FEATURES.names.index("silence_days")
    )
    assert model.calibration == Calibration()
    assert model.standard == learnt.model.standard


def test_what_is_served_does_not_change_with_what_is_learnt_later() -> None:
    learnt = known()
    learnt.fallen_back = True
    model = served(learnt)
    before = msgspec.json.encode(model)
    learnt.baselines.learn(2.0, 1)
    assert msgspec.json.encode(model) == before


def test_who_has_not_fallen_back_serves_the_champion() -> None:
    learnt = known()
    assert served(learnt) == learnt.model


def test_a_round_sees_every_customer_once() -> None:
    assert every_days(RULES.churn) == 7
    assert new_trial(RULES.churn).round_ms == 7 * DAY_MS
