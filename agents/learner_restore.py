"""The learner's checkpoint from its record, whichever build wrote it."""

import msgspec
import structlog
from msgspec import Struct

from touchstream.agents.active_config import version_states
from touchstream.agents.checkpoint import (
    Checkpoint,
    LearnerProgress,
    decode_learner_checkpoint,
    position_state,
)
from touchstream.schemas.rules import Rules
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.streams.learn.learner import version_of
from touchstream.streams.learn.snapshot import seal

log = structlog.get_logger()


class _KnowledgePosition(Struct):
    """The fields that every format of the knowledge has."""

    tick: int = 0
    passed: dict[str, int] = {}
    version: int = 0


class _OlderCheckpoint(LearnerProgress):
    """A checkpoint whose knowledge has a format that this build cannot read."""

    knowledge: _KnowledgePosition


def restore_checkpoint(
    record: bytes | None, rules: Rules
) -> tuple[Checkpoint, dict[str, bytes | None]]:
    """The checkpoint to resume from, and the states to commit before anything else.

    Models of another feature list, or of other targets, cannot be served. Empty ones take their
    place as a version of their own, or the next tick would name one that no worker can read.
    """
    fresh = Knowledge.new(FEATURES, rules)
    if record is None:
        return Checkpoint(knowledge=fresh), position_state(fresh)
    try:
        checkpoint = decode_learner_checkpoint(record)
    except msgspec.ValidationError:  # written by a build whose knowledge had another shape
        checkpoint = _from_older(record, fresh)
    if checkpoint.knowledge.fits(fresh):
        return checkpoint, {}
    before = checkpoint.knowledge.targets
    fresh.tick, fresh.passed = checkpoint.knowledge.tick, checkpoint.knowledge.passed
    # A number is never used twice: workers and recorded logs refer to versions by number.
    fresh.version = checkpoint.knowledge.version + 1
    checkpoint.knowledge = fresh.keeping(checkpoint.knowledge, checkpoint.written_ms)
    anew = [name for name, known in fresh.targets.items() if not known.goes_on(before.get(name))]
    log.warning(
        "models_changed", reason="the settings ask for other features, targets or models", anew=anew
    )
    checkpoint.began = {**checkpoint.began, **dict.fromkeys(anew, fresh.tick)}
    sealed = seal(version_of(fresh))
    return checkpoint, {**position_state(fresh), **version_states(fresh, sealed)}


def _from_older(record: bytes, fresh: Knowledge) -> Checkpoint:
    """The progress of an older checkpoint, with knowledge that fits no feature list."""
    older = msgspec.json.decode(record, type=_OlderCheckpoint)
    knowledge = fresh.copy()
    # No feature list has an empty digest, so the caller starts these models over.
    knowledge.features = ""
    knowledge.tick, knowledge.passed = older.knowledge.tick, older.knowledge.passed
    knowledge.version = older.knowledge.version
    progress = {name: getattr(older, name) for name in LearnerProgress.__struct_fields__}
    return Checkpoint(knowledge=knowledge, **progress)
