"""The processes of a replay or a demo, and the store they share."""

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

SUPERVISE_EVERY_S = 0.5


class Workforce(Protocol):
    """The processes that do the work, supervised."""

    def look(self) -> None:
        """Restart processes that have exited; raise if that is hopeless."""


async def supervise(workforce: Workforce) -> None:
    """Look after the processes for ever; raises what ``look`` raises."""
    while True:
        workforce.look()
        await asyncio.sleep(SUPERVISE_EVERY_S)


class Runtime(NamedTuple):
    """A store, and the processes that use it."""

    store: Store
    workforce: Workforce


@asynccontextmanager
async def runtime(replay_services: ReplayServices, workers: int) -> AsyncIterator[Runtime]:
    """Start workers and learner on the services; stop them and wipe the store at the end."""
    if replay_services.twin:
        async with _inside(replay_services) as found:
            yield found
        return
    store = open_store(replay_services.settings)
    supervisor = Supervisor(workers, replay_services.environ, replay_services.logs, ticks=False)
    try:
        yield Runtime(store, supervisor)
    finally:
        # Stopping blocks for seconds, and the event loop still runs other tasks.
        await asyncio.to_thread(supervisor.stop)
        await store.wipe()
        await store.close()


class _Apps:
    """Both agents in this process: a failure ends it, so there is nothing to restart."""

    def look(self) -> None:
        """Do nothing."""


@asynccontextmanager
async def _inside(replay_services: ReplayServices) -> AsyncIterator[Runtime]:
    """One worker and the learner in this process, because only it can see an in-memory store."""
    store = MemoryStore()
    apps: Sequence[faust.App] = (
        learner_app(replay_services.settings, store, writes_ticks=False),
        worker_app(replay_services.settings, store),
    )
    try:
        for app in apps:
            await app.start()
        yield Runtime(store, _Apps())
    finally:
        for app in apps:
            await app.stop()
