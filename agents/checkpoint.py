"""The learner's checkpoint: the record under its fence, and the small states beside it."""

from typing import Any

import msgspec
from msgspec import Struct

from touchstream.schemas.units import Millis
from touchstream.streams.learn.knowledge import FORMAT, Knowledge

POSITION = "position"
"""Id of the state in the learner's shard that holds its position; cheap to poll."""


class Position(Struct, frozen=True):
    """The learner's last tick and newest version."""

    tick: int
    version: int


def position_state(knowledge: Knowledge) -> dict[str, bytes | None]:
    """The state of the learner's shard that holds its position."""
    return {POSITION: msgspec.json.encode(Position(knowledge.tick, knowledge.version))}


class LearnerProgress(Struct, kw_only=True):
    """The learner's progress apart from its knowledge; the same in every format of its record."""

    written: int = 0
    """Number of the last tick written to the log."""
    written_ms: Millis = Millis(0)
    sent: int = 0
    """Number of its newest outbox entry."""
    signals: int = 0
    """Signals about its models emitted so far."""
    versions_by_tick: dict[int, int] = {}
    """Some ticks -> the newest version when they were learnt; bounds the sweep."""
    swept: int = 0
    """Versions up to this one were removed, except the spared."""
    spared: list[int] = []
    """Versions at or below ``swept`` that are kept, pinned or as milestones."""
    milestones: list[int] = []
    """Versions kept for a rollback, about one a day."""
    served: int = 0
    """The version that the last tick named."""
    pins: dict[int, int] = {}
    """Version served while it was not the newest -> the last tick that named it."""
    began: dict[str, int] = {}
    """Target -> tick after which its model started over; earlier examples do not fit it."""
    forgotten: dict[str, int] = {}
    """Pseudonym -> tick up to which the customer's examples are not learnt."""
    oldest: int = 0
    """Earlier versions have learnt from a forgotten customer and are never served again."""


class Checkpoint(LearnerProgress, kw_only=True):
    """Everything from which the learner resumes."""

    knowledge: Knowledge

    @property
    def newest_tick(self) -> int:
        """Number of the newest tick in the log: its own, or one that a backfill wrote."""
        return max(self.written, self.knowledge.tick)

    def versions(self) -> list[int]:
        """The versions in Redis, ascending."""
        return [*sorted(self.spared), *range(self.swept + 1, self.knowledge.version + 1)]


def decode_learner_checkpoint(record: bytes) -> Checkpoint:
    """Read the learner's record, of this format or the one before.

    Raises ``msgspec.ValidationError`` if the knowledge has another shape.
    """
    try:
        return msgspec.json.decode(record, type=Checkpoint)
    except msgspec.ValidationError:
        # The common case is the newest format; older ones are read once, after an upgrade.
        fields = msgspec.json.decode(record, type=dict[str, Any])
        if fields.get("knowledge", {}).get("format") != FORMAT_BEFORE:
            raise
        return msgspec.json.decode(msgspec.json.encode(_from_2(fields)), type=Checkpoint)


FORMAT_BEFORE = 2
_LEARNER_NAMES = {"marks": "versions_by_tick"}
_TARGET_NAMES = {
    "meaning": "label_definition",
    "meaning_since_ms": "label_definition_since_ms",
    "watch": "drift_state",
    "scatter": "between_customer_variance",
}


def _from_2(fields: dict[str, Any]) -> dict[str, Any]:
    """Rename the fields of format 2."""
    knowledge = fields["knowledge"]
    targets = {name: _named(_TARGET_NAMES, learnt) for name, learnt in knowledge["targets"].items()}
    return _named(_LEARNER_NAMES, fields) | {
        "knowledge": knowledge | {"targets": targets, "format": FORMAT}
    }


def _named(names: dict[str, str], fields: dict[str, Any]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in fields.items()}


class About(Struct, frozen=True):
    """Facts about a version, in a small state beside it."""

    digest: str
    """Digest of the published version; a worker that loads another one counts a fault."""
    tick: int
    """The last tick it has learnt."""
    examples: int
    """Matured examples behind it, of all targets."""
