"""The stream of the queue, on a real server with real clients."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp
from fastapi import FastAPI

from tests.web.console_client import (
    ADA_KEY,
    ListedAlerts,
    browser,
    ports,
    settings_with_reps,
    sign_in,
)
from tests.web.queue_rows import row
from touchstream.web.console.app import console_app
from touchstream.web.console.event_stream import MOST_STREAMS, EventStream, message
from touchstream.web.console.live import Live
from touchstream.web.console.serve import Server, listening
from touchstream.web.console.sessions import COOKIE

SECRET = "0123456789abcdef"
CLIENTS = 100


class Event(NamedTuple):
    """A server-sent event."""

    id: str
    html: str


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[tuple[Server, str]]:
    """A server with the application, and its address."""
    server = Server(app)
    with listening("127.0.0.1", 0) as bound:
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        serving = asyncio.create_task(server.serve([bound]))
        try:
            yield server, address
        finally:
            server.should_exit = True
            await serving


async def cookie_of() -> dict[str, str]:
    """Ada's session, made by another process of the same secret."""
    app = console_app(settings_with_reps(secret=SECRET), ports())
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        return {COOKIE: client.cookies[COOKIE]}


async def next_event(response: aiohttp.ClientResponse) -> Event | None:
    """The next event with data; None at the end of the stream."""
    id_, lines = "", []
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if line.startswith("id: "):
            id_ = line[4:]
        elif line.startswith("data: "):
            lines.append(line[6:])
        elif not line and lines:
            return Event(id_, "\n".join(lines))
    return None


def app_with(alerts: ListedAlerts) -> FastAPI:
    return console_app(settings_with_reps(secret=SECRET), ports(alerts=alerts))


