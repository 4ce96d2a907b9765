"""The learner's knowledge without a customer equals one in which they never matured."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import msgspec
import pytest

from tests.agents.resharded import to
from tests.make import QUICK, days, event, record
from touchstream.agents.active_config import LEARNER
from touchstream.agents.checkpoint import POSITION, About, Checkpoint, Position
from touchstream.agents.fatal import Refusal
from touchstream.agents.held_examples import without_forgotten
from touchstream.agents.rebuilding import Rebuilt, Stretch, rebuild
from touchstream.agents.stores.base import Fence
from touchstream.schemas.examples import Example, TickCompleted, decode_example
from touchstream.schemas.rules import LearningRules, Rules
from touchstream.schemas.shards import shard_names
from touchstream.schemas.topics import EXAMPLES_TOPIC
from touchstream.streams.emit.identity import pseudonym
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.streams.learn.learner import pass_tick, version_of
from touchstream.streams.learn.snapshot import CHURN, digest, unseal
from touchstream.streams.local import LocalStream
from touchstream.streams.records import Record

CUSTOMERS = ("ada", "bob", "cyd", "dan", "eve", "fay", "gus")
LAST_DAY = 30
PARTITIONS = 2
MOVE_DAY, AFTER_MOVE = 17, 5
"""The tick before that day has its number, because the first one was on day 0."""
ADA, BOB = (pseudonym(name, QUICK.seed) for name in ("ada", "bob"))
TELLING = msgspec.structs.replace(
    QUICK, learning=LearningRules(challenger="logistic", minimum_examples=3)
)
SILENT = msgspec.structs.replace(
    QUICK, learning=LearningRules(challenger="logistic", publish_every_ticks=100_000)
)
"""Nothing is ever published, so what is said of anybody has nothing of bob in it."""


class Written(NamedTuple):
    """A record of the examples topic."""

    offset: int
    value: bytes


class Lived(NamedTuple):
    """The result of a log."""

    stream: LocalStream
    topic: Sequence[Written]
    checkpoint: Checkpoint
    earlier: Sequence[Sequence[Written]] = ()
    """The topic from before the move."""
    examples_after: int = 0


def test_only_the_numbers_of_versions_show_that_the_customer_was_ever_there() -> None:
    never = _lived(SILENT, without="bob").checkpoint.knowledge
    assert _plain(_rebuilt(_lived(SILENT), BOB).checkpoint.knowledge) == _plain(never)
    assert never.churn.model.examples > 50


def test_where_versions_were_served_it_is_what_the_others_examples_teach() -> None:
    lived = _lived(TELLING)
    knowledge = Knowledge.new(FEATURES, TELLING)
    for number in range(1, LAST_DAY + 2):
        others = [e for e in lived.stream.examples if e.tick == number and e.customer != BOB]
        knowledge = pass_tick(knowledge, number, {}, others, TELLING, FEATURES).knowledge
    rebuilt = _rebuilt(lived, BOB).checkpoint.knowledge
    assert rebuilt.targets == knowledge.targets
    assert rebuilt.churn.model != lived.checkpoint.knowledge.churn.model
    assert rebuilt.churn.model_tally.measures().n > 30


def test_without_a_stranger_everything_is_as_it_was() -> None:
    lived = _lived(TELLING)
    assert _plain(_rebuilt(lived, "nobody").checkpoint.knowledge) == _plain(
        lived.checkpoint.knowledge
    )


def test_records_sent_twice_and_read_by_nobody_yet_change_nothing() -> None:
    lived = _lived(TELLING)
    again = [each for each in lived.topic for _ in range(2)]
    checkpoint = _behind(lived, days_behind=5)
    assert _rebuilt(lived._replace(checkpoint=checkpoint, topic=again), BOB) == _rebuilt(
        lived._replace(checkpoint=checkpoint), BOB
    )
    assert checkpoint.knowledge.examples < lived.checkpoint.knowledge.examples


def test_it_is_the_next_version_and_none_before_it_may_be_served() -> None:
    lived = _lived(TELLING)
    rebuilt = _rebuilt(lived, BOB)
    newest = lived.checkpoint.knowledge.version
    assert (rebuilt.checkpoint.knowledge.version, rebuilt.checkpoint.oldest) == (
        newest + 1,
        newest + 1,
    )
    assert unseal(rebuilt.sealed) == version_of(rebuilt.checkpoint.knowledge)


def test_what_was_left_out_is_counted() -> None:
    lived = _lived(TELLING)
    matured = sum(example.customer == BOB for example in lived.stream.examples)
    assert _rebuilt(lived, BOB, "nobody").left_out == {BOB: matured, "nobody": 0}
    assert matured > 5


def test_who_was_left_out_once_stays_out_the_next_time() -> None:
    lived = _lived(SILENT)
    once = _rebuilt(lived, BOB)
    twice = _rebuilt(lived._replace(checkpoint=once.checkpoint), ADA)
    both = _rebuilt(lived, ADA, BOB)
    assert _plain(twice.checkpoint.knowledge) == _plain(both.checkpoint.knowledge)


def test_earlier_examples_of_the_customer_are_not_learnt_though_they_come_later() -> None:
    lived = _lived(TELLING)
    checkpoint = _rebuilt(lived, BOB, until_tick=20).checkpoint
    left = without_forgotten(lived.stream.examples, checkpoint)
    assert min(example.tick for example in left if example.customer == BOB) == 21
    assert sum(example.customer == ADA for example in left) == sum(
        example.customer == ADA for example in lived.stream.examples
    )


def _of_churn(lived: Lived) -> list[Example]:
    """The examples of the target churn, which the model of return learns as well."""
    return [example for example in lived.stream.examples if example.target == CHURN]


def test_what_a_target_has_forgotten_by_new_settings_stays_forgotten() -> None:
    lived = _lived(SILENT)
    checkpoint = msgspec.structs.replace(lived.checkpoint, began={"churn": 20})
    late = sum(e.tick > 20 and e.customer != BOB for e in _of_churn(lived))
    churn = _rebuilt(lived._replace(checkpoint=checkpoint), BOB).checkpoint.knowledge.churn
    assert churn.model.examples == late


def test_what_an_earlier_meaning_has_labelled_stays_unlearnt() -> None:
    lived = _lived(TELLING)
    checkpoint = msgspec.json.decode(msgspec.json.encode(lived.checkpoint), type=Checkpoint)
    checkpoint.knowledge.churn.label_definition_since_ms = days(9)
    others = [e for e in _of_churn(lived) if e.customer != BOB]
    ours = sum(e.at_ms > days(9) for e in others)
    churn = _rebuilt(lived._replace(checkpoint=checkpoint), BOB).checkpoint.knowledge.churn
    assert churn.model.examples == ours
    assert 0 < ours < len(others)


def test_a_deployment_that_was_resharded_is_rebuilt_from_both_topics() -> None:
    lived = _lived(TELLING)
    moved = _lived(TELLING, moved=True)
    assert _plain(moved.checkpoint.knowledge) == _plain(lived.checkpoint.knowledge)
    without = _rebuilt(moved, BOB)
    assert _plain(without.checkpoint.knowledge) == _plain(_rebuilt(lived, BOB).checkpoint.knowledge)
    assert list(without.checkpoint.knowledge.passed) == shard_names(AFTER_MOVE)


def test_an_earlier_topic_that_was_cut_is_refused() -> None:
    moved = _lived(TELLING, moved=True)
    [before] = moved.earlier
    cut = moved._replace(earlier=[before[1:]])
    with pytest.raises(Refusal, match=f"has learnt {MOVE_DAY}: was the topic .* truncated"):
        _rebuilt(cut, BOB)


def test_the_commit_raises_the_learners_fence_and_says_what_is_there_now() -> None:
    rebuilt = _rebuilt(_lived(TELLING), BOB)
    commit = rebuilt.commit(Fence(12, 7))
    number = rebuilt.checkpoint.knowledge.version
    about = msgspec.json.decode(commit.states[f"about:{number}"] or b"", type=About)
    assert (commit.shard, commit.expected, commit.fence) == (LEARNER, Fence(12, 7), Fence(12, 8))
    assert commit.states[f"version:{number}"] == rebuilt.sealed
    assert commit.states[POSITION] == msgspec.json.encode(Position(LAST_DAY + 1, number))
    assert about.digest == digest(unseal(rebuilt.sealed))


def test_a_topic_that_was_cut_is_refused() -> None:
    lived = _lived(TELLING)
    for topic in (lived.topic[:-1], lived.topic[1:]):
        with pytest.raises(Refusal, match=f"has learnt {LAST_DAY + 1}: was the topic .* truncated"):
            _rebuilt(lived._replace(topic=topic), BOB)


def test_a_topic_that_the_learner_has_not_read_is_refused() -> None:
    lived = _lived(TELLING)
    with pytest.raises(Refusal, match="is this the topic that the learner reads"):
        _rebuilt(lived._replace(topic=_lived(TELLING, without="gus").topic), BOB)


def _rebuilt(lived: Lived, *without: str, until_tick: int = LAST_DAY + 1) -> Rebuilt:
    topic, checkpoint, rules = lived.topic, lived.checkpoint, lived.stream.rules
    earlier = [Stretch(iter(each), shard_names(PARTITIONS), MOVE_DAY) for each in lived.earlier]
    partitions, after = lived.stream.partitions, lived.examples_after
    return rebuild(iter(topic), checkpoint, rules, partitions, without, until_tick, earlier, after)


@cache
def _lived(rules: Rules, without: str = "", *, moved: bool = False) -> Lived:
    """Thirty days of customers who come every one to five days, and some of whom stop.

    ``moved``: to more partitions, and another topic, on one of these days.
    """
    stream, topic = LocalStream(rules, PARTITIONS), list[Written]()
    earlier: list[Sequence[Written]] = []
    after = 0
    for day in range(LAST_DAY + 1):
        if moved and day == MOVE_DAY:
            earlier, topic = [topic], []
            stream = to(AFTER_MOVE)(stream)
            after = stream.shards[0].checkpoint.sequences[EXAMPLES_TOPIC]
        for each in _visits(day, without):
            stream.feed(partition_of(each.key or b"", stream.partitions), [each])
        tick = stream.next_tick(days(day))
        for shard in stream.shards:
            stream.turn(shard, tick)
            values = [entry.event for entry in shard.outbox if entry.topic == EXAMPLES_TOPIC]
            topic += [Written(len(topic) + place, value) for place, value in enumerate(values)]
        stream.learn(tick.number)
    return Lived(stream, topic, _checkpoint(stream, topic), earlier, after)


def _visits(day: int, without: str) -> Iterator[Record]:
    if not day:
        return
    for number, customer in enumerate(CUSTOMERS):
        if customer != without and day % (1 + number % 5) == 0 and (number % 3 or day < 12):
            yield record(event("web.visit", days(day - 1, 12, number), customer))


def _checkpoint(stream: LocalStream, topic: Sequence[Written]) -> Checkpoint:
    """The learner's record, had it read the topic."""
    checkpoint = Checkpoint(knowledge=stream.knowledge.copy())
    for each in topic:
        read = decode_example(each.value)
        if isinstance(read, TickCompleted) and read.tick <= checkpoint.knowledge.tick:
            checkpoint.knowledge.passed[read.shard] = read.sequence
    return checkpoint


def _behind(lived: Lived, days_behind: int) -> Checkpoint:
    """The record of a learner that has some ticks still before it."""
    until = LAST_DAY + 1 - days_behind
    knowledge = Knowledge.new(FEATURES, lived.stream.rules)
    for number in range(1, until + 1):
        examples = [example for example in lived.stream.examples if example.tick == number]
        knowledge = pass_tick(
            knowledge, number, {}, examples, lived.stream.rules, FEATURES
        ).knowledge
    stream = LocalStream(lived.stream.rules)
    stream.knowledge = knowledge
    return _checkpoint(stream, lived.topic)


def _plain(knowledge: Knowledge) -> Knowledge:
    """Without what a rebuilt one cannot have in common with what never was."""
    return msgspec.structs.replace(knowledge, version=0, published_examples=0, passed={})
