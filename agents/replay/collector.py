"""The outputs of a replay, written as they arrive: one JSON object per line."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

import orjson
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from touchstream.agents.letters import letter_line
from touchstream.agents.spelling import spelled
from touchstream.schemas.dead_letter import DeadLetter, StoredLetter, decode_letter
from touchstream.schemas.emissions.envelope import decode_emission, structured
from touchstream.schemas.envelope import format_time
from touchstream.schemas.examples import Example, ExampleRecord, decode_example
from touchstream.schemas.topics import (
    ALERTS_TOPIC,
    CHURN_RISK_TOPIC,
    COMPACTED_TOPICS,
    CUSTOMER_RISK_TOPIC,
    CUSTOMER_SIGNALS_TOPIC,
    DEAD_LETTERS_TOPIC,
    EXAMPLES_TOPIC,
    NEXT_BEST_ACTION_TOPIC,
)
from touchstream.schemas.units import Millis
from touchstream.streams.learn.snapshot import CHURN

EMISSIONS = (
    ALERTS_TOPIC,
    CHURN_RISK_TOPIC,
    CUSTOMER_RISK_TOPIC,
    NEXT_BEST_ACTION_TOPIC,
    CUSTOMER_SIGNALS_TOPIC,
)
_OF_ONE_PARTITION = frozenset({ALERTS_TOPIC, EXAMPLES_TOPIC})
RULES_FILE = "rules.json"
"""The rules of the replay, in the outputs' folder."""
VALUE_SHOWN_BYTES = 120
FETCH_MS = 50
METADATA_PAUSE_S = 0.1

log = structlog.get_logger()

Score = dict[str, object]
Listener = Callable[[str, bytes], None]
"""Called with the topic and CloudEvent of every emission, structured also if a tombstone."""


def score_line(customer: str, at_ms: Millis, risk: float, version: int, label: int | None) -> Score:
    """One ledger snapshot as a line of ``scores.jsonl``; its label is null until it matures."""
    return {
        "customer": customer,
        "time": format_time(at_ms),
        "risk": risk,
        "version": version,
        "label": label,
    }


def score_files(targets: Sequence[str]) -> dict[str, str]:
    """Target -> file: churn's is ``scores.jsonl``, a further target's ``scores-NAME.jsonl``."""
    return {CHURN: "scores.jsonl", **{name: f"scores-{name}.jsonl" for name in targets}}