async def test_a_new_alert_appears_without_reload() -> None:
    alerts = ListedAlerts(ada=[row("cy")])
    cookies = await cookie_of()
    async with (
        served(app_with(alerts)) as (_, address),
        aiohttp.ClientSession(cookies=cookies) as session,
        session.get(f"{address}/queue/stream") as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        first = await next_event(response)
        assert first is not None
        assert "cy" in first.html
        alerts.lists["ada"] = [row("cy"), row("dan")]
        second = await next_event(response)
        assert second is not None
        assert "dan" in second.html
        assert second.id != first.id


async def test_a_client_that_shows_the_list_gets_only_what_is_new_to_it() -> None:
    alerts = ListedAlerts(ada=[row("cy")])
    cookies = await cookie_of()
    async with (
        served(app_with(alerts)) as (_, address),
        aiohttp.ClientSession(cookies=cookies) as session,
    ):
        async with session.get(f"{address}/queue/stream") as response:
            first = await next_event(response)
        assert first is not None
        page = {"cursor": "of an older page"}
        newer = {"Last-Event-ID": first.id}
        async with session.get(f"{address}/queue/stream", params=page, headers=newer) as response:
            alerts.lists["ada"] = []
            event = await next_event(response)
        assert event is not None
        assert "Nobody needs you right now" in event.html


async def test_after_a_restart_of_the_server_nothing_is_missing() -> None:
    cookies = await cookie_of()
    async with (
        served(app_with(ListedAlerts(ada=[row("cy")]))) as (_, address),
        aiohttp.ClientSession(cookies=cookies) as session,
        session.get(f"{address}/queue/stream") as response,
    ):
        before = await next_event(response)
    assert before is not None
    again = ListedAlerts(ada=[row("cy"), row("dan")])
    async with (
        served(app_with(again)) as (_, address),
        aiohttp.ClientSession(cookies=cookies) as session,
        session.get(f"{address}/queue/stream", headers={"Last-Event-ID": before.id}) as response,
    ):
        after = await next_event(response)
    assert after is not None
    assert "dan" in after.html


async def test_without_a_session_there_is_no_stream() -> None:
    async with (
        served(app_with(ListedAlerts())) as (_, address),
        aiohttp.ClientSession() as session,
        session.get(f"{address}/queue/stream") as response,
    ):
        assert response.status == 401


async def test_a_stream_ends_with_its_session() -> None:
    alerts = ListedAlerts(ada=[row("cy")])
    app = app_with(alerts)
    cookies = await cookie_of()
    async with (
        served(app) as (_, address),
        aiohttp.ClientSession(cookies=cookies) as session,
        session.get(f"{address}/queue/stream") as response,
    ):
        assert await next_event(response) is not None
        app.state.gate.sessions.lifetime_s = -1
        alerts.lists["ada"] = []
        assert await next_event(response) is None


async def test_a_session_has_so_many_streams_and_another_has_its_own() -> None:
    cookies, others = await cookie_of(), await cookie_of()
    async with (
        served(app_with(ListedAlerts(ada=[row("cy")]))) as (_, address),
        aiohttp.ClientSession(cookies=cookies) as session,
        aiohttp.ClientSession(cookies=others) as another,
    ):
        responses = [await session.get(f"{address}/queue/stream") for _ in range(MOST_STREAMS)]
        assert [one.status for one in responses] == [200] * MOST_STREAMS
        async with session.get(f"{address}/queue/stream", headers={"hx-request": "1"}) as refused:
            assert refused.status == 429
            assert "too many windows" in await refused.text()
        async with another.get(f"{address}/queue/stream") as response:
            assert response.status == 200
        for one in responses:
            one.close()
        # A closed stream gives its place back as soon as the server sees that it is closed.
        async with asyncio.timeout(5):
            while True:
                async with session.get(f"{address}/queue/stream") as response:
                    if response.status == 200:
                        break


async def test_the_server_ends_within_three_seconds_with_a_hundred_streams() -> None:
    app = app_with(ListedAlerts(ada=[row("cy")]))
    sessions = [await cookie_of() for _ in range(CLIENTS // MOST_STREAMS + 1)]
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        served(app) as (server, address),
        aiohttp.ClientSession(connector=connector) as session,
    ):
        responses = await asyncio.gather(
            *(
                session.get(f"{address}/queue/stream", cookies=sessions[at // MOST_STREAMS])
                for at in range(CLIENTS)
            )
        )
        firsts = await asyncio.gather(*(next_event(response) for response in responses))
        assert all(first is not None for first in firsts)
        began_s = time.monotonic()
        server.should_exit = True
        ends = await asyncio.gather(*(next_event(response) for response in responses))
    assert ends == [None] * CLIENTS
    assert time.monotonic() - began_s < 3.0


async def test_all_streams_share_one_reading() -> None:
    alerts = ListedAlerts(ada=[row("cy")])
    app = app_with(alerts)
    cookies = await cookie_of()
    async with (
        served(app) as (_, address),
        aiohttp.ClientSession(cookies=cookies) as session,
    ):
        responses = [await session.get(f"{address}/queue/stream") for _ in range(MOST_STREAMS)]
        for response in responses:
            await next_event(response)
        live: Live = app.state.live
        before = live.readings
        alerts.lists["ada"] = []
        for response in responses:
            assert await next_event(response) is not None
        # The change is seen by one reading, and the interval allows for one more meanwhile.
        assert live.readings - before <= 2
        for response in responses:
            response.close()


async def test_a_client_that_takes_nothing_is_closed() -> None:
    stuck, sent = asyncio.Event(), []

    async def send(message_: object) -> None:
        sent.append(message_)
        if len(sent) > 1:
            await stuck.wait()

    async def receive() -> dict[str, str]:
        await stuck.wait()
        return {"type": "http.disconnect"}

    async def events() -> AsyncIterator[bytes]:
        while True:
            yield message("1", "x")

    await asyncio.wait_for(EventStream(events(), slow_s=0.01)({}, receive, send), 5)
    assert len(sent) == 2
