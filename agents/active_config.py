"""Rules and model versions by the names that ticks give them, read from Redis and compiled once."""

from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from touchstream.agents.checkpoint import About
from touchstream.agents.fatal import Refusal
from touchstream.agents.stores.base import Read, Store
from touchstream.schemas.rules import Rules
from touchstream.schemas.tick import ActiveConfig
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.context import ServingContext
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.streams.learn.scorer import Scorer, compile_version
from touchstream.streams.learn.snapshot import SnapshotError, Version, digest, unseal

LEARNER = "learner"
"""The learner's shard; its states are the published versions."""

log = structlog.get_logger()

KEPT = 64
"""Versions and rules held compiled; a worker needs one or two at a time."""


def version_id(version: int) -> str:
    """Id of a version's state in the learner's shard."""
    return f"version:{version}"


def about_id(version: int) -> str:
    """Id of a version's :class:`About` in the learner's shard."""
    return f"about:{version}"


class _Sealed(Struct):
    digest: str


def version_states(knowledge: Knowledge, sealed: bytes) -> dict[str, bytes | None]:
    """The states of the learner's shard that make ``sealed`` the newest version."""
    about = About(
        msgspec.json.decode(sealed, type=_Sealed).digest, knowledge.tick, knowledge.examples
    )
    number = knowledge.version
    return {version_id(number): sealed, about_id(number): msgspec.json.encode(about)}


class ServingContexts:
    """Loads the rules and scorers of a shard's configuration; holds the last few of each."""

    def __init__(self, store: Store, alarm: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._alarm = alarm
        self._reported: dict[tuple[int, str, str], None] = {}
        self._scorers: dict[tuple[int, str], dict[str, Scorer]] = {}
        self.digests: dict[int, str] = {}
        """Version -> digest of what was loaded for it."""
        self._rules: dict[str, Rules] = {}
        self._genesis = Rules()

    async def load(self, checkpoint: ShardCheckpoint) -> ServingContext | None:
        """The context a shard scores with; None while Redis does not hold what a tick names.

        Before the first tick these are the built-in rules, and nothing is scored.
        """
        # Built-in rules, because the configured ones become known by a tick (decision 0008).
        active_config = checkpoint.active_config
        if active_config is None:
            genesis = self._genesis
            return ServingContext(genesis, _digest(genesis), FEATURES, 0, None, None)
        # Vectors of another list would be scored with the weights of this one.
        if active_config.features != FEATURES.digest:
            raise Refusal(
                f"the log has feature list {active_config.features}, this build {FEATURES.digest}: "
                "run the build that wrote the tick, or start the learner of this one first"
            )
        rules = await self._rules_of(active_config)
        scorers = None if rules is None else await self._scorers_of(active_config, rules)
        if rules is None or scorers is None:
            return None
        return ServingContext(
            rules,
            active_config.rules,
            FEATURES,
            active_config.model_version,
            scorers,
            checkpoint.watermark_ms,
        )

    async def _rules_of(self, active_config: ActiveConfig) -> Rules | None:
        if active_config.rules not in self._rules:
            text = await self._store.text(active_config.rules)
            if text is None:
                return None
            _make_room(self._rules)
            self._rules[active_config.rules] = Rules.from_text(text)
        return self._rules[active_config.rules]

    async def _scorers_of(
        self, active_config: ActiveConfig, rules: Rules
    ) -> dict[str, Scorer] | None:
        number, key = (
            active_config.model_version,
            (active_config.model_version, active_config.rules),
        )
        if key not in self._scorers:
            version = await self._version(number) if number else Version(models={})
            if version is None:
                return None
            _make_room(self._scorers)
            self._scorers[key] = compile_version(version, rules, FEATURES.digest)
        return self._scorers[key]

    async def verify(self, versions: Collection[int]) -> None:
        """Compare the loaded versions with the published ones; drop those that differ."""
        # Version 0 is the empty model and was never loaded.
        asked = [version for version in versions if version in self.digests]
        [found] = await self._store.load([Read(LEARNER, [about_id(version) for version in asked])])
        for version, about in zip(asked, found, strict=True):
            if self._differs(version, self.digests[version], about):
                del self.digests[version]
                self._scorers = {k: found for k, found in self._scorers.items() if k[0] != version}

    async def _version(self, number: int) -> Version | None:
        """A version as the learner published it; None if it is missing or differs."""
        ids = [version_id(number), about_id(number)]
        [[sealed, about]] = await self._store.load([Read(LEARNER, ids)])
        if sealed is None:
            return None
        try:
            version = unseal(sealed)
        except SnapshotError as exc:
            raise Refusal(
                f"model version {number}: {exc}: run the build that wrote it up to the first tick "
                "of the new learner, or bring back the record if it is damaged"
            ) from exc
        loaded = digest(version)
        if self._differs(number, loaded, about):
            return None
        _make_room(self.digests)
        self.digests[number] = loaded
        return version

    def _differs(self, version: int, loaded: str, about: bytes | None) -> bool:
        """Whether a loaded version is not the published one; each difference is logged once."""
        if about is None:
            return False  # published by a build that wrote no digest beside it
        published = msgspec.json.decode(about, type=About).digest
        if loaded == published:
            return False
        if (version, loaded, published) not in self._reported:
            _make_room(self._reported)
            self._reported[version, loaded, published] = None
            self._alarm()
            log.error("model_digest_differs", version=version, loaded=loaded, published=published)
        return True


@lru_cache(maxsize=4)
def _digest(rules: Rules) -> str:
    return rules.digest()


def _make_room(held: dict[Any, Any]) -> None:
    # Dicts keep their order, so the first key is the oldest.
    while len(held) >= KEPT:
        del held[next(iter(held))]
