"""Laws of learning and deciding: exact resumption, River's own numbers, and sound probabilities."""

import base64
from math import exp, nan

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import linear_model, optim, preprocessing
from sklearn import metrics

from schemas.examples import Example
from schemas.rules import Band, BandRules, DecidingRules, LearningRules, Rules
from streams.decide.bands import ORDER, next_band
from streams.decide.chance import draw, pick
from streams.decide.policy import DO_NOTHING, Situation, choose
from streams.features.catalogue import FEATURES
from streams.learn.knowledge import Knowledge
from streams.learn.learner import pass_tick
from streams.learn.numbers import CERTAIN, logit, sigmoid
from streams.learn.online import OnlineLogistic
from streams.learn.progress import BINS, Measures, Tally
from streams.learn.scorer import Scorer
from streams.learn.snapshot import ModelData, SnapshotError, empty, seal, unseal
from tests.make import SILENCE_KILLS, WIDTH, days
from tests.strategies import (
    BANDS,
    FEATURE_VECTORS,
    FINITE,
    LABELLED,
    NAMES,
    PROBABILITIES,
    SITUATIONS,
)

Labelled = list[tuple[list[float | None], int]]
RULES = LearningRules(rate=0.05, l2=0.001)
LOTS = st.floats(0.0, 1.0, exclude_max=True)
RANKED = st.lists(
    st.tuples(st.integers(0, BINS - 1), st.integers(0, 1)), min_size=2, max_size=60
).filter(lambda told: len({label for _, label in told}) == 2)
"""(bin of the score, label), with both labels in it."""


def learnt(examples: Labelled, before: ModelData) -> ModelData:
    model = OnlineLogistic(FEATURES.names, RULES, before)
    for values, label in examples:
        model.learn([nan if value is None else value for value in values], label)
    return model.data()


@given(LABELLED, LABELLED)
def test_learning_goes_on_from_data_exactly_where_it_stopped(
    some: Labelled, more: Labelled
) -> None:
    start = empty(FEATURES.digest, WIDTH)
    whole = learnt([*some, *more], start)
    resumed = learnt(more, unseal(seal(learnt(some, start))))
    assert seal(resumed) == seal(whole)


@given(LABELLED)
def test_the_scorer_says_what_rivers_own_pipeline_says(examples: Labelled) -> None:
    river = preprocessing.StandardScaler() | linear_model.LogisticRegression(
        optimizer=optim.SGD(RULES.rate), intercept_lr=RULES.rate, l2=RULES.l2
    )
    for values, label in examples:  # too few for any value to lie 5 deviations off
        river.learn_one(present(values), bool(label))
    data = learnt(examples, empty(FEATURES.digest, WIDTH))
    scorer = Scorer(data)
    for values, _ in examples:
        added = scorer.contributions([nan if value is None else value for value in values])
        expected = river.predict_proba_one(present(values))[True]
        assert sigmoid(data.intercept + sum(added)) == pytest.approx(expected, rel=1e-12)


def present(values: list[float | None]) -> dict[str, float]:
    named = zip(FEATURES.names, values, strict=True)
    return {name: value for name, value in named if value is not None}


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_snapshot_that_was_tampered_with_is_refused(place: int, flip: int) -> None:
    sealed = bytearray(seal(SILENCE_KILLS))
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(SnapshotError):
        unseal(bytes(sealed))


@settings(max_examples=40)
@given(st.lists(FEATURE_VECTORS, min_size=1, max_size=6), st.data())
def test_the_order_in_which_examples_came_does_not_show(
    vectors: list[bytes], data: st.DataObject
) -> None:
    examples = [matured(number, vector) for number, vector in enumerate(vectors)]
    shuffled = data.draw(st.permutations(examples))
    before = Knowledge.new(FEATURES)
    one, other = (
        pass_tick(before, 7, {"p0": 3}, told, Rules(), FEATURES) for told in (examples, shuffled)
    )
    assert msgspec.json.encode(other) == msgspec.json.encode(one)


def matured(number: int, vector: bytes) -> Example:
    return Example(
        shard=f"p{number % 2}",
        sequence=number + 1,
        tick=7,
        customer=f"c{number % 3}",
        at_ms=days(number),
        matured_ms=days(29),
        label=number % 2,
        treated=False,
        probability=0.25,
        model_version=0,
        features=FEATURES.digest,
        vector=base64.b64encode(vector).decode(),
    )


@given(FINITE)
def test_a_sigmoid_is_never_certain(at: float) -> None:
    assert CERTAIN <= sigmoid(at) <= 1 - CERTAIN


