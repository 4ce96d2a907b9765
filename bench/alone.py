"""The pure core alone, and the store alone, in this process, on the batches a worker would make."""

import time
from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

from bench.cost import Cost, cost
from bench.workload import VERSION, Piece, first_tick, hand_made_model
from touchstream.agents import garbage
from touchstream.agents.stores.base import Commit, Fence, Read, Store
from touchstream.schemas.rules import Rules
from touchstream.schemas.shards import shard_name
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import ShardCheckpoint, encode_checkpoint
from touchstream.streams.commit import CommitBatch
from touchstream.streams.context import ServingContext
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.intake.decode import Origin
from touchstream.streams.learn.scorer import compile_version
from touchstream.streams.learn.snapshot import CHURN, Version
from touchstream.streams.partition import (
    EventBatch,
    LetterLimit,
    adopt,
    apply_event_batch,
    apply_tick,
    split_at_ticks,
)
from touchstream.streams.records import Record

BATCH_RECORDS = 2_000
"""All partitions together: the largest default fetch of a worker."""

NO_LIMIT = LetterLimit(0, 1)


class Done(NamedTuple):
    """The result of one partition's part of a fetch."""

    shard: str
    customers: list[str]
    work: CommitBatch


def core_alone(
    pieces: Sequence[Piece], rules: Rules, partitions: int
) -> tuple[Cost, list[list[Done]]]:
    """From records as bytes to everything a commit writes as bytes; states lie in dictionaries."""
    shards = [_Shard(number, partitions, rules) for number in range(partitions)]
    fetches = list(_fetches(pieces))
    garbage.relax()  # as a worker does
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    done = [
        [one for number, records in fetch.items() for one in shards[number].process(records)]
        for fetch in fetches
    ]
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    return cost(wall_s, cpu_s, len(pieces)), done


async def store_alone(store: Store, fetches: Sequence[Sequence[Done]], events: int) -> Cost:
    """Load and commit what the core worked on, as a worker would, and do nothing else."""
    fences: dict[str, Fence] = {}
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    for fetch in fetches:
        await store.load([Read(one.shard, one.customers) for one in fetch])
        commits = [_commit(one, fences) for one in fetch]
        if not all(await store.commit(commits)):
            raise RuntimeError("a commit was refused: want a fresh namespace")
        await store.forget({one.shard: one.work.checkpoint.sent for one in fetch})
    return cost(time.perf_counter() - wall_s, time.process_time() - cpu_s, events)


class _Shard:
    """One partition whose store is a dictionary."""

    def __init__(self, number: int, partitions: int, rules: Rules) -> None:
        tick = first_tick(rules)
        by_hand = Version(models={CHURN: hand_made_model()})
        # With the models of the other targets: a customer of the world may leave.
        scorers = compile_version(by_hand, rules, FEATURES.digest)
        self._name, self._number = shard_name(number), number
        self._models = ServingContext(
            rules, rules.digest(), FEATURES, VERSION, scorers, tick.time_ms
        )
        self._origin = Origin(number, partitions, None)
        self._states: dict[str, bytes | None] = {}
        adopted = adopt(ShardCheckpoint(), tick)
        turn = apply_tick(adopted, self._name, tick, (), {}, self._models, last=True)
        self._checkpoint = turn.checkpoint

    def process(self, records: Sequence[Record]) -> Iterator[Done]:
        for run in split_at_ticks(records, self._origin):
            assert isinstance(run, EventBatch)  # the workload's one tick is taken already
            customers = [str(customer) for customer in run.customers()]
            states = {customer: self._states.get(customer) for customer in customers}
            work = apply_event_batch(
                self._checkpoint, self._name, self._number, run, states, self._models, NO_LIMIT
            )
            self._checkpoint = work.checkpoint
            self._states.update(work.states)
            yield Done(self._name, customers, work)


def _fetches(pieces: Sequence[Piece]) -> Iterator[dict[int, list[Record]]]:
    """Partition -> records, fetch by fetch; all are received now."""
    received_ms = Millis(time.time_ns() // 1_000_000)
    offsets = [count(1) for _ in range(1 + max(piece.partition for piece in pieces))]
    for start in range(0, len(pieces), BATCH_RECORDS):
        fetch: dict[int, list[Record]] = {}
        for piece in pieces[start : start + BATCH_RECORDS]:
            offset = next(offsets[piece.partition])
            record = Record(offset, received_ms, piece.key, piece.value)
            fetch.setdefault(piece.partition, []).append(record)
        yield fetch


def _commit(one: Done, fences: dict[str, Fence]) -> Commit:
    before, work = fences.get(one.shard), one.work
    commits = 0 if before is None else before.commits
    fence = fences[one.shard] = Fence(work.checkpoint.taken, commits + 1)
    record = encode_checkpoint(work.checkpoint)
    content = (work.states, work.timers, work.outbox, work.measures, work.expired_measures)
    return Commit(one.shard, before, fence, record, *content, work.indexes)
