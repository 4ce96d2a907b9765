"""What a tick names, fetched from Redis by digest or version and compiled once."""

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
from touchstream.streams.learn.snapshot import Version, digest, unseal

LEARNER = "learner"
"""The learner's shard; its states are the published versions."""

log = structlog.get_logger()

KEPT = 64  # versions and rules held compiled; a worker needs one or two at a time


def version_id(version: int) -> str:
    """Under which id of the learner's shard a version lies."""
    return f"version:{version}"


def about_id(version: int) -> str:
    """Under which id of the learner's shard lies what it says of a version."""
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
    """Rules and model versions by the names that ticks give them, each loaded and compiled once."""

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
        """What a shard scores with; None if Redis does not hold it, not yet or no more.

        Before the first tick these are the built-in rules, and nothing is scored.
        """
        active_config = checkpoint.active_config
        if active_config is None:
            genesis = self._genesis
            return ServingContext(genesis, _digest(genesis), FEATURES, 0, None, None)
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
        asked = [version for version in versions if version in self.digests]
        [found] = await self._store.load([Read(LEARNER, [about_id(version) for version in asked])])
        for version, about in zip(asked, found, strict=True):
            if self._differs(version, self.digests[version], about):
                del self.digests[version]
                self._scorers = {k: found for k, found in self._scorers.items() if k[0] != version}

    async def _version(self, number: int) -> Version | None:
        """A version as the learner published it; None: it is not there, or another one is."""
        ids = [version_id(number), about_id(number)]
        [[sealed, about]] = await self._store.load([Read(LEARNER, ids)])
        if sealed is None:
            return None
        version = unseal(sealed)
        loaded = digest(version)
        if self._differs(number, loaded, about):
            return None
        _make_room(self.digests)
        self.digests[number] = loaded
        return version

    def _differs(self, version: int, loaded: str, about: bytes | None) -> bool:
        """Whether it is not what the learner says; each difference is told once."""
        if about is None:
            return False
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


def _make_room(held: dict[Any, Any]) -> None:  # the oldest gives way: dicts keep their order
    while len(held) >= KEPT:
        del held[next(iter(held))]
