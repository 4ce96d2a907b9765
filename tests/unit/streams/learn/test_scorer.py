from math import log, log1p, nan, pi, sqrt

import msgspec
import numpy as np
import pytest

from tests.make import days, knowing, model
from touchstream.schemas.rules import Rules, TargetRules
from touchstream.schemas.units import Millis
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.arrays import pack, pack_symmetric
from touchstream.streams.learn.basis import GAP_LAST, NAMES
from touchstream.streams.learn.calibration import Calibration
from touchstream.streams.learn.models.bayes import BayesData
from touchstream.streams.learn.models.estimator import Prediction
from touchstream.streams.learn.models.registry import MODELS
from touchstream.streams.learn.numbers import sigmoid
from touchstream.streams.learn.online import OnlineModel
from touchstream.streams.learn.scorer import (
    Scorer,
    compile_version,
    population,
    segment_of,
    segment_rate,
)
from touchstream.streams.learn.seen import Population
from touchstream.streams.learn.snapshot import SEGMENTS, ModelData, empty
from touchstream.streams.learn.standard import Standard, StandardData

ROW = {**dict.fromkeys(FEATURES.names, 1.0), "silence_days": log1p(20)}
LINE = model(intercept=-1.0, silence_days=0.5, web_month=-2.0)
"""Log-odds = -1 + silence / 2 - 2 web."""


def row(**changed: float) -> list[float]:
    return [{**ROW, **changed}[name] for name in FEATURES.names]


def added(knows: ModelData, **changed: float) -> dict[str, float]:
    """Contributions that are not 0, by feature."""
    found = Scorer(knows).contributions(row(**changed), days(0))
    return {name: one for name, one in zip(FEATURES.names, found, strict=True) if one}


def surely(knows: ModelData, deviation: float) -> ModelData:
    """The same with this standard deviation of the intercept."""
    estimator = knows.estimator
    assert isinstance(estimator, BayesData)
    covariance = np.zeros((len(NAMES), len(NAMES)))
    covariance[0, 0] = deviation**2
    return msgspec.structs.replace(
        knows, estimator=BayesData(estimator.mean, pack_symmetric(covariance))
    )


def trained(n: int, name: str = "bayes") -> ModelData:
    """Customers of whom the silent leave."""
    chance = np.random.default_rng(1)
    learner = OnlineModel(empty(FEATURES.digest, 28, name))
    for number in range(n):
        silence = float(chance.uniform(0, 6))
        values = row(
            silence_days=silence,
            web_month=float(chance.normal(2, 1)),
            gap_usual=float(chance.normal(2, 1)),
            gap_last=float(chance.normal(2, 1)),
            survey_score=nan if number % 3 else float(chance.random()),
        )
        learner.learn(values, days(number % 400), int(chance.random() < silence / 6), 1.0)
    return learner.data()


def test_a_contribution_is_weight_times_deviations_from_the_mean() -> None:
    assert added(LINE, silence_days=2.0, web_month=3.0) == {"silence_days": 1.0, "web_month": -6.0}


def test_the_risk_is_the_sigmoid_of_intercept_and_contributions() -> None:
    score = Scorer(LINE).score(row(silence_days=2.0, web_month=3.0), days(0))
    assert score.risk == round(sigmoid(-1.0 + 1.0 - 6.0), 6)


def test_a_missing_value_adds_nothing() -> None:
    assert added(LINE, silence_days=nan, web_month=3.0) == {"web_month": -6.0}


def test_a_feature_that_never_varied_adds_nothing() -> None:
    standard = LINE.standard
    squares = np.frombuffer(standard.squares).copy()
    squares[NAMES.index("web_month")] = 0.0
    flat = msgspec.structs.replace(
        LINE, standard=StandardData(standard.counts, standard.means, pack(squares))
    )
    assert added(flat, silence_days=2.0, web_month=99.0) == {"silence_days": 1.0}


def test_no_value_counts_for_more_than_five_deviations() -> None:
    assert added(LINE, silence_days=1e4, web_month=-1e4) == {"silence_days": 2.5, "web_month": 10.0}


def test_what_a_derived_column_adds_belongs_to_its_measurements_in_equal_parts() -> None:
    weights = np.zeros(len(NAMES))
    weights[NAMES.index("silence_by_count")] = 0.1
    knows = msgspec.structs.replace(
        LINE, estimator=BayesData(pack(weights), pack_symmetric(np.zeros((len(NAMES),) * 2)))
    )
    found = added(knows, silence_days=2.0, activity_count=2.0)
    assert found == pytest.approx({"silence_days": 0.2, "activity_count": 0.2})


