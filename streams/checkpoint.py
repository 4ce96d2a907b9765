"""A shard's checkpoint: its position in the log and its counters."""

from typing import Any

import msgspec
from msgspec import Struct

from touchstream.schemas.tick import ActiveConfig, Phase
from touchstream.schemas.units import Millis
from touchstream.streams.intake.log_phase import LogPhase

FORMAT = 2


class ShardCheckpoint(Struct, kw_only=True, omit_defaults=True):
    """A shard's position in the log and its counters.

    Mutated only while a commit is built.
    """

    format: int = FORMAT
    tick: int = 0
    """The last finished tick."""
    watermark_ms: Millis | None = None
    """Time of that tick, or of the one in progress; None before the first."""
    active_config: ActiveConfig | None = None
    """Configuration activated by the last tick; None before the first."""
    phase: Phase = "live"
    """Phase behind the last finished tick."""
    sent: int = 0
    """Number of the newest outbox entry."""
    sequences: dict[str, int] = {}
    """Topic -> sequence of the newest record for it."""
    counters: dict[str, int] = {}
    taken: int = 0
    """Records other than ticks so far."""
    recent_dead: list[int] = []
    """``taken`` at each dead letter that is still in the window."""
    scored: int = 0
    entered: int = 0
    rises: dict[str, int] = {}
    """Of the tick in progress, for its ``TickCompleted`` record."""
    measured_since: dict[str, int] = {}
    """Retention of measures (days) -> the oldest day (since 1970-01-01) that may have any."""
    misspelt_types: dict[str, dict[str, int]] = {}
    """Event type -> unknown names that resemble it -> events dropped for that name."""


def log_phase(checkpoint: ShardCheckpoint) -> LogPhase:
    """The phase of the log where the shard goes on."""
    return LogPhase(checkpoint.tick, checkpoint.phase)


def copy(checkpoint: ShardCheckpoint) -> ShardCheckpoint:
    """An independent copy, to be mutated while a commit is built."""
    return msgspec.structs.replace(
        checkpoint,
        sequences=dict(checkpoint.sequences),
        counters=dict(checkpoint.counters),
        recent_dead=list(checkpoint.recent_dead),
        rises=dict(checkpoint.rises),
        measured_since=dict(checkpoint.measured_since),
        misspelt_types={name: dict(counts) for name, counts in checkpoint.misspelt_types.items()},
    )


# Sorted, so that equal checkpoints have equal bytes.
_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(ShardCheckpoint)


def encode_checkpoint(checkpoint: ShardCheckpoint) -> bytes:
    """Bytes for the store; readable, because operators look at them."""
    return _encoder.encode(checkpoint)


def decode_checkpoint(data: bytes | None) -> ShardCheckpoint:
    """Decode a checkpoint; a shard that never committed has an empty one."""
    if data is None:
        return ShardCheckpoint()
    # Format 1 is rare: searching for its names spares the common case a second decode.
    if any(name in data for name in _NAMES_OF_1):
        fields = msgspec.json.decode(data, type=dict[str, Any])
        fields |= {
            "format": FORMAT,
            **{new: fields.pop(old) for old, new in _RENAMED if old in fields},
        }
        return msgspec.convert(fields, ShardCheckpoint)
    return _decoder.decode(data)


_RENAMED = (("clock_ms", "watermark_ms"), ("in_force", "active_config"))
_NAMES_OF_1 = tuple(f'"{old}":'.encode() for old, _ in _RENAMED)
