"""A browser for tests: the application in this process, with cookies and tokens."""

import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response

from touchstream.agents.settings import ConsoleSettings, RepSettings, Settings
from touchstream.agents.settings_reps import QueueSettings
from touchstream.agents.stores.base import Store
from touchstream.agents.stores.claims import MemoryClaims
from touchstream.agents.stores.memory import MemoryStore
from touchstream.agents.views.event_log import EventLog, LogReading, LogUnavailable
from touchstream.schemas.units import Millis
from touchstream.web.console.app import Ports
from touchstream.web.console.principal import digest_of
from touchstream.web.console.publishing import NotPublished
from touchstream.web.console.rows import EVERYBODY, QueueRow

ADA_KEY, LALE_KEY, OLE_KEY = "tsk_ada", "tsk_lale", "tsk_ole"
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


def settings_with_reps(*others: RepSettings, **console: object) -> Settings:
    """Two partitions; Ada is a rep of queue ``retention``, Lale leads, Ole operates.

    Bob is a rep without a key, unless others are given.
    """
    return Settings.model_validate(
        {
            "kafka": {"partitions": 2},
            "console": ConsoleSettings.model_validate({"port": 0, **console}),
            "queues": (QueueSettings(id="retention"),),
            "reps": (
                RepSettings(
                    id="ada", name="Ada", key_sha256=digest_of(ADA_KEY), queues=("retention",)
                ),
                *(others or (RepSettings(id="bob"),)),
                RepSettings(id="lale", name="Lale", role="lead", key_sha256=digest_of(LALE_KEY)),
                RepSettings(id="ole", name="Ole", role="operator", key_sha256=digest_of(OLE_KEY)),
            ),
        }
    )


class ListedAlerts:
    """Implements ``Alerts`` with lists that a test writes."""

    def __init__(self, **lists: Sequence[QueueRow]) -> None:
        self.lists: dict[str, Sequence[QueueRow]] = dict(lists)

    async def open_alerts(
        self, assignees: Sequence[str], limit: int
    ) -> Mapping[str, Sequence[QueueRow]]:
        everybody = [row for rows in self.lists.values() for row in rows]
        lists = {**self.lists, EVERYBODY: everybody}
        return {one: lists.get(one, ())[:limit] for one in assignees}

    async def alerts_of(self, customer: str) -> Sequence[QueueRow]:
        return [row for rows in self.lists.values() for row in rows if row.customer == customer]

    async def customer_of(self, alert: str) -> str | None:
        rows = [row for rows in self.lists.values() for row in rows if row.alert == alert]
        return rows[0].customer if rows else None


class Published(NamedTuple):
    """An event as the console publishes it."""

    customer: str
    kind: str
    data: Mapping[str, object]


class Recorder:
    """Implements ``EventPublisher`` with a list, or with a broker that does not answer."""

    def __init__(self, *, answers: bool = True) -> None:
        self.events: list[Published] = []
        self._answers = answers

    async def publish(
        self, customer: str, kind: str, data: Mapping[str, object], now_ms: Millis
    ) -> None:
        if not self._answers:
            raise NotPublished("TimeoutError")
        self.events.append(Published(customer, kind, data))

    async def close(self) -> None:
        pass


class WrittenLog:
    """Implements ``EventLog`` with what a test writes, or with a broker that does not answer."""

    def __init__(
        self,
        reading: LogReading | None = None,
        ends: Mapping[int, int] | None = None,
    ) -> None:
        self._reading = reading
        self._ends = ends
        self.readings = 0

    async def read(self, customer: str) -> LogReading:
        self.readings += 1
        if self._reading is None:
            raise LogUnavailable("no broker answered")
        return self._reading

    async def ends(self) -> Mapping[int, int]:
        if self._ends is None:
            raise LogUnavailable("no broker answered")
        return self._ends


def ports(
    store: Store | None = None,
    alerts: ListedAlerts | None = None,
    publisher: Recorder | None = None,
    claims: MemoryClaims | None = None,
    log: EventLog | None = None,
) -> Ports:
    """Everything in memory; what is not given is empty."""
    return Ports(
        store or MemoryStore(),
        claims or MemoryClaims(time.monotonic),
        alerts or ListedAlerts(),
        publisher or Recorder(),
        log or WrittenLog(),
    )


@asynccontextmanager
async def browser(app: FastAPI, host: str = "127.0.0.1:9480") -> AsyncIterator[AsyncClient]:
    """A client with a cookie jar that asks for pages."""
    transport = ASGITransport(app=app)
    base, headers = f"http://{host}", {"accept": "text/html"}
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=transport, base_url=base, headers=headers) as client,
    ):
        yield client


async def sign_in(client: AsyncClient, key: str, to: str = "/overview") -> Response:
    """Fill in the form of the sign-in."""
    token = token_in(await client.get("/sign-in"))
    return await client.post("/sign-in", data={"key": key, "csrf": token, "to": to})


def token_in(page: Response) -> str:
    """The CSRF token of a page's forms."""
    found = CSRF.search(page.text)
    assert found is not None, page.text
    return found.group(1)
