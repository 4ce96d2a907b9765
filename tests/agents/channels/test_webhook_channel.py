"""Webhooks to a real receiver: only 2xx succeeds, and the receiver can verify who sends."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
import standardwebhooks
from msgspec import structs

from tests.agents.channels import receivers
from tests.agents.channels.receivers import KEY, MESSAGE, OLD_KEY, Receiver, status
from touchstream.agents.channels.message import Delivery
from touchstream.agents.channels.safe_http import SafeHttp
from touchstream.agents.channels.webhook import WebhookChannel

Opened = Callable[..., AbstractAsyncContextManager[WebhookChannel]]


@contextlib.asynccontextmanager
async def webhook(
    url: str,
    *keys: str,
    http: SafeHttp | None = None,
    timeout_s: float = 10.0,
    full: bool = False,
    now_s: Callable[[], float] = time.time,
) -> AsyncIterator[WebhookChannel]:
    channel = WebhookChannel(
        "crm",
        url,
        keys or (KEY,),
        http or SafeHttp(allow_http=True, allow_private=True),
        payload="full" if full else "thin",
        timeout_s=timeout_s,
        now_s=now_s,
    )
    try:
        yield channel
    finally:
        await channel.close()


async def sent(url: str, **how: object) -> Delivery:
    """Send once; without the duration, which no test can know."""
    async with webhook(url, **how) as channel:  # type: ignore[arg-type]
        return structs.replace(await channel.send(MESSAGE, None), duration_ms=0)


async def test_a_message_that_is_taken_is_delivered(receiver: Receiver) -> None:
    assert await sent(receiver.url) == Delivery("delivered", 200)
    [request] = receiver.requests
    assert request.path == "/hook"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == "msg_1"


async def test_the_payload_is_thin(receiver: Receiver) -> None:
    await sent(receiver.url)
    assert receiver.requests[0].json == {
        "type": "alert.raised",
        "timestamp": "2026-09-21T14:13:20.000Z",
        "data": {"alert": "a1", "customer": "ada"},
    }


async def test_the_payload_is_full_where_the_channel_is_set_so(receiver: Receiver) -> None:
    await sent(receiver.url, full=True)
    assert receiver.requests[0].json["data"] == {
        "alert": "a1",
        "customer": "ada",
        "risk": 0.81,
        "subject": "Ada is likely to leave",
        "text": "Risk 81 %.\nCall them.",
        "language": "en",
    }


@pytest.mark.parametrize("known", [KEY, OLD_KEY], ids=["new", "old"])
async def test_while_keys_change_either_verifies(receiver: Receiver, known: str) -> None:
    async with webhook(receiver.url, KEY, OLD_KEY) as channel:
        await channel.send(MESSAGE)
    [request] = receiver.requests
    standardwebhooks.Webhook(known).verify(request.body, request.headers)


async def test_the_newest_key_signs_first(receiver: Receiver) -> None:
    async with webhook(receiver.url, KEY, OLD_KEY) as both, webhook(receiver.url, KEY) as one:
        body = both.body(MESSAGE)
        first, second = both.headers("msg_1", body, 5.0)["webhook-signature"].split()
        assert one.headers("msg_1", body, 5.0)["webhook-signature"] == first
        assert second != first


async def test_another_key_does_not_verify(receiver: Receiver) -> None:
    await sent(receiver.url)
    [request] = receiver.requests
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(OLD_KEY).verify(request.body, request.headers)


async def test_another_body_does_not_verify(receiver: Receiver) -> None:
    await sent(receiver.url)
    [request] = receiver.requests
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(KEY).verify(request.body + b" ", request.headers)


async def test_the_id_stays_and_the_time_is_that_of_the_attempt(receiver: Receiver) -> None:
    times = iter([1_000.9, 4_600.0])
    async with webhook(receiver.url, now_s=lambda: next(times)) as channel:
        await channel.send(MESSAGE)
        await channel.send(MESSAGE)
    heads = [
        (request.headers["webhook-id"], request.headers["webhook-timestamp"])
        for request in receiver.requests
    ]
    assert heads == [("msg_1", "1000"), ("msg_1", "4600")]
    assert receiver.requests[0].body == receiver.requests[1].body


@pytest.mark.parametrize("code", [204, 299])
async def test_every_2xx_succeeds(receiver: Receiver, code: int) -> None:
    receiver.answer = status(code)
    assert await sent(receiver.url) == Delivery("delivered", code)


@pytest.mark.parametrize("code", [400, 401, 404, 500, 503])
async def test_every_other_status_is_tried_again(receiver: Receiver, code: int) -> None:
    receiver.answer = status(code)
    assert await sent(receiver.url) == Delivery("retry", code, reason=f"HTTP status {code}")


@pytest.mark.parametrize("code", [301, 302, 307, 308])
async def test_a_redirect_fails_and_is_not_followed(receiver: Receiver, code: int) -> None:
    receiver.answer = status(code, Location=f"http://127.0.0.1:{receiver.port}/secret")
    delivery = await sent(receiver.url)
    assert delivery == Delivery(
        "retry", code, reason=f"HTTP status {code}; redirects are not followed"
    )
    assert [request.path for request in receiver.requests] == ["/hook"]


async def test_410_says_never_again(receiver: Receiver) -> None:
    receiver.answer = status(410)
    assert await sent(receiver.url) == Delivery(
        "gone", 410, reason="the receiver wants no further messages"
    )


async def test_429_says_when(receiver: Receiver) -> None:
    receiver.answer = status(429, Retry_After="120")
    assert await sent(receiver.url) == Delivery(
        "retry", 429, retry_after_s=120.0, reason="HTTP status 429"
    )


async def test_503_says_when_by_a_date(receiver: Receiver) -> None:
    receiver.answer = status(503, Retry_After="Thu, 01 Jan 1970 00:01:00 GMT")
    delivery = await sent(receiver.url, now_s=lambda: 45.0)
    assert delivery.retry_after_s == 15.0


async def test_a_receiver_that_hangs_takes_no_longer_than_the_timeout(receiver: Receiver) -> None:
    receiver.answer = receivers.hang
    async with webhook(receiver.url, timeout_s=0.2) as channel:
        delivery = await channel.send(MESSAGE)
    assert (delivery.status, delivery.reason) == ("retry", "no answer within 0.2 s")
    assert 200 <= delivery.duration_ms < 5_000


async def test_a_connection_that_is_closed_is_tried_again(receiver: Receiver) -> None:
    receiver.answer = receivers.hang_up
    delivery = await sent(receiver.url)
    assert (delivery.status, delivery.code) == ("retry", None)
    assert delivery.reason in {
        "the connection was closed without an answer",
        "the connection was lost",
    }


async def test_an_answer_without_end_is_not_read(receiver: Receiver) -> None:
    receiver.answer = receivers.talk
    async with asyncio.timeout(10):
        assert await sent(receiver.url) == Delivery("delivered", 200)


async def test_nobody_at_the_address_is_tried_again(receiver: Receiver) -> None:
    delivery = await sent("http://127.0.0.1:1/hook")
    assert delivery == Delivery("retry", reason="no connection")


async def test_what_does_not_speak_http_is_tried_again() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        delivery = await sent(f"http://127.0.0.1:{port}/")
    assert (delivery.status, delivery.code) == ("retry", None)
