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
from touchstream.agents.cli.failures import Failed
from touchstream.agents.cli.histories import now_ms
from touchstream.agents.history.inputs import STDIN, InputError, raw_lines
from touchstream.agents.kafka import physical_topics
from touchstream.agents.settings import Settings, SettingsError
from touchstream.schemas.event_types import NO_OWN_TYPES, OwnTypes, own_types
from touchstream.schemas.nearest import Suggestion
from touchstream.schemas.registry import INTERNAL_PREFIX
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.outcome import Drop, Reject
from touchstream.streams.records import Record

MOST_SHOWN = 20
"""Bad lines that --skip-bad prints; further ones are only counted."""


class Sound(NamedTuple):
    """A line that the workers will accept, unless it is too late."""

    where: str
    key: bytes
    value: bytes
    time_ms: Millis
    """The time of the event."""


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


def publish(
    settings: Settings, files: list[Path], *, skip_bad: bool, allow_late: bool = False
) -> dict[str, object]:
    """Send every line; return the counts.

    Raises
    ------
    agents.cli.failures.Failed
        For a bad line without ``skip_bad``, for one that a live deployment would drop as too late
        without ``allow_late``, and if nothing, or less than half of the lines, was sent. What can
        be read twice is checked before anything is sent.
    """
    checks = _Checks(settings, skip_bad=skip_bad, allow_late=allow_late)
    stored = [file for file in files if file != STDIN and file.is_file()]
    checks.before_sending(stored)
    started = time.monotonic()
    topic = physical_topics(settings.kafka)[TOUCHPOINTS_TOPIC]
    with clients.producer(settings.kafka, topic) as producer, Counting("publishing") as sent:
        sender = _Sender(producer, topic)
        try:
            for line in checks.lines(files):
                sender.send(line)
                sent.add()
        except (Failed, InputError, OSError) as exc:
            sender.flush()
            raise Failed(f"{exc}; {sent.count:,} lines before it were sent") from exc
        sender.flush()
    seconds = round(time.monotonic() - started, 3)
    return {
        "topic": sender.topic,
        "sent": sent.count,
        "bad": checks.bad,
        "too_late": checks.late,
        "seconds": seconds,
    }


def require_half(found: dict[str, object]) -> None:
    """Raise :class:`Failed` if nothing, or less than half of the lines, was sent."""
    sent, bad = int(str(found["sent"])), int(str(found["bad"]))
    if not sent or bad > sent:
        raise Failed(f"{bad:,} of {sent + bad:,} lines were bad and not sent")


class _Checks:
    """Decides which lines may be sent, and counts the others."""

    def __init__(self, settings: Settings, *, skip_bad: bool, allow_late: bool) -> None:
        self._own = own_types(settings.rules.event_types)
        self._skip_bad = skip_bad
        self._allow_late = allow_late
        self._lateness_days = settings.rules.intake.allowed_lateness_days
        self._oldest_ms = now_ms() - self._lateness_days * DAY_MS
        self.bad = 0
        self.late = 0

    def before_sending(self, files: list[Path]) -> None:
        """Raise :class:`Failed` for the first bad line, or for all that are too late."""
        late = count = 0
        try:
            with Counting("checking") as checked:
                for line in checked_lines(files, self._own):
                    checked.add()
                    count += 1
                    if isinstance(line, Sound):
                        late += self._is_late(line)
                    elif not self._skip_bad:
                        raise Failed(f"{line.where}: {line.why}")
        except (Failed, InputError, OSError) as exc:
            hint = " (--skip-bad sends the others)" if isinstance(exc, Failed) else ""
            raise Failed(f"{exc}; nothing was sent{hint}") from exc
        if late and not self._allow_late:
            raise Failed(f"{late:,} of {count:,} events are {self._too_late()}; nothing was sent")

    def lines(self, files: list[Path]) -> Iterator[Sound]:
        """The lines to send; raises :class:`Failed` at one that must not be."""
        for line in checked_lines(files, self._own):
            if isinstance(line, Bad):
                self._take_bad(line)
                continue
            if self._is_late(line):
                self.late += 1
                if not self._allow_late:
                    raise Failed(f"{line.where}: the event is {self._too_late()}")
            yield line

    def _take_bad(self, line: Bad) -> None:
        self.bad += 1
        if not self._skip_bad:
            raise Failed(f"{line.where}: {line.why}")
        if self.bad <= MOST_SHOWN:
            typer.echo(f"{line.where}: {line.why}", err=True)

    def _is_late(self, line: Sound) -> bool:
        return line.time_ms < self._oldest_ms

    def _too_late(self) -> str:
        return (
            f"older than intake.allowed_lateness_days = {self._lateness_days}, so a live "
            "deployment drops them as too late: put a history into a new deployment by "
            "`touchstream backfill`, or send them all the same with --allow-late"
        )


def checked_lines(files: list[Path], own: OwnTypes = NO_OWN_TYPES) -> Iterator[Sound | Bad]:
    """Every line of every file, checked as the intake will check it with the types ``own``."""
    return (check_line(line.value, str(line.place), own) for line in raw_lines(files))


def check_line(value: bytes, where: str, own: OwnTypes = NO_OWN_TYPES) -> Sound | Bad:
    """The outcome that a line, keyed by its subject, will have in the intake of a worker."""
    key = _subject(value)
    # One partition only: the producer will choose the right one by the key.
    record = Record(0, now_ms(), key, value)
    match decode(record, Origin(partition_of(key, 1), 1, None), own):
        case Arrival() as arrival:
            return Sound(where, key, value, arrival.event.time_ms)
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
