"""Model governance: promotion of the challenger, and fallback to the recency rule.

Both are functions of the matured examples, so a replay promotes at the same tick.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from touchstream.schemas.rules import LearningRules, Target
from touchstream.schemas.units import Millis
from touchstream.streams.learn.basis import NAMES
from touchstream.streams.learn.calibration import Calibration
from touchstream.streams.learn.knowledge import Learnt, new_trial
from touchstream.streams.learn.models.recency import RecencyData
from touchstream.streams.learn.snapshot import ModelData


class Signal(NamedTuple):
    """A notice by the learner about a target's model."""

    name: str
    """``model.promoted``, ``model.fell_back``, ``model.recovered``, ``drift.SERIES``."""
    target: str
    before: str | float
    value: str | float
    at_ms: Millis
    """When the newest label behind it became final."""


def served(learnt: Learnt) -> ModelData:
    """The model to publish: the champion, or the recency rule if it proved better."""
    model = msgspec.structs.replace(learnt.model, bands=learnt.bands)
    if not learnt.fallen_back:
        return model
    rule = RecencyData(learnt.baselines.copy(), NAMES.index("silence_days"))
    return msgspec.structs.replace(model, estimator=rule, calibration=Calibration())


def conclude_trials(
    target: str,
    learnt: Learnt,
    target_rules: Target,
    rules: LearningRules,
    at_ms: Millis,
) -> Iterator[Signal]:
    """Promote, fall back or recover when a trial has a winner; start a new trial."""
    if learnt.trial is not None and learnt.challenger is not None and learnt.challenger_name:
        winner = learnt.trial.winner(rules.alpha)
        if winner is not None:
            # A trial answers one question once.
            learnt.trial = new_trial(target_rules)
        if winner == "second":
            before, after = learnt.name, learnt.challenger_name
            learnt.model, learnt.challenger = learnt.challenger, learnt.model
            learnt.name, learnt.challenger_name = after, before
            # Its evidence was about the former champion.
            learnt.fallback = new_trial(target_rules)
            yield Signal("model.promoted", target, before, after, at_ms)
    winner = learnt.fallback.winner(rules.alpha)
    if winner is None:
        return
    learnt.fallback = new_trial(target_rules)
    if winner == "second" and not learnt.fallen_back:
        learnt.fallen_back = True
        yield Signal("model.fell_back", target, learnt.name, "recency", at_ms)
    elif winner == "first" and learnt.fallen_back:
        learnt.fallen_back = False
        yield Signal("model.recovered", target, "recency", learnt.name, at_ms)
