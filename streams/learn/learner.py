"""What the one learner knows, and how it passes a tick.

Pure, so that a version is a function of the log.
"""

import base64
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from schemas.examples import Example
from schemas.rules import Rules
from streams.features.feature import FeatureList
from streams.learn.baselines import recency_rank
from streams.learn.knowledge import Knowledge
from streams.learn.online import OnlineLogistic
from streams.learn.snapshot import seal


class Passed(Struct, frozen=True):
    """A tick was learnt."""

    knowledge: Knowledge
    published: bytes | None
    """The sealed model of ``knowledge.version``, when this tick published one."""


def pass_tick(
    before: Knowledge,
    number: int,
    passed: dict[str, int],
    examples: Iterable[Example],
    rules: Rules,
    features: FeatureList,
) -> Passed:
    """Learn one tick's examples; publish a version when one is due.

    They are learnt in the order (matured, customer, scored). That order, and not the order of
    arrival, is what makes the model a function of the log.
    """
    after = msgspec.convert(msgspec.to_builtins(before), Knowledge)
    after.tick, after.passed = number, passed
    batch = sorted(examples, key=lambda e: (e.matured_ms, e.customer, e.at_ms))
    if batch:
        model = OnlineLogistic(features.names, rules.learning, after.model)
        for example in batch:
            _learn(after, model, example, features)
        after.model = model.data()
    due = number % rules.learning.publish_every_ticks == 0
    if not due or after.model.examples == after.published_examples:
        return Passed(after, None)
    after.version += 1
    after.published_examples = after.model.examples
    return Passed(after, seal(after.model))


def _learn(
    knowledge: Knowledge, model: OnlineLogistic, example: Example, features: FeatureList
) -> None:
    if example.features != features.digest:
        knowledge.refused += 1
        return
    values = features.unpack(base64.b64decode(example.vector))
    silence = values[features.names.index("silence_days")]
    label, baselines = example.label, knowledge.baselines
    knowledge.treated += example.treated
    if example.model_version:  # before the first version nobody said anything that could be judged
        knowledge.model_tally.add(example.probability, label)
        knowledge.base_rate_tally.add(baselines.base_rate(), label)
        knowledge.recency_tally.add(baselines.recency(silence), label, recency_rank(silence))
    baselines.learn(silence, label)
    model.learn(values, label)
