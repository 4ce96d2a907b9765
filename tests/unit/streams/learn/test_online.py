from math import inf, nan

import msgspec
import numpy as np
import pytest

from tests.make import WIDTH, days
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.basis import NAMES
from touchstream.streams.learn.calibration import LEAST_EXAMPLES, Calibration
from touchstream.streams.learn.models.bayes import BayesianLogisticRegression
from touchstream.streams.learn.models.registry import MODELS
from touchstream.streams.learn.numbers import sigmoid
from touchstream.streams.learn.online import OnlineModel
from touchstream.streams.learn.scorer import Scorer
from touchstream.streams.learn.snapshot import ModelData, OwnExamples, empty
from touchstream.streams.learn.standard import Standard

NOTHING = empty(FEATURES.digest, 28)
Row = tuple[list[float], int]


def row(**named: float) -> list[float]:
    """Half a unit of everything that is not named."""
    return [named.get(name, 0.5) for name in FEATURES.names]


def learnt(*rows: Row, before: ModelData = NOTHING, weight: float = 1.0) -> ModelData:
    """One a day."""
    learner = OnlineModel(before)
    for number, (values, label) in enumerate(rows):
        learner.learn(values, days(before.examples + number), label, weight)
    return learner.data()


def drawn(n: int, seed: int = 1) -> list[Row]:
    chance = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        values = chance.uniform(0, 4, size=WIDTH)
        label = int(chance.random() < values[0] / 4)
        values[chance.random(WIDTH) < 0.2] = nan
        found.append(([float(value) for value in values], label))
    return found


def column(data: ModelData, name: str) -> tuple[float, float]:
    """(count, mean) of one column."""
    standard = Standard(data.standard)
    number = NAMES.index(name)
    return float(standard.counts[number]), float(standard.means[number])


def test_an_unlearnt_model_is_the_empty_one() -> None:
    assert learnt() == NOTHING


def test_a_first_example_moves_the_intercept_alone() -> None:
    data = learnt((row(web_month=3.0), 1))
    model = BayesianLogisticRegression.of(data.estimator, 0.0)  # type: ignore[arg-type]
    assert model._mean[0] > 0
    assert not model._mean[1:].any()
    assert column(data, "web_month") == (1, 3.0)
    assert (data.examples, data.churned, data.since_ms) == (1, 1, days(0))


def test_the_first_moment_is_kept() -> None:
    assert learnt((row(), 1), (row(), 0)).since_ms == days(0)


def test_a_missing_value_is_not_learnt() -> None:
    data = learnt((row(survey_score=nan), 0), (row(survey_score=0.75), 1))
    assert column(data, "survey_score") == (1, 0.75)
    assert column(data, "web_month") == (2, 0.5)


def test_missing_is_not_zero() -> None:
    rows = [(row(survey_score=0.0), 0) if n % 2 else (row(survey_score=nan), 1) for n in range(300)]
    scorer = Scorer(learnt(*rows))
    missing, worst = (scorer.score(row(survey_score=score), days(3)).risk for score in (nan, 0.0))
    assert missing > 0.8
    assert worst < 0.2


@pytest.mark.parametrize("value", [inf, -inf])
def test_an_infinite_value_is_refused_before_it_poisons_a_mean(value: float) -> None:
    learner = OnlineModel(learnt(*drawn(30)))
    before = learner.data()
    with pytest.raises(ValueError, match="not finite"):
        learner.learn(row(web_month=value), days(40), 1, 1.0)
    assert learner.data() == before


def test_a_first_infinite_value_leaves_nothing_behind() -> None:
    learner = OnlineModel(NOTHING)
    with pytest.raises(ValueError, match="not finite"):
        learner.learn(row(silence_days=inf), days(0), 1, 1.0)
    assert learner.data() == NOTHING


def test_one_wild_value_counts_as_five_deviations() -> None:
    calm = [(row(web_month=float(n % 2)), n % 2) for n in range(400)]
    data = learnt(*calm)
    scorer = Scorer(data)
    place = FEATURES.names.index("web_month")
    wild, edge = (
        scorer.contributions(row(web_month=value), days(3))[place] for value in (1e4, 3.0)
    )
    assert wild == edge > 0  # mean 1/2, deviation 1/2


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_model_made_from_data_goes_on_exactly(name: str) -> None:
    rows = drawn(80)
    start = empty(FEATURES.digest, 28, name)
    stopped = msgspec.json.encode(learnt(*rows[:40], before=start))
    resumed = learnt(*rows[40:], before=msgspec.json.decode(stopped, type=ModelData))
    assert msgspec.json.encode(resumed) == msgspec.json.encode(learnt(*rows, before=start))


def test_what_it_says_is_said_before_it_knows_the_label() -> None:
    before = learnt(*drawn(50))
    values, _ = drawn(1, seed=9)[0]
    predictions = [OnlineModel(before).learn(values, days(60), label, 1.0) for label in (0, 1)]
    assert predictions[0] == predictions[1]


def test_what_the_learner_says_is_what_a_worker_would_have_said() -> None:
    before = learnt(*drawn(400))
    values, _ = drawn(1, seed=9)[0]
    worker = Scorer(before).score(values, days(400))
    predictions = OnlineModel(before).learn(values, days(400), 1, 1.0)
    assert round(predictions.probability, 6) == worker.risk


