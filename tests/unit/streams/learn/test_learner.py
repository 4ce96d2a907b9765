import base64
import struct
from math import log1p, nan

import msgspec

from schemas.examples import Example
from schemas.rules import LearningRules, Rules
from streams.features.catalogue import FEATURES, SILENCE
from streams.learn.knowledge import Knowledge
from streams.learn.learner import Passed, pass_tick
from streams.learn.snapshot import unseal
from tests.make import WIDTH, days

EVERY_TICK = Rules()
EVERY_THIRD = Rules(learning=LearningRules(publish_every_ticks=3))


def example(customer: str = "c1", label: int = 1, **changed: object) -> Example:
    """Whoever was silent for ten days at d0."""
    values = [nan] * WIDTH
    values[SILENCE] = log1p(10)
    made = Example(
        shard="p0",
        sequence=1,
        tick=30,
        customer=customer,
        at_ms=days(0),
        matured_ms=days(29),
        label=label,
        treated=False,
        probability=0.25,
        model_version=3,
        features=FEATURES.digest,
        vector=base64.b64encode(struct.pack(f"<{WIDTH}e", *values)).decode(),
    )
    return msgspec.structs.replace(made, **changed)


def passing(
    number: int, *examples: Example, rules: Rules = EVERY_TICK, before: Knowledge | None = None
) -> Passed:
    return pass_tick(
        before or Knowledge.new(FEATURES), number, {"p0": 7}, examples, rules, FEATURES
    )


def test_a_tick_is_passed_with_what_every_shard_had_sent() -> None:
    knowledge = passing(30).knowledge
    assert (knowledge.tick, knowledge.passed) == (30, {"p0": 7})


def test_what_was_known_before_is_left_as_it_was() -> None:
    before = Knowledge.new(FEATURES)
    passing(30, example(), before=before)
    assert before == Knowledge.new(FEATURES)


def test_a_version_is_published_with_all_that_was_learnt() -> None:
    passed = passing(30, example(), example("c2", label=0))
    assert passed.published is not None
    assert passed.knowledge.version == 1
    assert unseal(passed.published) == passed.knowledge.model
    assert (passed.knowledge.model.examples, passed.knowledge.model.churned) == (2, 1)


def test_without_a_new_example_there_is_no_new_version() -> None:
    learnt = passing(30, example()).knowledge
    again = passing(31, before=learnt)
    assert (again.knowledge.version, again.published) == (1, None)


def test_versions_are_due_every_so_many_ticks() -> None:
    early = passing(31, example(), rules=EVERY_THIRD)
    assert early.published is None
    due = passing(33, rules=EVERY_THIRD, before=early.knowledge)
    assert due.published is not None


def test_an_example_of_another_feature_list_is_counted_and_not_learnt() -> None:
    passed = passing(30, example(features="old", vector="AAA="))
    assert (passed.knowledge.refused, passed.knowledge.model.examples) == (1, 0)
    assert passed.published is None


def test_the_treated_are_counted() -> None:
    assert passing(30, example(treated=True), example("c2")).knowledge.treated == 1


def test_the_model_is_judged_by_what_it_said_when_it_scored() -> None:
    knowledge = passing(30, example(probability=0.25, label=1)).knowledge
    assert knowledge.model_tally.measures().brier == 0.75**2


def test_before_the_first_version_nobody_is_judged_but_all_learn() -> None:
    knowledge = passing(30, example(model_version=0)).knowledge
    tallies = (knowledge.model_tally, knowledge.base_rate_tally, knowledge.recency_tally)
    assert [tally.n for tally in tallies] == [0, 0, 0]
    assert (knowledge.baselines.n, knowledge.model.examples) == (1, 1)


def test_the_baselines_are_judged_before_they_learn() -> None:
    knowledge = passing(30, example(label=1), example("c2", label=1)).knowledge
    assert knowledge.base_rate_tally.brier == (1 - 1 / 2) ** 2 + (1 - 2 / 3) ** 2
    assert knowledge.recency_tally.measures().n == 2
    assert knowledge.baselines.churned == 2


def test_knowledge_is_data_and_read_back_exactly() -> None:
    knowledge = passing(30, example(), example("c2", label=0)).knowledge
    assert msgspec.json.decode(msgspec.json.encode(knowledge), type=Knowledge) == knowledge
