"""Deliveries side by side: a dead destination slows nobody, and the log knows no address."""

import asyncio
from collections.abc import Sequence

import pytest
import structlog
from msgspec import structs

from tests.agents.channels import receivers
from tests.agents.channels.receivers import KEY, MESSAGE, Receiver, receiving
from touchstream.agents.channels.message import Channel, Delivery, Kind, Message
from touchstream.agents.channels.safe_http import SafeHttp
from touchstream.agents.channels.sender import Sender
from touchstream.agents.channels.webhook import WebhookChannel


class Paced:
    """A channel whose attempts end when the test says so."""

    def __init__(self, name: str, kind: Kind = "email") -> None:
        self.name = name
        self.kind = kind
        self.begun: list[tuple[str, str | None]] = []
        self.at_once = 0
        self.most_at_once = 0
        self.go_on = asyncio.Event()
        self.closed = False

    async def send(self, message: Message, address: str | None) -> Delivery:
        self.begun.append((message.id, address))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.go_on.wait()
        finally:
            self.at_once -= 1
        return Delivery("delivered", 250, duration_ms=7)

    async def close(self) -> None:
        self.closed = True


def numbered(number: int) -> Message:
    return structs.replace(MESSAGE, id=f"msg_{number}")


def sender_of(*channels: Channel) -> Sender:
    return Sender({channel.name: channel for channel in channels})


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


async def all_of(tasks: Sequence[asyncio.Task[Delivery]]) -> list[Delivery]:
    return list(await asyncio.gather(*tasks))


async def test_messages_to_one_destination_go_one_by_one_in_order() -> None:
    mail = Paced("mail")
    sender = sender_of(mail)
    tasks = [
        asyncio.create_task(sender.send(numbered(number), "mail", "ada@example.com"))
        for number in range(3)
    ]
    await settle()
    assert mail.begun == [("msg_0", "ada@example.com")]
    assert sender.waiting(sender.destination("mail", "ada@example.com")) == 3
    mail.go_on.set()
    assert all(delivery.well for delivery in await all_of(tasks))
    assert mail.begun == [(f"msg_{number}", "ada@example.com") for number in range(3)]
    assert mail.most_at_once == 1
    assert sender.waiting(sender.destination("mail", "ada@example.com")) == 0


async def test_destinations_of_one_channel_go_side_by_side_four_at_once() -> None:
    mail = Paced("mail")
    sender = sender_of(mail)
    tasks = [
        asyncio.create_task(sender.send(numbered(number), "mail", f"rep{number}@example.com"))
        for number in range(9)
    ]
    await settle()
    assert mail.at_once == 4
    mail.go_on.set()
    await all_of(tasks)
    assert (len(mail.begun), mail.most_at_once) == (9, 4)


async def test_a_webhook_is_one_destination_whatever_the_address() -> None:
    crm = Paced("crm", "webhook")
    sender = sender_of(crm)
    tasks = [
        asyncio.create_task(sender.send(numbered(number), "crm", f"rep{number}@example.com"))
        for number in range(2)
    ]
    await settle()
    assert crm.begun == [("msg_0", None)]
    crm.go_on.set()
    await all_of(tasks)


async def test_a_dead_channel_slows_no_other() -> None:
    dead, alive = Paced("dead"), Paced("alive")
    alive.go_on.set()
    sender = sender_of(dead, alive)
    stuck = [
        asyncio.create_task(sender.send(numbered(number), "dead", f"rep{number}@example.com"))
        for number in range(100)
    ]
    await settle()
    for number in range(100):
        assert (await sender.send(numbered(number), "alive", "ada@example.com")).well
    assert not any(task.done() for task in stuck)
    dead.go_on.set()
    await all_of(stuck)


async def test_real_receivers_that_hang_slow_no_real_receiver_that_answers() -> None:
    async with receiving() as dead, receiving() as alive:
        dead.answer = receivers.hang
        urls = {f"dead{number}": dead.url for number in range(30)} | {"alive": alive.url}
        sender = sender_of(*(webhook(name, url) for name, url in urls.items()))
        stuck = [
            asyncio.create_task(sender.send(MESSAGE, name)) for name in urls if name != "alive"
        ]
        async with asyncio.timeout(10):  # those that hang take 60 s
            await dead.arrived.wait()
            for number in range(20):
                assert (await sender.send(numbered(number), "alive")).well
        assert not any(task.done() for task in stuck)
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
        await sender.close()


def webhook(name: str, url: str) -> WebhookChannel:
    http = SafeHttp(allow_http=True, allow_private=True)
    return WebhookChannel(name, url, [KEY], http, timeout_s=60.0)


async def test_a_send_that_is_cancelled_gives_way_to_the_next() -> None:
    mail = Paced("mail")
    sender = sender_of(mail)
    first, waiting, third = (
        asyncio.create_task(sender.send(numbered(number), "mail", "ada@example.com"))
        for number in range(3)
    )
    await settle()
    waiting.cancel()
    first.cancel()
    await settle()
    assert [id_ for id_, _ in mail.begun] == ["msg_0", "msg_2"]
    mail.go_on.set()
    assert (await third).well
    assert first.cancelled()
    assert waiting.cancelled()
    assert sender.waiting(sender.destination("mail", "ada@example.com")) == 0


async def test_an_attempt_is_one_line_of_the_log_without_address_or_text() -> None:
    mail = Paced("mail")
    mail.go_on.set()
    with structlog.testing.capture_logs() as lines:
        await sender_of(mail).send(MESSAGE, "mail", "ada@example.com", attempt=3)
    assert lines == [
        {
            "event": "delivery",
            "log_level": "info",
            "message_id": "msg_1",
            "message_type": "alert.raised",
            "channel": "mail",
            "kind": "email",
            "attempt": 3,
            "status": "delivered",
            "code": 250,
            "duration_ms": 7,
            "reason": None,
        }
    ]


@pytest.mark.parametrize(
    "answer", [receivers.status(500), receivers.hang_up], ids=["500", "hang-up"]
)
async def test_a_failure_is_a_warning_that_names_no_address(
    receiver: Receiver, answer: receivers.Answer
) -> None:
    receiver.answer = answer
    sender = sender_of(webhook("crm", receiver.url))
    with structlog.testing.capture_logs() as lines:
        await sender.send(MESSAGE, "crm")
    await sender.close()
    [line] = lines
    assert (line["log_level"], line["status"]) == ("warning", "retry")
    assert "127.0.0.1" not in str(line)
    assert "Ada" not in str(line)


async def test_closing_closes_every_channel() -> None:
    one, other = Paced("one"), Paced("other")
    await sender_of(one, other).close()
    assert (one.closed, other.closed) == (True, True)


async def test_a_channel_that_does_not_exist_is_a_fault_of_the_caller() -> None:
    with pytest.raises(KeyError):
        await sender_of().send(MESSAGE, "nobody")


async def test_a_message_that_is_not_wanted_any_more_when_its_turn_comes_is_not_sent() -> None:
    mail = Paced("mail")
    sender, wanted = sender_of(mail), True
    first = asyncio.create_task(sender.send(numbered(1), "mail", "ada@example.com"))
    second = asyncio.create_task(
        sender.send_if(lambda: wanted, numbered(2), "mail", "ada@example.com")
    )
    await settle()
    wanted = False
    mail.go_on.set()
    assert (await first).well
    assert await second is None
    assert mail.begun == [("msg_1", "ada@example.com")]