def test_a_line_over_the_ln_odds_is_learnt_with_a_model_that_has_grown() -> None:
    grown = msgspec.structs.replace(learnt(*drawn(30)), examples=LEAST_EXAMPLES - 1)
    still = learnt(*drawn(1, seed=9), before=grown)
    assert (still.examples, still.calibration) == (LEAST_EXAMPLES, Calibration())
    assert learnt(*drawn(1, seed=9), before=still).calibration != Calibration()


def test_an_example_of_no_weight_is_counted_and_teaches_nothing() -> None:
    rows = drawn(3)
    data = learnt(*rows, weight=0.0)
    assert Scorer(data).contributions(rows[0][0], days(9)) == [0.0] * WIDTH
    assert data.calibration == NOTHING.calibration
    assert data.examples == 3


def test_a_heavier_example_teaches_more() -> None:
    rows = [(row(web_month=float(n % 2)), n % 2) for n in range(40)]
    light, heavy = (
        BayesianLogisticRegression.of(learnt(*rows, weight=weight).estimator, 0.0)  # type: ignore[arg-type]
        for weight in (0.25, 1.0)
    )
    place = NAMES.index("web_month")
    assert 0 < light._mean[place] < heavy._mean[place]


def test_segments_are_counted_with_their_labels() -> None:
    stranger = row(subscription_running=nan, gap_usual=nan, spend_minor=nan)
    data = learnt((stranger, 1), (stranger, 0), (row(subscription_running=0.0), 1))
    assert (data.segment_n[0], data.segment_churned[0]) == (2, 1)
    assert (data.segment_n[11], data.segment_churned[11]) == (1, 1)
    assert sum(data.segment_n) == data.examples == 3


def test_the_order_is_borrowed_and_the_base_rate_is_the_models_own() -> None:
    """Log-odds 1 + 1.5 x of borrowed examples and 1.5 x - 3 of own ones, which come later."""
    chance = np.random.default_rng(11)
    model = OnlineModel(empty(FEATURES.digest, 28, borrows=True))
    for tick in range(60):
        own = 10 if tick >= 20 else 0
        visits = chance.uniform(-2, 2, own + 40).tolist()
        truth = [1.5 * x + (-3 if place < own else 1) for place, x in enumerate(visits)]
        labels = [int(chance.random() < sigmoid(logit)) for logit in truth]
        rows = [row(web_month=x) for x in visits]
        model.learn_all(rows, [days(tick)] * len(rows), labels, [1.0] * len(rows), own=own)
    data = model.data()
    assert data.own == data.evidence == OwnExamples(400, 49)
    scorer = Scorer(data)
    found = [scorer.score(row(web_month=x), days(60)) for x in (-2.0, 0.0, 2.0)]
    assert [one.logit for one in found] == pytest.approx([-6.0, -3.0, 0.0], abs=0.6)


def test_who_borrows_nothing_takes_every_example_for_its_own() -> None:
    rows = [(values, label) for values, label in drawn(60)]
    whole, part = OnlineModel(NOTHING), OnlineModel(NOTHING)
    for model, own in ((whole, None), (part, 60)):
        model.learn_all(
            [values for values, _ in rows],
            [days(0)] * 60,
            [label for _, label in rows],
            [1.0] * 60,
            own=own,
        )
    assert whole.data() == part.data()
    assert whole.data().own is None


def test_the_scatter_is_what_the_learner_was_told() -> None:
    assert (
        OnlineModel(NOTHING).data(between_customer_variance=0.25).between_customer_variance == 0.25
    )


def test_who_forgets_is_told_so() -> None:
    rows = [(row(web_month=float(n % 2)), n % 2) for n in range(400)]
    turned = [(row(web_month=float(n % 2)), 1 - n % 2) for n in range(200)]
    steady, forgetful = OnlineModel(NOTHING), OnlineModel(NOTHING, forgetting=1e-2)
    for learner in (steady, forgetful):
        for number, (values, label) in enumerate(rows + turned):
            learner.learn(values, days(number % 3), label, 1.0)
    ups = [
        Scorer(one.data()).score(row(web_month=1.0), days(0)).logit for one in (steady, forgetful)
    ]
    assert ups[0] > ups[1]


def test_what_was_learnt_holds_though_everybody_spreads_out() -> None:
    """A population ages: a deviation of today is five of the first ones, the law is the same."""
    chance = np.random.default_rng(4)
    learner = OnlineModel(NOTHING)
    for day in range(120):
        emitted = chance.uniform(0.0, 0.5 + day / 30, size=40)
        labels = (chance.random(40) < 1 / (1 + np.exp(3 - 2 * emitted))).astype(int).tolist()
        rows = [row(web_month=float(value)) for value in emitted]
        learner.learn_all(rows, [days(day)] * 40, labels, [1.0] * 40)
    scorer = Scorer(learner.data())
    for value in (0.0, 1.0, 2.0, 4.0):
        predictions = scorer.score(row(web_month=value), days(120))
        assert predictions.logit == pytest.approx(2 * value - 3, abs=0.5)
