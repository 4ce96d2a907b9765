"""The version that the next tick names: the newest, or one that an operator wants.

Workers serve the version that ticks name, so a rollback is part of the log, and a replay of the
recorded log reproduces it. The wish in Redis only directs the learner.
"""

import msgspec
import structlog
from msgspec import Struct

from touchstream.agents.active_config import LEARNER, about_id, version_id
from touchstream.agents.checkpoint import About, Checkpoint
from touchstream.agents.stores.base import Read, Store
from touchstream.schemas.units import Millis
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.snapshot import SnapshotError, digest, unseal

log = structlog.get_logger()


class Backfill(Struct, frozen=True, forbid_unknown_fields=True):
    """A history that is put into the namespace, or was."""

    until_ms: Millis
    """End of the history: the start of the command."""
    lines: int
    fingerprint: str
    """Of its lines, in any order."""
    finished: bool = False


class Wish(Struct, frozen=True, forbid_unknown_fields=True):
    """An operator's instructions to the learner, written to Redis by a command."""

    serve: int | None = None
    """The version that ticks should name; None: always the newest."""
    keep: tuple[int, ...] = ()
    """Versions that must not be swept: a recorded log goes back to them."""
    backfill: Backfill | None = None

    @property
    def is_backfilling(self) -> bool:
        """Whether a backfill writes the ticks now, so that the learner must not."""
        return self.backfill is not None and not self.backfill.finished


async def wanted(store: Store) -> Wish:
    """The last wish; without one the newest version is served."""
    data = await store.wish()
    return Wish() if data is None else msgspec.json.decode(data, type=Wish)


async def want(store: Store, wish: Wish) -> None:
    """Store a wish; the learner follows it from its next tick on."""
    await store.put_wish(msgspec.json.encode(wish))


async def trouble_with(store: Store, checkpoint: Checkpoint, version: int) -> str | None:
    """The reason why a version cannot be served, in a sentence; None if it can."""
    if version < checkpoint.oldest:
        return (
            f"version {version} has learnt from a customer who was left out since: want "
            f"{checkpoint.oldest} or newer"
        )
    [[sealed, about]] = await store.load([Read(LEARNER, [version_id(version), about_id(version)])])
    if sealed is None:
        return f"version {version} is not in Redis: `touchstream models` lists those that are"
    try:
        found = unseal(sealed)
    except SnapshotError as exc:
        return f"version {version}: {exc}"
    if about is not None and digest(found) != msgspec.json.decode(about, type=About).digest:
        return f"version {version} is not what the learner has published under this number"
    # Every worker of this build would refuse the tick and stop.
    foreign = {model.features for model in found.models.values()} - {FEATURES.digest}
    if foreign:
        return (
            f"version {version} reads feature list {', '.join(sorted(foreign))}, this build has "
            f"{FEATURES.digest}: run the build that fits"
        )
    return None


class Serving:
    """Follows the wish; checks a version once before ticks name it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._good: int | None = None
        self._reported = ""

    async def version(self, checkpoint: Checkpoint) -> int:
        """The version that the next tick names."""
        newest = checkpoint.knowledge.version
        version = (await wanted(self._store)).serve
        if version is None or version == newest:
            return newest
        # Checked once per version: it is read from Redis and decoded for that.
        if version != self._good:
            trouble = await trouble_with(self._store, checkpoint, version)
            if trouble is not None:
                self._report(trouble, newest)
                return newest
            self._good = version
        return version

    def _report(self, trouble: str, newest: int) -> None:
        """Log a problem once, not at every tick."""
        if trouble != self._reported:
            self._reported = trouble
            log.error("cannot_serve", newest=newest, reason=trouble)


def named(checkpoint: Checkpoint, version: int, tick: int) -> Checkpoint:
    """The checkpoint after ``tick`` named ``version``; pins it unless it is the newest."""
    # A pin keeps the version from the sweep until every shard has completed the tick.
    pins = checkpoint.pins
    if version != checkpoint.knowledge.version:
        pins = {**pins, version: tick}
    return msgspec.structs.replace(checkpoint, served=version, pins=pins)
