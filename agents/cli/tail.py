"""``touchstream tail``: follow a topic, readable; or write the touchpoints down for a replay."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import BinaryIO

import typer
from kafka import KafkaConsumer, TopicPartition

from touchstream.agents import clients, received
from touchstream.agents.cli.counting import Counting
from touchstream.agents.cli.failures import BadUsage
from touchstream.agents.cli.format_record import raw_json, readable
from touchstream.agents.cli.reading import POLL_MS, OffsetRange, pages, whole
from touchstream.agents.history.recording import in_order_received, record_line
from touchstream.agents.kafka import physical_topics
from touchstream.agents.settings import Settings
from touchstream.agents.wiring import tick_secret
from touchstream.schemas.tick import Tick
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.streams.intake.decode import Origin, classify
from touchstream.streams.intake.log_phase import LogPhase
from touchstream.streams.records import Record


def tail(
    settings: Settings, topic: str, limit: int | None, *, from_beginning: bool, as_json: bool
) -> None:
    """Print every record as it arrives, for ever or up to ``limit``."""
    formatted = raw_json if as_json else readable
    name = _physical(settings, topic)
    left = limit
    with clients.consumer(settings.kafka, name) as consumer:
        _start(consumer, whole(consumer, name), from_beginning=from_beginning)
        heard_s = time.monotonic()
        while left is None or left > 0:
            polled = consumer.poll(timeout_ms=POLL_MS)
            for found in polled.values():
                for record in found if left is None else found[:left]:
                    typer.echo(formatted(topic, record))
                left = None if left is None else max(0, left - len(found))
            # An empty answer and a broker that is gone look the same.
            if polled:
                heard_s = time.monotonic()
            elif time.monotonic() - heard_s > settings.kafka.patience_s:
                whole(consumer, name)
                heard_s = time.monotonic()


def record(settings: Settings, topic: str, limit: int | None, out: BinaryIO) -> None:
    """Write every touchpoint and tick up to now to ``out``, for ``touchstream replay``."""
    if topic != TOUCHPOINTS_TOPIC:
        raise BadUsage(
            f"--record: want the topic {TOUCHPOINTS_TOPIC}: only touchpoints can be replayed"
        )
    stamp = received.by_header if settings.worker.trust_received_header else received.by_broker
    secret = tick_secret(settings)
    name = _physical(settings, topic)
    with clients.consumer(settings.kafka, name) as consumer:
        spans = whole(consumer, name)
    # Retention may have removed the beginning; a replay of the rest is not exact.
    _warn_of_lost(spans)
    records = {
        each.partition: _stamped(
            (
                [Record(r.offset, stamp(r), r.key, r.value or b"", tuple(r.headers)) for r in page]
                for page in pages(settings.kafka, each, span)
            ),
            Origin(each.partition, len(spans), secret),
        )
        for each, span in spans.items()
    }
    with Counting("recording") as done:
        for number, each in islice(in_order_received(records), limit):
            out.write(record_line(each, Origin(number, len(spans), secret)))
            done.add()
    out.flush()


def _stamped(pages: Iterable[Sequence[Record]], origin: Origin) -> Iterator[list[Record]]:
    """The records of a partition with the times of receipt that held for the workers."""
    log_phase = LogPhase()
    for page in pages:
        records = []
        for stored in page:
            records.append(log_phase.stamped(stored))
            found = None if stored.key is not None else classify(stored, origin)
            if isinstance(found, Tick):
                log_phase = log_phase.after(found)
        yield records


def _warn_of_lost(spans: Mapping[TopicPartition, OffsetRange]) -> None:
    for partition, span in spans.items():
        if span.begin:
            typer.echo(
                f"{partition.topic}-{partition.partition} begins at offset {span.begin}: earlier "
                "records are gone, and a replay starts without them",
                err=True,
            )


def _physical(settings: Settings, topic: str) -> str:
    names = physical_topics(settings.kafka)
    if topic not in names:
        raise BadUsage(f"TOPIC={topic!r}: want one of {', '.join(sorted(names))}")
    return names[topic]


def _start(
    consumer: KafkaConsumer,
    spans: Mapping[TopicPartition, OffsetRange],
    *,
    from_beginning: bool,
) -> None:
    """Fix the start positions now; otherwise records sent before the first poll are missed."""
    consumer.assign(list(spans))
    for partition, span in spans.items():
        consumer.seek(partition, span.begin if from_beginning else span.end)
