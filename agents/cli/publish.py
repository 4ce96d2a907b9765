"""``touchstream publish``: send events, each checked as the workers will check it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import typer
from kafka import KafkaProducer

from touchstream.agents import clients
from touchstream.agents.cli.counting import Counting
from touchstream.agents.cli.failures import BadUsage, Failed
from touchstream.agents.kafka import physical_topics
from touchstream.agents.replay.lines import STDIN, raw_lines
from touchstream.agents.settings import Settings, SettingsError
from touchstream.schemas.event_types import NO_OWN_TYPES, OwnTypes, own_types
from touchstream.schemas.nearest import Suggestion
from touchstream.schemas.registry import INTERNAL_PREFIX
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.schemas.units import Millis
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.outcome import Drop, Reject
from touchstream.streams.records import Record

MOST_SHOWN = 20
"""Bad lines that --skip-bad prints; further ones are only counted."""


class Sound(NamedTuple):
    """A line that the workers will accept."""

    key: bytes
    value: bytes


class Bad(NamedTuple):
    """A line that the workers would reject or drop."""

    where: str
    why: str


def at_broker(settings: Settings, broker: str) -> Settings:
    """The settings with another broker."""
    try:
        kafka = settings.kafka.model_copy(update={"bootstrap": broker})
        return settings.model_copy(update={"kafka": kafka})
    except ValueError as exc:
        raise SettingsError(f"--broker={broker!r}: {exc}") from exc


def publish(settings: Settings, files: list[Path], *, skip_bad: bool) -> dict[str, object]:
    """Send every line; return the counts."""
    if files.count(STDIN) > 1:
        raise BadUsage("FILE: want - (standard input) once at most")
    own = own_types(settings.rules.event_types)
    # Standard input cannot be read twice.
    if not skip_bad and STDIN not in files:
        _check_all(files, own)
    started, bad_count = time.monotonic(), 0
    topic = physical_topics(settings.kafka)[TOUCHPOINTS_TOPIC]
    with clients.producer(settings.kafka, topic) as producer, Counting("publishing") as sent:
        sender = _Sender(producer, topic)
        for line in checked_lines(files, own):
            if isinstance(line, Sound):
                sender.send(line)
                sent.add()
                continue
            bad_count += 1
            if not skip_bad:
                sender.flush()
                raise Failed(f"{line.where}: {line.why}; {sent.count} lines before it were sent")
            if bad_count <= MOST_SHOWN:
                typer.echo(f"{line.where}: {line.why}", err=True)
        sender.flush()
    seconds = round(time.monotonic() - started, 3)
    return {"topic": sender.topic, "sent": sent.count, "bad": bad_count, "seconds": seconds}


def checked_lines(files: list[Path], own: OwnTypes = NO_OWN_TYPES) -> Iterator[Sound | Bad]:
    """Every line of every file, checked as the intake will check it with the types ``own``."""
    return (check_line(line.value, line.where, own) for line in raw_lines(files))


def check_line(value: bytes, where: str, own: OwnTypes = NO_OWN_TYPES) -> Sound | Bad:
    """The outcome that a line, keyed by its subject, will have in the intake of a worker."""
    key = _subject(value)
    # One partition only: the producer will choose the right one by the key.
    record = Record(0, Millis(time.time_ns() // 1_000_000), key, value)
    match decode(record, Origin(partition_of(key, 1), 1, None), own):
        case Arrival():
            return Sound(key, value)
        case Reject(reason, detail):
            return Bad(where, f"{reason}: {detail}")
        case Drop(reason, None):
            return Bad(where, f"{reason}: want a type of docs/events.md or of [[event_types]]")
        case Drop(reason, Suggestion(unknown, known)):
            return Bad(where, f"{reason}: {unknown!r}: did you mean {known!r}?")
        case _:
            return Bad(where, f"reserved_type: {INTERNAL_PREFIX}* is written by touchstream only")


def _subject(value: bytes) -> bytes:
    try:
        decoded = orjson.loads(value)
    except orjson.JSONDecodeError:
        return b""
    subject = decoded.get("subject") if isinstance(decoded, dict) else None
    return subject.encode() if isinstance(subject, str) else b""


def _check_all(files: list[Path], own: OwnTypes) -> None:
    """Raise :class:`Failed` for the first bad line, before anything is sent."""
    with Counting("checking") as checked:
        for line in checked_lines(files, own):
            checked.add()
            if isinstance(line, Bad):
                raise Failed(
                    f"{line.where}: {line.why}; nothing was sent (--skip-bad sends the others)"
                )


class _Sender:
    """Sends, and raises the first failure that the broker reports."""

    def __init__(self, producer: KafkaProducer, topic: str) -> None:
        self.topic = topic
        self._producer = producer
        self._failures: list[Exception] = []

    def send(self, line: Sound) -> None:
        self._raise_failure()
        future = self._producer.send(self.topic, key=line.key, value=line.value)
        future.add_errback(self._failures.append)

    def flush(self) -> None:
        self._producer.flush()
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failures:
            raise self._failures[0]
