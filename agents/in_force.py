"""What a tick names, fetched from Redis by digest or version and compiled once."""

from functools import lru_cache
from typing import Any

from agents.fatal import Refusal
from agents.stores.base import Read, Store
from schemas.rules import Rules
from schemas.tick import InForce
from streams.features.catalogue import FEATURES
from streams.learn.scorer import Scorer
from streams.learn.snapshot import empty, unseal
from streams.models import Models
from streams.shard import Standing

LEARNER = "learner"
"""The learner's shard; its states are the published versions."""

KEPT = 64  # versions and rules held compiled; a worker needs one or two at a time


def version_id(version: int) -> str:
    """Under which id of the learner's shard a version lies."""
    return f"version:{version}"


class Catalogue:
    """Versions and rules by name.

    None means "not in Redis, not yet or no more": park and ask again.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._scorers = {0: Scorer(empty(FEATURES.digest, len(FEATURES.names)))}
        self._rules: dict[str, Rules] = {}
        self._genesis = Rules()

    async def models(self, standing: Standing) -> Models | None:
        """Everything in force for a shard.

        Before the first tick the built-in rules, and nothing is scored.
        """
        in_force = standing.in_force
        if in_force is None:
            genesis = self._genesis
            return Models(genesis, _digest(genesis), FEATURES, 0, None, None)
        if in_force.features != FEATURES.digest:
            raise Refusal(
                f"the log has feature list {in_force.features}, this build {FEATURES.digest}: "
                "run the build that wrote the tick, or start the learner of this one first"
            )
        rules, scorer = await self._rules_of(in_force), await self._scorer_of(in_force)
        if rules is None or scorer is None:
            return None
        return Models(
            rules, in_force.rules, FEATURES, in_force.model_version, scorer, standing.clock_ms
        )

    async def _rules_of(self, in_force: InForce) -> Rules | None:
        if in_force.rules not in self._rules:
            text = await self._store.text(in_force.rules)
            if text is None:
                return None
            _make_room(self._rules)
            self._rules[in_force.rules] = Rules.from_text(text)
        return self._rules[in_force.rules]

    async def _scorer_of(self, in_force: InForce) -> Scorer | None:
        version = in_force.model_version
        if version not in self._scorers:
            [[data]] = await self._store.load([Read(LEARNER, [version_id(version)])])
            if data is None:
                return None
            _make_room(self._scorers)
            self._scorers[version] = Scorer(unseal(data))
        return self._scorers[version]


@lru_cache(maxsize=4)
def _digest(rules: Rules) -> str:
    return rules.digest()


def _make_room(held: dict[Any, Any]) -> None:  # the oldest gives way: dicts keep their order
    while len(held) >= KEPT:
        del held[next(iter(held))]
