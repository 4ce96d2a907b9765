"""The learner's knowledge rebuilt from the examples, without some customers.

It reads the topic and learns every tick as the learner does. The result is the knowledge that the
learner would have if these customers' labels had never matured.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from touchstream.agents.active_config import LEARNER, version_states
from touchstream.agents.checkpoint import Checkpoint, position_state
from touchstream.agents.fatal import Refusal
from touchstream.agents.held_examples import HeldExamples, without_forgotten
from touchstream.agents.stores.base import Commit, Fence
from touchstream.schemas.examples import Example, TickCompleted
from touchstream.schemas.rules import Rules
from touchstream.schemas.shards import shard_names
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.streams.learn.learner import pass_tick, version_of
from touchstream.streams.learn.snapshot import CHURN, seal


class Stored(Protocol):
    """A record of the examples topic."""

    @property
    def offset(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...


class Stretch(NamedTuple):
    """The examples of one namespace; a deployment that was resharded has had several."""

    records: Iterable[Stored]
    """The topic from its beginning."""
    shards: Sequence[str]
    tick: int
    """The last tick that is learnt from it."""
    examples_after: int = 0
    """Sequence of every shard's example before its first in this topic."""

    @property
    def passed(self) -> dict[str, int]:
        """The sequences before the first record."""
        return dict.fromkeys(self.shards, self.examples_after) if self.examples_after else {}


class Rebuilt(NamedTuple):
    """A checkpoint from which the learner may resume, and the version it publishes."""

    checkpoint: Checkpoint
    sealed: bytes
    """The version ``checkpoint.knowledge.version``."""
    left_out: Mapping[str, int]
    """Pseudonym -> examples that were learnt before and are not now."""

    def commit(self, expected: Fence) -> Commit:
        """The change of the learner's shard; refused if a learner has moved on meanwhile."""
        states = {
            **position_state(self.checkpoint.knowledge),
            **version_states(self.checkpoint.knowledge, self.sealed),
        }
        fence = expected._replace(commits=expected.commits + 1)
        return Commit(LEARNER, expected, fence, msgspec.json.encode(self.checkpoint), states)


def rebuild(
    records: Iterable[Stored],
    checkpoint: Checkpoint,
    rules: Rules,
    partitions: int,
    without: Collection[str],
    until_tick: int,
    earlier: Sequence[Stretch] = (),
    examples_after: int = 0,
) -> Rebuilt:
    """Learn again the ticks of ``checkpoint``, without the customers with these pseudonyms.

    Parameters
    ----------
    records
        The examples topic from its beginning; read only as far as needed.
    until_tick
        Examples of these customers up to this tick are never learnt, even if they are sent later.
    earlier
        The examples of the namespaces from which this one was copied, the oldest first;
        ``examples_after`` is the sequence of every shard of this one before its first example.

    Raises
    ------
    Refusal
        The topic does not hold everything that was learnt.
    """
    forgotten = {**checkpoint.forgotten, **dict.fromkeys(without, until_tick)}
    after = msgspec.structs.replace(
        checkpoint, forgotten=forgotten, oldest=checkpoint.knowledge.version + 1, milestones=[]
    )
    last = Stretch(records, shard_names(partitions), checkpoint.knowledge.tick, examples_after)
    knowledge, passed = Knowledge.new(FEATURES, rules), last.passed
    knowledge.former = checkpoint.knowledge.former
    for target, learnt in knowledge.targets.items():
        learnt.label_definition_since_ms = checkpoint.knowledge.targets[
            target
        ].label_definition_since_ms
    left_out = dict.fromkeys(without, 0)
    for tick in _ticks([*earlier, last]):
        rows = [row for row in tick.examples if row.tick > checkpoint.began.get(row.target, 0)]
        for row in rows:
            if row.customer in left_out and row.tick > checkpoint.forgotten.get(row.customer, 0):
                left_out[row.customer] += 1
        known = without_forgotten(rows, after)
        # Of an earlier namespace the learner keeps no sequences.
        if tick.stretch is last:
            passed = tick.passed
        completed = tick.completed if tick.number > checkpoint.began.get(CHURN, 0) else ()
        # A tick without examples and snapshots teaches nothing.
        if known or any(one.scored for one in completed):
            knowledge = pass_tick(
                knowledge, tick.number, {}, known, rules, FEATURES, completed
            ).knowledge
    if passed != checkpoint.knowledge.passed:
        raise Refusal(
            f"the examples end at {passed}, the learner at {checkpoint.knowledge.passed}: "
            "is this the topic that the learner reads?"
        )
    # The last ticks may have taught nothing, but the learner must not wait for them again.
    knowledge.tick, knowledge.passed = checkpoint.knowledge.tick, passed
    # A new number: workers hold the old version compiled under its own.
    knowledge.version = checkpoint.knowledge.version + 1
    # The result is published at once, so it is not published again at the next tick.
    knowledge.published_examples = knowledge.examples
    after.knowledge = knowledge
    return Rebuilt(after, seal(version_of(knowledge)), left_out)


class _Tick(NamedTuple):
    stretch: Stretch
    number: int
    examples: Sequence[Example]
    passed: dict[str, int]
    """Shard -> sequence up to which everything has been read."""
    completed: Sequence[TickCompleted]


def _ticks(stretches: Sequence[Stretch]) -> Iterator[_Tick]:
    """Every tick with its examples, as the learner learns them."""
    number = 0
    for stretch in stretches:
        for tick in _ticks_of(stretch, number):
            number = tick.number
            yield tick
        if number < stretch.tick:
            raise Refusal(
                f"the examples end with tick {number}, the learner has learnt {stretch.tick}: was "
                "the topic touchstream.examples truncated? It must keep everything"
            )


def _ticks_of(stretch: Stretch, number: int) -> Iterator[_Tick]:
    """The ticks of one stretch after tick ``number``."""
    held, passed = HeldExamples(stretch.passed, stretch.shards), stretch.passed
    for record in stretch.records if number < stretch.tick else ():
        held.add(record.offset, record.value or b"", now_s=0.0)  # a gap shows at the end
        while number < stretch.tick and held.is_complete(number + 1):
            number += 1
            popped = held.pop(number, passed)
            passed = popped.sequences
            yield _Tick(stretch, number, popped.examples, passed, popped.completed)
        if number == stretch.tick:
            return
