"""A version that is not what the learner published is not scored with, and raises alarm."""

import msgspec
import pytest

from tests.make import SILENCE_KILLS, knowing
from touchstream.agents.active_config import LEARNER, ServingContexts, version_states
from touchstream.agents.fatal import Refusal
from touchstream.agents.stores.base import Commit, Fence
from touchstream.agents.stores.memory import MemoryStore
from touchstream.schemas.rules import Rules
from touchstream.schemas.tick import ActiveConfig
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.streams.learn.snapshot import CHURN, Version, digest, empty, seal

RULES = Rules()
IN_FORCE = ShardCheckpoint(
    active_config=ActiveConfig(model_version=1, rules=RULES.digest(), features=FEATURES.digest)
)
TAUGHT = knowing(SILENCE_KILLS)
IGNORANT = Version(models={CHURN: empty(FEATURES.digest, 28.0)})


async def test_what_the_learner_published_is_in_force() -> None:
    published = await PublishedVersion.with_version(TAUGHT)
    assert await published.contexts.load(IN_FORCE) is not None
    assert published.contexts.digests == {1: digest(TAUGHT)}
    assert published.alarms == 0


async def test_a_version_that_is_not_what_the_learner_says_is_refused() -> None:
    published = await PublishedVersion.with_version(TAUGHT)
    await published.put({"version:1": seal(IGNORANT)})
    assert await published.contexts.load(IN_FORCE) is None


async def test_the_alarm_is_raised_once_for_each_difference() -> None:
    published = await PublishedVersion.with_version(TAUGHT)
    await published.put({"version:1": seal(IGNORANT)})
    for _ in range(3):
        await published.contexts.load(IN_FORCE)
    assert published.alarms == 1


async def test_once_it_is_what_the_learner_says_it_is_in_force_again() -> None:
    published = await PublishedVersion.with_version(TAUGHT)
    await published.put({"version:1": seal(IGNORANT)})
    await published.contexts.load(IN_FORCE)
    await published.put({"version:1": seal(TAUGHT)})
    assert await published.contexts.load(IN_FORCE) is not None


async def test_who_has_loaded_another_one_drops_it_at_the_next_check() -> None:
    published = await PublishedVersion.with_version(IGNORANT)
    await published.contexts.load(IN_FORCE)
    await published.put(_published(TAUGHT))
    await published.contexts.verify([1])
    models = await published.contexts.load(IN_FORCE)
    assert published.alarms == 1
    assert models is not None
    assert models.scorers is not None
    assert models.scorers[CHURN].model == SILENCE_KILLS


async def test_a_version_of_a_build_with_other_columns_is_refused_with_what_to_do() -> None:
    model = msgspec.structs.replace(SILENCE_KILLS, columns="of-old")
    published = await PublishedVersion.with_version(knowing(model))
    with pytest.raises(
        Refusal, match=r"version 1: churn: basis of-old, .* run the build that wrote"
    ):
        await published.contexts.load(IN_FORCE)


async def test_a_check_of_what_agrees_changes_nothing() -> None:
    published = await PublishedVersion.with_version(TAUGHT)
    before = await published.contexts.load(IN_FORCE)
    await published.contexts.verify([1])
    after = await published.contexts.load(IN_FORCE)
    assert before is not None
    assert after is not None
    assert after.scorers is before.scorers


class PublishedVersion:
    """A store with rules and version 1, and the serving contexts that a worker loads from it."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.contexts = ServingContexts(self.store, self._alarm)
        self.alarms = 0
        self._fence: Fence | None = None

    @staticmethod
    async def with_version(version: Version) -> "PublishedVersion":
        published = PublishedVersion()
        await published.store.put_text(RULES.digest(), RULES.to_text())
        await published.put(_published(version))
        return published

    async def put(self, states: dict[str, bytes | None]) -> None:
        commits = 1 if self._fence is None else self._fence.commits + 1
        fence = Fence(0, commits)
        assert await self.store.commit([Commit(LEARNER, self._fence, fence, b"", states)]) == [True]
        self._fence = fence

    def _alarm(self) -> None:
        self.alarms += 1


def _published(version: Version) -> dict[str, bytes | None]:
    knowledge = Knowledge.new(FEATURES, RULES)
    knowledge.version = 1
    return version_states(knowledge, seal(version))
