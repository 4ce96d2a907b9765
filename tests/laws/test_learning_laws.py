"""Laws of learning and deciding: exact resumption, River's own numbers, and sound probabilities."""

import base64
from collections.abc import Sequence
from math import exp, isfinite, nan

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from tests.make import SILENCE_KILLS, days, knowing
from tests.strategies import (
    BANDS,
    FEATURE_VECTORS,
    FINITE,
    LABELLED,
    NAMES,
    PROBABILITIES,
    SITUATIONS,
)
from touchstream.schemas.examples import Example
from touchstream.schemas.rules import Band, DecidingRules, Rules, Thresholds
from touchstream.schemas.shards import shard_name
from touchstream.streams.decide.bands import ORDER, next_band
from touchstream.streams.decide.chance import draw, pick
from touchstream.streams.decide.policy import DO_NOTHING, Situation, choose
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.basis import NAMES as BASIS
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.streams.learn.learner import pass_tick
from touchstream.streams.learn.models.registry import MODELS
from touchstream.streams.learn.numbers import CERTAIN, logit, sigmoid
from touchstream.streams.learn.online import OnlineModel
from touchstream.streams.learn.progress import BINS, Measures, Tally
from touchstream.streams.learn.scorer import Scorer
from touchstream.streams.learn.snapshot import ModelData, SnapshotError, empty, seal, unseal

Labelled = list[tuple[list[float | None], int]]
RANKED = st.lists(
    st.tuples(st.integers(0, BINS - 1), st.integers(0, 1)), min_size=2, max_size=60
).filter(lambda emitted: len({label for _, label in emitted}) == 2)
"""(bin of the score, label), with both labels in it."""


def learnt(
    examples: Labelled, before: ModelData, between_customer_variance: float = 0.125
) -> ModelData:
    model = OnlineModel(before)
    for number, (values, label) in enumerate(examples):
        at_ms = days(before.examples + number)
        model.learn(row(values), at_ms, label, (1 + number % 3) / 4)
    return model.data(between_customer_variance)


def row(values: Sequence[float | None]) -> list[float]:
    return [nan if value is None else value for value in values]


@settings(max_examples=25)
@given(st.sampled_from(sorted(MODELS)), LABELLED, LABELLED, st.booleans())
def test_learning_goes_on_from_data_exactly_where_it_stopped(
    name: str, some: Labelled, more: Labelled, borrows: bool
) -> None:
    start = empty(FEATURES.digest, 28, name, borrows=borrows)
    stopped = unseal(seal(knowing(learnt(some, start, between_customer_variance=0.0))))
    resumed, whole = OnlineModel(stopped.models["churn"]), OnlineModel(start)
    for number, (values, label) in enumerate([*some, *more]):
        weight = (1 + number % 3) / 4
        whole.learn(row(values), days(number), label, weight)
        if number >= len(some):
            resumed.learn(row(values), days(number), label, weight)
    assert seal(knowing(resumed.data())) == seal(knowing(whole.data()))


