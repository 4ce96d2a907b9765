import numpy as np
import pytest
from river import linear_model, optim

from touchstream.streams.learn.models.logistic import RATE, OnlineLogisticRegression
from touchstream.streams.learn.standard import Move


def test_it_says_what_rivers_own_regression_says() -> None:
    chance, model = np.random.default_rng(1), OnlineLogisticRegression()
    model.widen(["one", "two"])
    river = linear_model.LogisticRegression(optimizer=optim.SGD(RATE), intercept_lr=0.0, l2=0.0)
    for _ in range(200):
        z = np.array([1.0, *chance.normal(size=2)])
        named = dict(enumerate(z.tolist()))
        predictions = model.predict(z, z).probability
        assert predictions == pytest.approx(river.predict_proba_one(named)[True], rel=1e-12)
        label = int(chance.random() < 0.3)
        model.learn(z, z, label, 1.0)
        river.learn_one(named, bool(label))


def test_a_weight_goes_against_the_gradient_of_the_log_loss() -> None:
    model = OnlineLogisticRegression(rate=0.1)
    model.widen(["one"])
    z = np.array([1.0, -2.0])
    model.learn(z, z, 1, 0.5)
    assert model._weights == pytest.approx(0.1 * 0.5 * (1 - 0.5) * z)


def test_steps_are_counted() -> None:
    model = OnlineLogisticRegression()
    for _ in range(3):
        model.learn(np.array([1.0]), np.array([1.0]), 1, 1.0)
    assert model.data().steps == 3


def test_a_contribution_is_weight_times_standardised_value() -> None:
    model = OnlineLogisticRegression(rate=1.0)
    model.widen(["one"])
    model.learn(np.array([1.0, 1.0]), np.array([1.0, 1.0]), 1, 1.0)
    assert model.weigh(np.ones(2), np.array([1.0, 3.0])).tolist() == [0.5, 1.5]


def test_a_weight_is_put_into_the_new_deviations() -> None:
    model = OnlineLogisticRegression(rate=1.0)
    model.widen(["one"])
    model.learn(np.array([1.0, 2.0]), np.array([1.0, 2.0]), 1, 1.0)
    before, after = np.array([1.0, 1.3]), np.array([1.0, 0.1])  # 1.3 = 3 x 0.1 + 1
    predictions = model.predict(before, before)
    model.move(Move(np.array([1.0, 3.0]), np.array([0.0, 1.0])))
    assert model.predict(after, after).logit == pytest.approx(predictions.logit)
