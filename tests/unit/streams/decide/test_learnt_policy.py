"""A policy learnt from a log is judged on decisions that it has not learnt from."""

import numpy as np
import pytest

from touchstream.streams.decide.evaluation import rewards
from touchstream.streams.decide.evaluation.evaluate import Evaluation, How, Interval, evaluate
from touchstream.streams.decide.evaluation.learnt import Learnt, NothingLearnt
from touchstream.streams.decide.evaluation.logged import LoggedDecision, columns

ARMS = ("call", "mail", "nothing")


def noise(world: int, n: int = 300) -> list[LoggedDecision]:
    """No context and no arm makes a difference: every policy is worth .3."""
    rng = np.random.default_rng(world)
    return [
        LoggedDecision(
            f"c{number}",
            {f"x{column}": float(rng.normal()) for column in range(8)},
            ARMS[int(rng.integers(3))],
            1 / 3,
            None,
            float(rng.random() < 0.3),
        )
        for number in range(n)
    ]


def planted(world: int, n: int) -> list[LoggedDecision]:
    """Calls are accepted by x = 1 with .8 and others with .2; mails the other way round."""
    rng = np.random.default_rng(world)
    log = []
    for number in range(n):
        x, called = float(rng.random() < 0.5), rng.random() < 0.5
        accepts = 0.8 if called == bool(x) else 0.2
        action, reward = "call" if called else "mail", float(rng.random() < accepts)
        log.append(LoggedDecision(f"c{number}", {"x": x}, action, 0.5, None, reward))
    return log


def fitted_and_judged_on_all(log: list[LoggedDecision]) -> float:
    """SNIPS of the greedy policy where it was fitted: what the split prevents."""
    held = columns(log)
    x = rewards.features(held.contexts, "ridge")
    every = np.ones(len(log), np.bool_)
    expected = rewards.predictions(held, x, [rewards.Split(every, every)])
    would = expected.argmax(axis=1) == held.action
    return float(held.reward[would].mean())


@pytest.mark.parametrize("interval", ["bootstrap", "always-valid"])
def test_from_noise_nothing_is_gained(interval: Interval) -> None:
    how = How(interval, resamples=20)
    logs = [noise(world) for world in range(40)]
    values = [evaluate(log, Learnt(), how).values["snips"].estimate for log in logs]
    standard_error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values) - 0.3) < 3 * standard_error
    assert np.mean([fitted_and_judged_on_all(log) for log in logs]) > 0.4


@pytest.mark.parametrize("interval", ["bootstrap", "always-valid"])
def test_what_depends_on_the_context_is_learnt(interval: Interval) -> None:
    found = evaluate(planted(1, 2_000), Learnt(), How(interval))
    for value in found.values.values():
        assert value.low < 0.8 < value.high
    assert found.gains["snips"].low > 0.2


def judged(interval: Interval, first: float = 0.5) -> Evaluation:
    return evaluate(planted(1, 1_000), Learnt(first), How(interval, resamples=20))


def test_of_an_adaptive_log_the_first_part_only_teaches() -> None:
    assert (judged("always-valid").decisions, judged("always-valid").customers) == (500, 500)
    assert judged("always-valid", first=0.8).decisions == 200
    assert judged("bootstrap").decisions == 1_000


def test_an_arm_that_could_not_be_chosen_is_not_chosen() -> None:
    only_mail = [
        LoggedDecision(f"m{number}", {"x": 1.0}, "mail", 1.0, {"mail": 1.0}, 0.2)
        for number in range(100)
    ]
    found = evaluate([*planted(1, 1_000), *only_mail], Learnt(), How(resamples=20))
    assert found.mean_weight.low < 1.0 < found.mean_weight.high
    assert found.chosen["call"] + found.chosen["mail"] == pytest.approx(1.0)


def test_too_little_to_learn_from_is_refused() -> None:
    with pytest.raises(NothingLearnt, match="want 10 of an action that can be chosen"):
        evaluate(planted(1, 12), Learnt(), How(resamples=20))
