"""Dead letters read back: shown to people, or prepared for another delivery."""

from typing import NamedTuple

import orjson

from touchstream.agents.spelling import spelled
from touchstream.schemas.dead_letter import DeadLetter, Header, RejectReason, StoredLetter
from touchstream.schemas.event_types import NO_OWN_TYPES, OwnTypes
from touchstream.schemas.nearest import Suggestion
from touchstream.schemas.units import Millis
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.intake.limits import MAX_NAME_BYTES
from touchstream.streams.intake.modes import attributes_of
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.outcome import Drop, Reject
from touchstream.streams.records import Record

ID_HEADER = "ce_id"

CONFLICT: RejectReason = "conflicting_id"


class Redrive(NamedTuple):
    """Send the letter again in this form: the intake would accept it now."""

    key: bytes
    value: bytes
    headers: tuple[Header, ...]


class Keep(NamedTuple):
    """Leave the letter where it is: it would be rejected again."""

    why: str


def send_again(
    stored: StoredLetter,
    now_ms: Millis,
    own: OwnTypes = NO_OWN_TYPES,
    *,
    as_new_event: bool = False,
) -> Redrive | Keep:
    """Prepare a letter for another delivery, keyed by its customer.

    ``own`` are the types that the rules add.

    A letter whose id belongs to another event would be rejected again, and under another id it
    counts in addition to that event. So it stays, unless ``as_new_event`` says that both
    happened. Its new id is derived from its content: sent twice, the second one is a duplicate.
    """
    letter = stored.letter
    # The original bytes are gone.
    if stored.truncated:
        return Keep("cut")
    record = Record(0, now_ms, letter.key, letter.original, letter.original_headers)
    attributes = attributes_of(record)
    if isinstance(attributes, Reject):
        return Keep(attributes.reason)
    subject = attributes.get("subject")
    # A wrong key is a reason for a dead letter, and this cures it.
    if isinstance(subject, str):
        record = record._replace(key=subject.encode())
    key = record.key or b""
    # One partition only: the producer will choose the right one by the key.
    match decode(record, Origin(partition_of(key, 1), 1, None), own):
        case Arrival(event, content):
            if letter.reason != CONFLICT:
                return Redrive(key, record.value, record.headers)
            renamed = _renamed(record, _new_id(event.id, content))
            again = Redrive(key, renamed.value, renamed.headers)
            return again if as_new_event else Keep(CONFLICT)
        case Reject(reason):
            return Keep(reason)
        case Drop("unknown_type", Suggestion(unknown, known)):
            return Keep(f"type {unknown}: did you mean {known}?")
        case _:
            return Keep("not_wanted")


def letter_as_json(stored: StoredLetter) -> dict[str, object]:
    """A letter as JSON; bytes as text where they are UTF-8."""
    return {
        "topic": stored.letter.topic,
        **letter_line(stored.letter),
        "cut": sorted(stored.truncated),
    }


def letter_line(letter: DeadLetter) -> dict[str, object]:
    """One dead letter as a line of a replay's ``dead-letters.jsonl``."""
    return {
        "step": letter.step,
        "reason": letter.reason,
        "detail": letter.detail,
        "partition": letter.partition,
        "offset": letter.offset,
        **spelled("key", letter.key),
        **spelled("value", letter.original),
    }


def _renamed(record: Record, name: str) -> Record:
    """The same event under another id, in binary or structured mode."""
    headers = tuple(
        (header, name.encode() if header == ID_HEADER else value)
        for header, value in record.headers
    )
    if headers != record.headers:
        return record._replace(headers=headers)
    event = {**orjson.loads(record.value), "id": name}
    return record._replace(value=orjson.dumps(event))


def _new_id(name: str, content: int) -> str:
    suffix = f"~{content:016x}"
    kept = name.encode()[: MAX_NAME_BYTES - len(suffix)].decode(errors="ignore")
    return kept + suffix