@given(st.floats(-13.0, 13.0))
def test_a_sigmoid_is_its_definition_and_undone_by_its_logit(at: float) -> None:
    assert sigmoid(at) == pytest.approx(1 / (1 + exp(-at)), rel=1e-12)
    assert logit(sigmoid(at)) == pytest.approx(at, abs=1e-9)


@given(st.lists(st.tuples(PROBABILITIES, st.integers(0, 1)), min_size=1, max_size=60))
def test_log_loss_and_brier_score_are_those_of_scikit_learn(told: list[tuple[float, int]]) -> None:
    said, labels = [risk for risk, _ in told], [label for _, label in told]
    clipped = [min(1 - CERTAIN, max(CERTAIN, risk)) for risk in said]
    found = measured(told)
    assert found.log_loss == pytest.approx(metrics.log_loss(labels, clipped, labels=[0, 1]))
    squares = [(risk - label) ** 2 for risk, label in told]
    assert found.brier == pytest.approx(sum(squares) / len(told))


@given(RANKED)
def test_auc_and_average_precision_are_those_of_scikit_learn(told: list[tuple[int, int]]) -> None:
    risks, labels = [(place + 0.5) / BINS for place, _ in told], [label for _, label in told]
    found = measured(list(zip(risks, labels, strict=True)))
    stays, safety = [1 - label for label in labels], [1 - risk for risk in risks]
    assert found.roc_auc == pytest.approx(metrics.roc_auc_score(labels, risks))
    assert found.average_precision == pytest.approx(metrics.average_precision_score(labels, risks))
    assert found.average_precision_stays == pytest.approx(
        metrics.average_precision_score(stays, safety)
    )


def measured(told: list[tuple[float, int]]) -> Measures:
    tally = Tally()
    for risk, label in told:
        tally.add(risk, label)
    return tally.measures()


@given(SITUATIONS, st.floats(1e-6, 1.0), st.integers(0, 2**32))
def test_propensities_sum_to_one_and_are_above_zero(
    situation: Situation, epsilon: float, seed: int
) -> None:
    rules = Rules(seed=seed, deciding=DecidingRules(epsilon=epsilon))
    choice = choose(situation, rules)
    assert sum(choice.probabilities.values()) == pytest.approx(1.0, abs=1e-12)
    assert all(0 < probability <= 1 for probability in choice.probabilities.values())
    assert choice.propensity == choice.probabilities[choice.action]


@given(SITUATIONS)
def test_every_action_is_an_arm_or_left_out_and_doing_nothing_is_always_one(
    situation: Situation,
) -> None:
    rules = Rules()
    choice = choose(situation, rules)
    assert choice.values_minor.keys() == choice.probabilities.keys()
    assert DO_NOTHING in choice.probabilities
    named = [*choice.probabilities, *choice.left_out]
    assert sorted(named) == sorted([DO_NOTHING, *(action.name for action in rules.actions)])


@given(SITUATIONS)
def test_without_exploration_the_best_arm_is_chosen(situation: Situation) -> None:
    choice = choose(situation, Rules(deciding=DecidingRules(epsilon=0.0)))
    assert choice.values_minor[choice.action] == max(choice.values_minor.values())
    assert choice.propensity == 1.0


@given(
    st.lists(st.floats(0.01, 1.0), min_size=1, max_size=6), st.floats(0.0, 1.0, exclude_max=True)
)
def test_a_lot_falls_on_the_arm_whose_share_covers_it(weights: list[float], lot: float) -> None:
    shares = {f"a{place}": weight / sum(weights) for place, weight in enumerate(weights)}
    arms = list(shares)
    chosen = arms.index(pick(shares, lot))
    below = sum(shares[arm] for arm in arms[:chosen])
    assert below - 1e-9 <= lot <= below + shares[arms[chosen]] + 1e-9


@given(st.integers(0, 2**64), NAMES, NAMES, NAMES)
def test_a_lot_is_a_share_of_one(seed: int, subject: str, cause: str, purpose: str) -> None:
    assert 0.0 <= draw(seed, subject, cause, purpose) < 1.0


@given(BANDS, PROBABILITIES, PROBABILITIES)
def test_a_higher_risk_never_leads_to_a_lower_band(band: Band, one: float, other: float) -> None:
    low, high = sorted((one, other))
    rules = BandRules()
    assert ORDER.index(next_band(band, low, rules)) <= ORDER.index(next_band(band, high, rules))


@given(BANDS, PROBABILITIES)
def test_a_band_once_entered_is_kept_at_the_same_risk(band: Band, risk: float) -> None:
    entered = next_band(band, risk, BandRules())
    assert next_band(entered, risk, BandRules()) == entered