@settings(max_examples=25)
@given(st.sampled_from(sorted(MODELS)), LABELLED, st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_a_score_is_the_same_to_the_last_bit_whatever_is_scored_beside_it(
    name: str, examples: Labelled, cut: int, seed: int
) -> None:
    data = learnt(examples, empty(FEATURES.digest, 28, name))
    scorer = Scorer(msgspec.structs.replace(data, examples=1_000))  # not cold any more
    chance = np.random.default_rng(seed)
    drawn = chance.normal(1.0, 2.0, (41, len(FEATURES.names)))
    rows = np.where(chance.random(drawn.shape) < 0.2, nan, drawn).tolist()
    moments = [days(number) for number in range(41)]
    whole = scorer.score_all(rows, moments)
    parts = [
        *scorer.score_all(rows[:cut], moments[:cut]),
        *scorer.score_all(rows[cut:], moments[cut:]),
    ]
    alone = [scorer.score(values, at_ms) for values, at_ms in zip(rows, moments, strict=True)]
    assert whole == parts == alone


@settings(max_examples=25)
@given(st.sampled_from(sorted(MODELS)), LABELLED, st.booleans())
def test_a_worker_says_the_same_of_what_was_published(
    name: str, examples: Labelled, borrows: bool
) -> None:
    data = learnt(examples, empty(FEATURES.digest, 28, name, borrows=borrows))
    data = msgspec.structs.replace(data, examples=1_000)  # not cold any more
    here, there = Scorer(data), Scorer(unseal(seal(knowing(data))).models["churn"])
    for values, _ in examples:
        assert there.score(row(values), days(0)) == here.score(row(values), days(0))


@settings(max_examples=25)
@given(st.sampled_from(sorted(MODELS)), LABELLED)
def test_whatever_was_learnt_a_score_is_a_probability_within_its_interval(
    name: str, examples: Labelled
) -> None:
    data = learnt(examples, empty(FEATURES.digest, 28, name))
    for knows in (data, msgspec.structs.replace(data, examples=1_000)):
        scorer = Scorer(knows)
        for values, _ in examples:
            score = scorer.score(row(values), days(0))
            low, high = score.interval()
            assert 0 < score.risk < 1
            assert 0 <= low <= high <= 1
            assert (
                low - 1e-6 <= sigmoid(score.logit) <= high + 1e-6 or score.between_customer_variance
            )
            assert all(map(isfinite, scorer.contributions(row(values), days(0))))


@settings(max_examples=25)
@given(LABELLED, st.booleans())
def test_contributions_and_the_average_make_the_ln_odds(examples: Labelled, borrows: bool) -> None:
    data = learnt(examples, empty(FEATURES.digest, 28, borrows=borrows))
    data = msgspec.structs.replace(data, examples=1_000)
    scorer = Scorer(data)
    seasons = [*range(len(BASIS) - 6, len(BASIS))]
    for values, _ in examples:
        (columns,), (z,) = scorer._columns([row(values)], [days(0)])
        nobodys = float(scorer._estimator.weigh(columns, z)[[0, *seasons]].sum())
        line = data.calibration
        whole = line.intercept + line.slope * nobodys
        whole += sum(scorer.contributions(row(values), days(0)))
        assert whole == pytest.approx(scorer.score(row(values), days(0)).logit, abs=1e-9)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_snapshot_that_was_tampered_with_is_refused(place: int, flip: int) -> None:
    sealed = bytearray(seal(knowing(SILENCE_KILLS)))
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
    before = Knowledge.new(FEATURES, Rules())
    one, other = (
        pass_tick(before, 7, {"p0": 3}, emitted, Rules(), FEATURES)
        for emitted in (examples, shuffled)
    )
    assert msgspec.json.encode(other) == msgspec.json.encode(one)


def matured(number: int, vector: bytes) -> Example:
    return Example(
        shard=shard_name(number % 2),
        sequence=number + 1,
        tick=7,
        customer=f"c{number % 3}",
        target="return" if number % 4 == 3 else "churn",
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
def test_log_loss_and_brier_score_are_those_of_scikit_learn(
    emitted: list[tuple[float, int]],
) -> None:
    predictions, labels = [risk for risk, _ in emitted], [label for _, label in emitted]
    clipped = [min(1 - CERTAIN, max(CERTAIN, risk)) for risk in predictions]
    found = measured(emitted)
    assert found.log_loss == pytest.approx(metrics.log_loss(labels, clipped, labels=[0, 1]))
    squares = [(risk - label) ** 2 for risk, label in emitted]
    assert found.brier == pytest.approx(sum(squares) / len(emitted))


@given(RANKED)
def test_auc_and_average_precision_are_those_of_scikit_learn(
    emitted: list[tuple[int, int]],
) -> None:
    risks, labels = [(place + 0.5) / BINS for place, _ in emitted], [label for _, label in emitted]
    found = measured(list(zip(risks, labels, strict=True)))
    stays, safety = [1 - label for label in labels], [1 - risk for risk in risks]
    assert found.roc_auc == pytest.approx(metrics.roc_auc_score(labels, risks))
    assert found.average_precision == pytest.approx(metrics.average_precision_score(labels, risks))
    assert found.average_precision_stays == pytest.approx(
        metrics.average_precision_score(stays, safety)
    )


def measured(emitted: list[tuple[float, int]]) -> Measures:
    tally = Tally()
    for risk, label in emitted:
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
    rules = Thresholds()
    assert ORDER.index(next_band(band, low, rules)) <= ORDER.index(next_band(band, high, rules))


@given(BANDS, PROBABILITIES)
def test_a_band_once_entered_is_kept_at_the_same_risk(band: Band, risk: float) -> None:
    entered = next_band(band, risk, Thresholds())
    assert next_band(entered, risk, Thresholds()) == entered
