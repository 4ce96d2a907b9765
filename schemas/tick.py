"""Ticks: records of the touchpoints topic that name the time and the active configuration."""

import hashlib
import hmac
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from touchstream.schemas.envelope import JSON_TYPE, OWN_SOURCE, SPECVERSION, format_time, parse_time
from touchstream.schemas.registry import TICK_TYPE
from touchstream.schemas.units import Millis

_SIGNED_FOR = b"touchstream.tick.v1\n"
"""Prefix of the signed text: signatures of other texts under the same secret are invalid."""


Phase = Literal["live", "history"]
"""``history``: a backfill replays the past; times of receipt are its own, nothing is emitted."""


class ActiveConfig(Struct, frozen=True, kw_only=True, gc=False):
    """The configuration that shapes results from a tick on, until the next one."""

    model_version: Annotated[int, Meta(ge=0)]
    """The model version to score with; 0: none yet."""
    rules: Annotated[str, Meta(min_length=1, max_length=64)]
    """Digest of the rules (``Rules.digest``)."""
    features: Annotated[str, Meta(min_length=1, max_length=64)]
    """Digest of the feature list."""


class Tick(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One tick; all partitions get the same."""

    number: int
    """From 1, increasing by 1."""
    time_ms: Millis
    active_config: ActiveConfig = field(name="in_force")
    """Signed under its first name, so that ticks of earlier builds remain valid."""
    phase: Phase = "live"
    """Phase of the records behind the tick. Live is left out of what is signed, as it once was."""


class TickData(ActiveConfig, frozen=True, kw_only=True, gc=False):
    """A tick's content, as stored in Kafka."""

    number: Annotated[int, Meta(ge=1, le=2**53)]
    """From 1, increasing by 1."""
    phase: Phase | UnsetType = UNSET
    """``history``: the records behind it are a backfill's; left out by a live tick."""
    hmac: str | None = None
    """HMAC-SHA256 of the tick in hex; null: the deployment has no tick secret."""


class TickRecord(Struct, frozen=True, kw_only=True, gc=False):
    """A tick as it stands in Kafka: a structured CloudEvent without a subject."""

    specversion: Literal["1.0"]
    id: str
    source: Literal["touchstream"]
    type: Literal["touchstream.tick"]
    time: str
    datacontenttype: str = JSON_TYPE
    data: TickData


def encode_tick(tick: Tick, secret: bytes | None) -> bytes:
    """Write a tick as a structured CloudEvent, signed if there is a secret."""
    record = TickRecord(
        specversion=SPECVERSION,
        source=OWN_SOURCE,
        type=TICK_TYPE,
        id=str(tick.number),
        time=format_time(tick.time_ms),
        data=TickData(
            number=tick.number,
            model_version=tick.active_config.model_version,
            rules=tick.active_config.rules,
            features=tick.active_config.features,
            phase=UNSET if tick.phase == "live" else tick.phase,
            hmac=None if secret is None else _signature(tick, secret),
        ),
    )
    return msgspec.json.encode(record)


def decode_tick(decoded: dict[str, object], secret: bytes | None) -> Tick:
    """Read a tick from its decoded JSON; with a secret only a signed one is taken.

    Raises
    ------
    ValueError
        Saying which field is wrong, or that the signature is missing or does not fit.
    """
    record = msgspec.convert(decoded, TickRecord)
    data = record.data
    if record.id != str(data.number):
        raise ValueError(f"tick {data.number} has id {record.id[:64]!r}: want its number")
    if "subject" in decoded:
        raise ValueError(f"tick {data.number} has a subject: it concerns no single customer")
    tick = Tick(
        number=data.number,
        time_ms=parse_time(record.time),
        active_config=ActiveConfig(
            model_version=data.model_version, rules=data.rules, features=data.features
        ),
        phase="live" if data.phase is UNSET else data.phase,
    )
    if secret is not None:
        _check_signature(tick, data.hmac, secret)
    return tick


def _check_signature(tick: Tick, signature: str | None, secret: bytes) -> None:
    if signature is None:
        raise ValueError(f"tick {tick.number} is not signed, and a tick secret is set")
    expected = _signature(tick, secret)
    # Bytes, because compare_digest refuses text beyond ASCII with a TypeError.
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        raise ValueError(f"tick {tick.number} is not signed with this deployment's tick secret")


def _signature(tick: Tick, secret: bytes) -> str:
    content = _SIGNED_FOR + msgspec.json.encode(tick, order="sorted")
    return hmac.new(secret, content, hashlib.sha256).hexdigest()