class Collector:
    """Reads the output topics to their ends; records sent again after a crash are written once."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        topics: Mapping[str, str],
        partitions: int,
        folder: Path,
        customer_of: Callable[[str], str],
        targets: Sequence[str] = (),
        on_record: Listener | None = None,
    ) -> None:
        self._consumer = consumer
        self._partitions = partitions
        self._logical = {name: topic for topic, name in topics.items()}
        self._customer_of = customer_of
        self._on_record = on_record
        self._files: dict[str, BinaryIO] = {
            topic: (folder / f"{topic}.jsonl").open("wb")
            for topic in (*EMISSIONS, DEAD_LETTERS_TOPIC)
        }
        self.scores: dict[str, BinaryIO] = {
            target: (folder / name).open("wb") for target, name in score_files(targets).items()
        }
        self._last: dict[tuple[str, str], int] = {}
        self._letters: set[tuple[int, int]] = set()
        self.counts: dict[str, int] = dict.fromkeys(self._files, 0)
        self._places: list[TopicPartition] = []

    async def start(self) -> None:
        """Start reading every topic at its beginning."""
        await self._consumer.start()
        read = {
            name: 1 if topic in _OF_ONE_PARTITION else self._partitions
            for name, topic in self._logical.items()
            if topic in self._files or topic == EXAMPLES_TOPIC
        }
        while not await self._knows(read):
            # A new topic becomes visible partition by partition.
            await asyncio.sleep(METADATA_PAUSE_S)
        self._places = [
            TopicPartition(name, number) for name, count in read.items() for number in range(count)
        ]
        self._consumer.assign(self._places)
        await self._consumer.seek_to_beginning(*self._places)

    async def _knows(self, read: Mapping[str, int]) -> bool:
        cluster = await self._consumer._client.fetch_all_metadata()
        return all(
            len(cluster.partitions_for_topic(name) or ()) >= count for name, count in read.items()
        )

    async def run(self) -> None:
        """Write records as they arrive, for ever."""
        while True:
            await self._read()

    async def finish(self) -> None:
        """Read on to the present ends of the topics."""
        ends = await self._consumer.end_offsets(self._places)
        while any([await self._consumer.position(p) < end for p, end in ends.items()]):
            await self._read()

    def flush(self) -> None:
        """Bring everything written so far into the files."""
        for file in (*self._files.values(), *self.scores.values()):
            file.flush()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()
        for file in (*self._files.values(), *self.scores.values()):
            file.close()

    async def _read(self) -> None:
        for partition, records in (await self._consumer.getmany(timeout_ms=FETCH_MS)).items():
            topic = self._logical[partition.topic]
            for record in records:
                self._write_record(topic, record)

    def _write_record(self, topic: str, record: ConsumerRecord) -> None:
        try:
            found = _READERS.get(topic, _emitted)(record)
        except (ValueError, RecursionError) as exc:
            # Someone else wrote it: a lost record of ours would show in the sequences.
            shown = spelled("value", record.value and record.value[:VALUE_SHOWN_BYTES])
            place = {"topic": topic, "partition": record.partition, "offset": record.offset}
            log.warning("unreadable_record", **place, reason=str(exc), **shown)
            return
        match found:
            case _Emitted(event, shard, sequence):
                if self._is_new(topic, shard, sequence):
                    self._write(topic, event)
                    if self._on_record is not None:
                        self._on_record(topic, event)
            case StoredLetter(letter):
                self._letter(letter)
            case _:
                self._example(found)

    def _example(self, example: ExampleRecord) -> None:
        if not self._is_new(EXAMPLES_TOPIC, example.shard, example.sequence):
            return
        if isinstance(example, Example):
            line = score_line(
                self._customer_of(example.customer),
                example.at_ms,
                example.probability,
                example.model_version,
                example.label,
            )
            self.scores[example.target].write(orjson.dumps(line) + b"\n")

    def _letter(self, letter: DeadLetter) -> None:
        # A dead letter has no sequence; its origin identifies it.
        if (letter.partition, letter.offset) in self._letters:
            return
        self._letters.add((letter.partition, letter.offset))
        self._write(DEAD_LETTERS_TOPIC, orjson.dumps(letter_line(letter)))

    def _is_new(self, topic: str, shard: str, sequence: int) -> bool:
        """Whether a record is next in its shard's sequence.

        One that follows a lost send comes again, in order, after the lost one. Compaction leaves
        gaps behind.
        """
        before = self._last.get((topic, shard), 0)
        if sequence <= before or (topic not in COMPACTED_TOPICS and sequence > before + 1):
            return False
        self._last[topic, shard] = sequence
        return True

    def _write(self, topic: str, line: bytes) -> None:
        self.counts[topic] += 1
        self._files[topic].write(line + b"\n")


class _Emitted(NamedTuple):
    """An emission as a line, and its place in the sequence of its shard."""

    event: bytes
    shard: str
    sequence: int


def _emitted(record: ConsumerRecord) -> _Emitted:
    event = structured(record.value, record.headers)
    _, sequence = decode_emission(event)
    shard, _, number = sequence.partition(":")
    return _Emitted(event, shard, int(number))


def _stored_letter(record: ConsumerRecord) -> StoredLetter:
    return decode_letter(record.key, record.value or b"", record.headers)


def _example_record(record: ConsumerRecord) -> ExampleRecord:
    return decode_example(record.value or b"")


_READERS: Mapping[str, Callable[[ConsumerRecord], _Emitted | StoredLetter | ExampleRecord]] = {
    DEAD_LETTERS_TOPIC: _stored_letter,
    EXAMPLES_TOPIC: _example_record,
}
"""Raise ``ValueError`` or ``RecursionError`` for a record that touchstream has not written."""