def test_a_line_over_ln_odds_stretches_reasons_too() -> None:
    bent = msgspec.structs.replace(LINE, calibration=Calibration(intercept=9.0, slope=0.5))
    assert added(bent, silence_days=2.0, web_month=3.0) == {"silence_days": 0.5, "web_month": -3.0}


@pytest.mark.parametrize("name", ["bayes", "logistic"])
def test_contributions_and_what_is_nobodys_make_the_ln_odds(name: str) -> None:
    knows = trained(600, name)
    scorer, values = Scorer(knows), row(silence_days=3.3, web_month=0.1, survey_score=nan)
    columns, (z,) = scorer._columns([values], [days(3)])
    nobodys = [
        n for n, column in enumerate(NAMES) if column.partition("_")[0] in {"week", "day", "year"}
    ]
    nobodys = [0, *(n for n in nobodys if NAMES[n] != "week_slope")]
    line = knows.calibration
    rest = line.intercept + line.slope * float(
        scorer._estimator.weigh(columns[0], z)[nobodys].sum()
    )
    assert len(nobodys) == 7
    assert scorer._estimator.predict(columns[0], z).logit != 0
    assert sum(scorer.contributions(values, days(3))) + rest == pytest.approx(
        scorer.score(values, days(3)).logit, rel=1e-9
    )


def test_the_silent_are_at_higher_risk_where_the_silent_left() -> None:
    scorer = Scorer(trained(600))
    risks = [scorer.score(row(silence_days=at), days(3)).risk for at in (0.5, 3.0, 5.5)]
    assert risks == sorted(risks)
    assert risks[0] < 0.3
    assert risks[-1] > 0.7


def test_a_vector_of_another_width_is_refused() -> None:
    for values in (row()[:-1], [*row(), 1.0], [1.0, 2.0]):
        with pytest.raises((IndexError, ValueError)):
            Scorer(LINE).score(values, days(0))


def test_an_uncertain_word_is_drawn_to_one_half() -> None:
    sure, unsure = (
        Scorer(surely(LINE, deviation)).score(row(web_month=0.0), days(0)).risk
        for deviation in (0.0, 2.0)
    )
    assert sure > unsure > 0.5


def test_an_interval_holds_ninety_percent_of_a_normal() -> None:
    score = Scorer(surely(LINE, 0.5)).score(row(silence_days=2.0, web_month=0.0), days(0))
    assert score.variance == pytest.approx(0.25)
    assert score.interval() == pytest.approx(
        (sigmoid(score.logit - 1.645 * 0.5), sigmoid(score.logit + 1.645 * 0.5)), abs=1e-4
    )


def test_customers_own_scatter_widens_the_interval_and_leaves_the_risk() -> None:
    plain = Scorer(surely(LINE, 0.3)).score(row(), days(0))
    scattered = Scorer(
        msgspec.structs.replace(surely(LINE, 0.3), between_customer_variance=0.16)
    ).score(row(), days(0))
    assert (scattered.risk, scattered.logit) == (plain.risk, plain.logit)
    centre = plain.logit * sqrt(1 + pi / 8 * 0.16)
    assert scattered.interval() == pytest.approx(
        (sigmoid(centre - 1.645 * 0.5), sigmoid(centre + 1.645 * 0.5)), abs=1e-4
    )


def test_only_what_examples_would_narrow_is_doubt() -> None:
    knows = msgspec.structs.replace(surely(LINE, 0.3), between_customer_variance=0.16)
    score = Scorer(knows).score(row(), days(0))
    assert score.doubt() == pytest.approx(
        sigmoid(score.logit + 1.645 * 0.3) - sigmoid(score.logit - 1.645 * 0.3), abs=1e-4
    )


def test_the_risk_lies_within_its_interval_and_evidence_narrows_it() -> None:
    widths = []
    for n in (250, 1_000, 4_000):
        score = Scorer(trained(n)).score(row(silence_days=4.0), days(3))
        low, high = score.interval()
        assert low < score.risk < high
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


def test_who_knows_nothing_says_one_half() -> None:
    score = Scorer(empty("f", 3)).score(row(), days(0))
    assert (score.risk, score.logit) == (0.5, 0.0)


COLD = msgspec.structs.replace(
    empty(FEATURES.digest, 28),
    examples=100,
    churned=33,
    segment_n=(40, *(0,) * (SEGMENTS - 2), 60),
    segment_churned=(30, *(0,) * (SEGMENTS - 2), 3),
)
UNSEEN = {"subscription_running": nan, "gap_usual": nan, "spend_minor": nan}


