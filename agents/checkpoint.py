"""The learner's record under its fence, for whoever wants to know how far it is."""

from typing import Any

import msgspec
from msgspec import Struct

from touchstream.schemas.units import Millis
from touchstream.streams.learn.knowledge import FORMAT, Knowledge

POSITION = "position"
"""Id of a few words in the learner's shard that say how far it is; cheap to poll."""


class Position(Struct, frozen=True):
    """How far the learner is."""

    tick: int
    version: int


def position_state(knowledge: Knowledge) -> dict[str, bytes | None]:
    """The state of the learner's shard that holds its position."""
    return {POSITION: msgspec.json.encode(Position(knowledge.tick, knowledge.version))}


class LearnerProgress(Struct, kw_only=True):
    """Where the learner stands, whatever it knows: the same in every format of its record."""

    written: int = 0
    """Number of the last tick written to the log."""
    written_ms: Millis = Millis(0)
    sent: int = 0
    """Number of its newest outbox entry."""
    signals: int = 0
    """What it has said of its models so far."""
    versions_by_tick: dict[int, int] = {}
    """Some ticks -> the newest version when they were learnt: what is older is named no more."""
    swept: int = 0
    """Versions up to this one were removed, but for the spared."""
    spared: list[int] = []
    """Of those: what is kept all the same, pinned or as a milestone."""
    milestones: list[int] = []
    """Versions to go back to, about one a day."""
    served: int = 0
    """The version that the last tick named."""
    pins: dict[int, int] = {}
    """Version that was not the newest -> the last tick that named it."""
    began: dict[str, int] = {}
    """Target -> tick after which its model began anew; examples before it are of another kind."""
    forgotten: dict[str, int] = {}
    """Pseudonym -> tick up to which his examples are not learnt."""
    oldest: int = 0
    """Versions before this one have learnt from somebody forgotten, and are served no more."""


class Checkpoint(LearnerProgress, kw_only=True):
    """Everything the learner goes on from."""

    knowledge: Knowledge

    def versions(self) -> list[int]:
        """Those that are in Redis, ascending."""
        return [*sorted(self.spared), *range(self.swept + 1, self.knowledge.version + 1)]


def decode_learner_checkpoint(record: bytes) -> Checkpoint:
    """Read the learner's record, of this format or the one before.

    Raises ``msgspec.ValidationError`` where the knowledge had another shape.
    """
    try:
        return msgspec.json.decode(record, type=Checkpoint)
    except msgspec.ValidationError:
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
    """Format 2 had other names for the same things."""
    knowledge = fields["knowledge"]
    targets = {name: _named(_TARGET_NAMES, learnt) for name, learnt in knowledge["targets"].items()}
    return _named(_LEARNER_NAMES, fields) | {
        "knowledge": knowledge | {"targets": targets, "format": FORMAT}
    }


def _named(names: dict[str, str], fields: dict[str, Any]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in fields.items()}


class About(Struct, frozen=True):
    """What the learner says of a version, beside it: cheap to read."""

    digest: str
    """Of what it published; whoever loads anything else under this number is to raise alarm."""
    tick: int
    """The last tick that it has learnt."""
    examples: int
    """Matured examples behind it, of all targets."""
