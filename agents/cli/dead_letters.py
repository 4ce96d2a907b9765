"""``touchstream dead-letters``: list the letters, or send them again up to a limit."""

import sys
from collections import Counter, deque
from collections.abc import Iterable
from typing import Any, NamedTuple, get_args

import typer
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from touchstream.agents import clients
from touchstream.agents.cli.failures import BadUsage
from touchstream.agents.cli.format_record import raw_json, readable
from touchstream.agents.cli.histories import now_ms
from touchstream.agents.cli.reading import OffsetRange, read, whole
from touchstream.agents.kafka import physical_topics
from touchstream.agents.letters import CONFLICT, Keep, Redrive, send_again
from touchstream.agents.settings import Settings
from touchstream.schemas.dead_letter import RejectReason, StoredLetter, decode_letter
from touchstream.schemas.event_types import OwnTypes, own_types
from touchstream.schemas.topics import DEAD_LETTERS_TOPIC, TOUCHPOINTS_TOPIC

UNREADABLE = "unreadable"
"""Records of the topic that are no dead letters."""


class Plan(NamedTuple):
    """The letters to send again."""

    limit: int
    reason: str | None
    from_beginning: bool
    as_new_event: bool = False
    """Send those of conflicting ids, and no others, each under an id of its own."""

    @property
    def wanted(self) -> str | None:
        """The only reason whose letters are looked at; None: all."""
        return CONFLICT if self.as_new_event else self.reason

    @property
    def progress(self) -> str:
        """Name of the progress; one for each question, so that no letter is skipped."""
        if self.as_new_event:
            return f"-{CONFLICT}-as-new-event"
        return "" if self.reason is None else f"-{self.reason}"


class Chosen(NamedTuple):
    """The letters of one call: to send, to keep by reason, and where the next call resumes."""

    again: list[Redrive]
    stays: Counter[str]
    upto: dict[TopicPartition, int]


def show(settings: Settings, limit: int, reason: str | None, *, as_json: bool) -> None:
    """Print the newest letters."""
    _check(reason)
    topic = physical_topics(settings.kafka)[DEAD_LETTERS_TOPIC]
    with clients.consumer(settings.kafka, topic) as consumer:
        records = read(consumer, whole(consumer, topic))
        newest = deque((each for each in records if _is_about(reason, each)), maxlen=limit)
    formatted = raw_json if as_json else readable
    for record in sorted(newest, key=lambda each: (each.timestamp, each.partition, each.offset)):
        typer.echo(formatted(DEAD_LETTERS_TOPIC, record))


def _is_about(reason: str | None, record: Any) -> bool:  # noqa: ANN401
    if reason is None:
        return True
    stored = _letter(record)
    return stored is not None and stored.letter.reason == reason


def redrive(settings: Settings, plan: Plan, *, dry_run: bool, sure: bool) -> dict[str, object]:
    """Send letters again, commit the progress, and return the counts."""
    _check(plan.reason)
    if plan.as_new_event and plan.reason not in (None, CONFLICT):
        raise BadUsage(f"--as-new-event: want it with --reason {CONFLICT}, or with no --reason")
    if not (dry_run or sure or sys.stdin.isatty()):
        raise BadUsage("--yes: want it (or --dry-run) without a terminal to ask at")
    names = physical_topics(settings.kafka)
    topic, group = names[DEAD_LETTERS_TOPIC], f"{settings.namespace}-redrive{plan.progress}"
    with clients.consumer(settings.kafka, topic, group_id=group) as consumer:
        spans = _unseen(consumer, whole(consumer, topic), plan)
        begins = {each: span.begin for each, span in spans.items()}
        own = own_types(settings.rules.event_types)
        chosen = choose(read(consumer, spans), plan, begins, own)
        counts: dict[str, object] = {"again": len(chosen.again), "stay": dict(chosen.stays)}
        if dry_run or not (sure or _agreed(chosen, plan)):
            return {"sent": 0, **counts}
        _send(settings, names[TOUCHPOINTS_TOPIC], chosen.again)
        # After sending: a crash in between sends letters twice, and the second is a duplicate.
        consumer.commit(
            {each: OffsetAndMetadata(offset, "", -1) for each, offset in chosen.upto.items()}
        )
    return {"sent": len(chosen.again), **counts}


def choose(
    records: Iterable[Any], plan: Plan, begins: dict[TopicPartition, int], own: OwnTypes
) -> Chosen:
    """The letters to send again, up to the plan's limit; ``begins`` is where they begin."""
    chosen = Chosen([], Counter(), begins)
    asked_ms = now_ms()
    for record in records:
        if len(chosen.again) >= plan.limit:
            break
        # Letters that stay count as passed, or every call would begin with them.
        chosen.upto[TopicPartition(record.topic, record.partition)] = record.offset + 1
        stored = _letter(record)
        if plan.wanted not in (None, stored and stored.letter.reason):
            continue
        if stored is None:
            chosen.stays[UNREADABLE] += 1
            continue
        match send_again(stored, asked_ms, own, as_new_event=plan.as_new_event):
            case Redrive() as again:
                chosen.again.append(again)
            case Keep(why):
                chosen.stays[why] += 1
    return chosen


def _unseen(
    consumer: KafkaConsumer, spans: dict[TopicPartition, OffsetRange], plan: Plan
) -> dict[TopicPartition, OffsetRange]:
    """The spans without the letters that earlier calls passed."""
    if plan.from_beginning:
        return spans
    return {
        each: span._replace(begin=max(span.begin, consumer.committed(each) or 0))
        for each, span in spans.items()
    }


def _send(settings: Settings, topic: str, letters: list[Redrive]) -> None:
    with clients.producer(settings.kafka, topic) as producer:
        sending = [
            producer.send(topic, key=each.key, value=each.value, headers=list(each.headers))
            for each in letters
        ]
        producer.flush(settings.kafka.patience_s)
        for future in sending:
            future.get(timeout=settings.kafka.patience_s)


def _agreed(chosen: Chosen, plan: Plan) -> bool:
    count = len(chosen.again)
    how = (
        f"Send {count} letters as new events, each counted in addition to the event that has its id"
        if plan.as_new_event
        else f"Send {count} letters again"
    )
    stay = f"{chosen.stays.total()} others would be rejected again and stay."
    return bool(chosen.again) and typer.confirm(f"{how}? {stay}")


def _letter(record: Any) -> StoredLetter | None:  # noqa: ANN401 - kafka-python's ConsumerRecord
    """The letter; None for a record that is none, written by someone else."""
    try:
        return decode_letter(record.key, record.value or b"", record.headers)
    except ValueError:
        return None


def _check(reason: str | None) -> None:
    known = get_args(RejectReason)
    if reason is not None and reason not in known:
        raise BadUsage(f"--reason={reason!r}: want one of {', '.join(known)}")