def test_at_first_the_rate_of_the_segment_is_said_with_ten_imagined_of_all() -> None:
    score = Scorer(COLD).score(row(**UNSEEN), days(0))
    overall = 34 / 102
    rate = (30 + 10 * overall) / 50
    assert score.risk == round(rate, 6)
    assert score.logit == pytest.approx(log(rate / (1 - rate)))
    assert score.variance == pytest.approx(1 / (rate * (1 - rate) * 50))


def test_a_segment_that_nobody_was_seen_in_is_the_rate_of_all() -> None:
    score = Scorer(COLD).score(row(**{**UNSEEN, "gap_usual": 1.0}), days(0))
    assert score.risk == round(34 / 102, 6)


def test_at_first_nothing_speaks_for_or_against() -> None:
    assert Scorer(COLD).contributions(row(), days(0)) == [0.0] * len(FEATURES.names)


def test_a_segment_of_many_is_surer_of_its_rate() -> None:
    many, none = (
        Scorer(COLD).score(row(**{**UNSEEN, "gap_usual": gap}), days(0)).variance
        for gap in (nan, 1.0)
    )
    assert many < none


@pytest.mark.parametrize(("examples", "cold"), [(199, True), (200, False)])
def test_from_two_hundred_examples_on_the_model_speaks(examples: int, cold: bool) -> None:
    knows = model(intercept=3.0, examples=examples)
    assert (Scorer(knows).score(row(), days(0)).risk < 0.9) is cold


@pytest.mark.parametrize(
    ("changed", "segment"),
    [
        (UNSEEN, 0),
        ({**UNSEEN, "spend_minor": 1.0}, 1),
        ({**UNSEEN, "gap_usual": 1.0}, 2),
        ({**UNSEEN, "spend_minor": 1.0, "gap_usual": 1.0}, 3),
        ({**UNSEEN, "subscription_running": 1.0}, 4),
        ({**UNSEEN, "subscription_running": 0.0}, 8),
        ({"subscription_running": 0.0}, 11),
    ],
)
def test_a_segment_says_if_the_customer_subscribed_came_back_and_ordered(
    changed: dict[str, float], segment: int
) -> None:
    assert segment_of(row(**changed)) == segment


def test_every_segment_has_a_rate_between_none_and_all() -> None:
    for segment in range(SEGMENTS):
        rate, n = segment_rate(COLD, segment)
        assert 0 < rate < 1
        assert n >= 10


def gaps(count: int) -> Standard:
    counts, means, squares = (np.zeros(len(NAMES)) for _ in range(3))
    counts[GAP_LAST], means[GAP_LAST], squares[GAP_LAST] = count, 2.5, 0.25 * count
    return Standard(StandardData(pack(counts), pack(means), pack(squares)))


def test_the_rhythm_of_all_is_believed_from_thirty_gaps_on() -> None:
    assert population(gaps(29), days(0)) == Population(since_ms=days(0))
    assert population(gaps(30), days(0)) == Population(2.5, 0.5, days(0))


def test_a_target_that_a_version_lacks_knows_nothing_yet() -> None:
    repeat = TargetRules(name="repeat", after=("call.ended",), events=("call.ended",))
    scorers = compile_version(knowing(LINE), Rules(targets=(repeat,)), FEATURES.digest)
    assert sorted(scorers) == ["churn", "repeat", "return"]
    assert scorers["churn"].model == LINE
    assert scorers["repeat"].model == empty(FEATURES.digest, 1.0)
    assert scorers["return"].model == empty(FEATURES.digest, 28.0)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_any_model_can_be_served(name: str) -> None:
    scorer = Scorer(trained(250, name))
    score = scorer.score(row(), days(1))
    assert 0 < score.risk < 1
    assert len(scorer.contributions(row(), days(1))) == len(FEATURES.names)


def test_the_same_row_in_another_season_may_be_another_risk() -> None:
    weights = np.zeros(len(NAMES))
    weights[NAMES.index("day_sine")] = 1.0
    knows = msgspec.structs.replace(
        LINE, estimator=BayesData(pack(weights), pack_symmetric(np.zeros((len(NAMES),) * 2)))
    )
    noon, morning = (Scorer(knows).score(row(), days(0, hours)).logit for hours in (12, 6))
    assert (noon, morning) == pytest.approx((0.0, 1.0), abs=1e-6)


def test_a_score_is_worked_out_as_its_parts_say() -> None:
    knows = msgspec.structs.replace(surely(LINE, 0.4), calibration=Calibration(0.2, 0.5))
    score = Scorer(knows).score(row(silence_days=2.0, web_month=1.0), Millis(0))
    predictions = Prediction(0.2 + 0.5 * (-1 + 1 - 2), 0.25 * 0.16)
    assert score.risk == round(predictions.probability, 6)
    assert score.variance == pytest.approx(0.04)
