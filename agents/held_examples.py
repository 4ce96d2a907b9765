"""Examples that were read but belong to a tick that not every shard has completed yet."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import structlog

from touchstream.agents.checkpoint import Checkpoint
from touchstream.agents.fatal import Refusal
from touchstream.schemas.examples import Example, TickCompleted, decode_example

GAP_TIMEOUT_S = 60.0

log = structlog.get_logger()


class Popped(NamedTuple):
    """Everything that the shards have sent for one tick."""

    examples: list[Example]
    sequences: dict[str, int]
    """Shard -> sequence after the tick."""
    completed: list[TickCompleted]


class HeldExamples:
    """Records that are read and not learnt, and how far each shard is.

    Lives in memory only: after a crash it is rebuilt from the topic, which is read again from the
    oldest record held here.
    """

    def __init__(self, sequences: Mapping[str, int], shards: Sequence[str]) -> None:
        self._last = {shard: sequences.get(shard, 0) for shard in shards}
        self._completed: dict[str, list[TickCompleted]] = {shard: [] for shard in shards}
        self._offsets: dict[str, list[tuple[int, int]]] = {shard: [] for shard in shards}
        """Shard -> (sequence, offset) of each record."""
        self._examples: dict[int, list[Example]] = defaultdict(list)
        self.gap_since_s: float | None = None

    def add(self, offset: int, value: bytes, now_s: float) -> None:
        """Hold one record; drop one that was seen before or that comes too early.

        A record that comes too early follows a gap in its shard's sequence; the shard's outbox
        sends everything from the gap on again.

        A record that is no example is passed over: if it was one of a shard, a gap shows it.

        Raises :class:`Refusal` when a gap does not close, or for a shard that does not exist.
        """
        try:
            record = decode_example(value)
        except (msgspec.DecodeError, RecursionError) as exc:
            log.warning("unreadable_example", offset=offset, reason=str(exc))
            return None
        last = self._last.get(record.shard)
        if last is None:
            raise Refusal(f"offset {offset} of the examples is of no shard here: {record.shard}")
        # The outbox of a shard sends at least once.
        if record.sequence <= last:
            return None
        if record.sequence > last + 1:
            return self._gap(record.shard, last, record.sequence, now_s)
        self.gap_since_s = None
        # Offsets are kept too, because the fence is the offset of the oldest record held.
        self._last[record.shard] = record.sequence
        self._offsets[record.shard].append((record.sequence, offset))
        if isinstance(record, Example):
            self._examples[record.tick].append(record)
        else:
            self._completed[record.shard].append(record)

    def is_complete(self, tick: int) -> bool:
        """Whether every shard has completed the tick."""
        return all(ticks and ticks[-1].tick >= tick for ticks in self._completed.values())

    def pop(self, tick: int, before: Mapping[str, int]) -> Popped:
        """Remove and return the examples of a complete tick, and each shard's sequence after it.

        ``before`` are the sequences after the previous tick: a shard that skipped this tick's
        number stays at its sequence.
        """
        sequences, completed = {}, list[TickCompleted]()
        for shard, ticks in self._completed.items():
            reached = [each for each in ticks if each.tick <= tick]
            learnt = max((each.sequence for each in reached), default=before.get(shard, 0))
            sequences[shard] = learnt
            completed += reached
            self._completed[shard] = [each for each in ticks if each.tick > tick]
            self._offsets[shard] = [each for each in self._offsets[shard] if each[0] > learnt]
        return Popped(self._examples.pop(tick, []), sequences, completed)

    def oldest_offset(self, otherwise: int) -> int:
        """Offset of the oldest record that is held; ``otherwise`` if none is."""
        oldest = (offsets[0][1] for offsets in self._offsets.values() if offsets)
        return min(oldest, default=otherwise)

    def _gap(self, shard: str, last: int, found: int, now_s: float) -> None:
        if self.gap_since_s is None:
            self.gap_since_s = now_s
            log.warning("examples_gap", shard=shard, last=last, found=found)
        if now_s - self.gap_since_s > GAP_TIMEOUT_S:
            raise Refusal(
                f"examples of shard {shard} after {last} are missing ({found} arrived) and no "
                "worker sends them: was the topic touchstream.examples truncated? It must keep "
                "everything"
            )


def without_forgotten(examples: Sequence[Example], checkpoint: Checkpoint) -> list[Example]:
    """The examples but those of forgotten customers: labels that matured before stay unlearnt."""
    return [each for each in examples if each.tick > checkpoint.forgotten.get(each.customer, 0)]
