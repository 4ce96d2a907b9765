"""Who does the work of a replay or a demo, and the store they share."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol

import faust

from touchstream.agents.replay.services import ReplayServices
from touchstream.agents.replay.supervisor import Supervisor
from touchstream.agents.stores.base import Store
from touchstream.agents.stores.connect import open_store
from touchstream.agents.stores.memory import MemoryStore
from touchstream.agents.wiring import learner_app, worker_app


class Workforce(Protocol):
    """Looked after while the work goes on."""

    def look(self) -> None:
        """Start again whoever has ended, or raise why that leads nowhere."""


class Runtime(NamedTuple):
    """A store, and those who work on it."""

    store: Store
    workforce: Workforce


@asynccontextmanager
async def runtime(scene: ReplayServices, workers: int) -> AsyncIterator[Runtime]:
    """Start worker and learner on the stage; stop them, and clear the store, at the end."""
    if scene.twin:
        async with _inside(scene) as found:
            yield found
        return
    store = open_store(scene.settings)
    supervisor = Supervisor(workers, scene.environ, scene.logs, ticks=False)
    try:
        yield Runtime(store, supervisor)
    finally:
        await asyncio.to_thread(supervisor.stop)
        await store.wipe()
        await store.close()


class _Apps:
    """Both agents in this very process: who fails ends it, so there is nobody to start again."""

    def look(self) -> None:
        """Nothing to do."""


@asynccontextmanager
async def _inside(scene: ReplayServices) -> AsyncIterator[Runtime]:
    """One worker and the learner in this process, because only it can see an in-memory store."""
    store = MemoryStore()
    apps: Sequence[faust.App] = (
        learner_app(scene.settings, store, writes_ticks=False),
        worker_app(scene.settings, store),
    )
    try:
        for app in apps:
            await app.start()
        yield Runtime(store, _Apps())
    finally:
        for app in apps:
            await app.stop()
