"""Dead letters: records that could not be applied, unchanged, with place and reason in headers."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

DeadStep = Literal["intake", "profiles", "features", "learn", "decide", "emit"]
"""The stage that rejected the record."""

RejectReason = Literal[
    "too_large",
    "not_json",
    "not_an_object",
    "too_deep",
    "bad_string",
    "bad_number",
    "missing_attribute",
    "bad_attribute",
    "bad_specversion",
    "bad_time",
    "bad_content_type",
    "bad_data",
    "key_not_subject",
    "wrong_partition",
    "conflicting_id",
    "reserved_type",
    "forged_tick",
]
"""Reasons of dead letters; a closed set, because metrics count by it."""

DropReason = Literal["unknown_type", "too_late", "erased"]
"""Reasons not to apply a valid record, without a dead letter."""

MAX_BODY_BYTES = 512 * 1024
MAX_KEY_BYTES = 64 * 1024
MAX_HEADER_BYTES = 128 * 1024
"""Together below 1 MiB: a client rejects more, which would block the outbox."""

MAX_DETAIL_CHARS = 1024

_HEADER_LENGTHS_BYTES = 8
"""Upper bound for the two lengths of a header: many empty headers are long, too."""

Header = tuple[str, bytes | None]
"""Kafka lets a producer send a name without a value."""

Cut = Literal["body", "key", "headers"]

_PREFIX = "touchstream-"


class _Place(Struct, frozen=True, kw_only=True, gc=False):
    """Place and reason of a dead letter, each a header of its own."""

    topic: str
    partition: Annotated[int, Meta(ge=0)]
    offset: Annotated[int, Meta(ge=0)]
    step: DeadStep
    reason: RejectReason
    detail: str
    """The fault and the expected value, for a person."""


_PLACE = _Place.__struct_fields__

PLACE_HEADERS = tuple(_PREFIX + name for name in _PLACE)
"""Every dead letter has these."""

_OWN_HEADERS = frozenset((*PLACE_HEADERS, _PREFIX + "digest", _PREFIX + "cut"))


class DeadLetter(_Place, frozen=True, kw_only=True, gc=False):
    """A record that could not be applied."""

    original: bytes
    """The record's value, whole; cut when it was read back from a letter that is."""
    key: bytes | None
    original_headers: tuple[Header, ...] = ()
    """The record's own headers: in binary mode the event's attributes stand there."""


class LetterRecord(NamedTuple):
    """A dead letter as it lies in Kafka."""

    key: bytes | None
    value: bytes
    headers: list[Header]


class StoredLetter(NamedTuple):
    """A dead letter read back."""

    letter: DeadLetter
    truncated: frozenset[Cut]
    """The truncated parts; a truncated letter cannot be sent again."""
    digest: str | None
    """SHA-256 of the whole value, if the body is cut."""


def encode_letter(letter: DeadLetter) -> LetterRecord:
    """Lay a letter out for Kafka; what is too long is cut, and the letter says so."""
    own: list[Header] = [
        (_PREFIX + name, str(getattr(letter, name)).encode()) for name in _PLACE[:-1]
    ]
    own.append((_PREFIX + "detail", _printable(letter.detail)))
    kept = _kept_headers(letter.original_headers)
    truncated = _cut(letter, kept is None)
    if "body" in truncated:
        own.append((_PREFIX + "digest", hashlib.sha256(letter.original).hexdigest().encode()))
    if truncated:
        own.append((_PREFIX + "cut", ",".join(truncated).encode()))
    return LetterRecord(
        key=None if letter.key is None else letter.key[:MAX_KEY_BYTES],
        value=letter.original[:MAX_BODY_BYTES],
        headers=[*own, *(kept or ())],
    )


def decode_letter(key: bytes | None, value: bytes, headers: Sequence[Header]) -> StoredLetter:
    """Read a letter back from its record.

    Raises
    ------
    ValueError
        If a header of ours is missing or says what no letter says.
    """
    own = {
        name.removeprefix(_PREFIX): text or b"" for name, text in headers if name in _OWN_HEADERS
    }
    place = msgspec.convert(
        {name: text.decode() for name, text in own.items() if name in _PLACE}, _Place, strict=False
    )
    letter = DeadLetter(
        original=value,
        key=key,
        original_headers=_foreign(headers),
        **msgspec.structs.asdict(place),
    )
    truncated = [part for part in own.get("cut", b"").decode().split(",") if part]
    digest = own["digest"].decode() if "digest" in own else None
    return StoredLetter(letter, msgspec.convert(truncated, frozenset[Cut]), digest)


def _cut(letter: DeadLetter, headers_dropped: bool) -> list[Cut]:
    truncated: list[Cut] = []
    if len(letter.original) > MAX_BODY_BYTES:
        truncated.append("body")
    if len(letter.key or b"") > MAX_KEY_BYTES:
        truncated.append("key")
    if headers_dropped:
        truncated.append("headers")
    return truncated


def _kept_headers(headers: Iterable[Header]) -> tuple[Header, ...] | None:
    """Return the record's own headers, or None if they are too long: half of them would mislead."""
    foreign = _foreign(headers)
    size = sum(
        len(name.encode()) + len(value or b"") + _HEADER_LENGTHS_BYTES for name, value in foreign
    )
    return foreign if size <= MAX_HEADER_BYTES else None


def _foreign(headers: Iterable[Header]) -> tuple[Header, ...]:
    # A letter that was sent again and died again brings the headers of its first death.
    return tuple((name, value) for name, value in headers if name not in _OWN_HEADERS)


def _printable(detail: str) -> bytes:
    # A detail may quote what was refused, lone surrogates included.
    return detail[:MAX_DETAIL_CHARS].encode("utf-8", "replace")
