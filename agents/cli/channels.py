"""``touchstream channels test``: one message over one channel, and what came of it."""

import asyncio
import time
import uuid

import msgspec
import orjson
import typer

from touchstream.agents.channels.mailboxes import mailbox
from touchstream.agents.channels.message import Delivery, Message, message_id
from touchstream.agents.channels.registry import open_channel
from touchstream.agents.channels.sender import Sender
from touchstream.agents.cli.failures import BadUsage
from touchstream.agents.settings import ChannelSettings, Settings
from touchstream.schemas.units import Millis

SUBJECT = "touchstream: test message"
TEXT = (
    "This is a test message of touchstream: the channel works.\n"
    "Somebody ran `touchstream channels test`; there is nothing to do."
)
HTML = f"<p>{TEXT.replace(chr(10), '<br>')}</p>".replace("`", "")


def send_test(settings: Settings, name: str, to: str | None, *, as_json: bool) -> bool:
    """Send it; True if it was delivered."""
    channel = _chosen(settings, name, to)
    delivery = asyncio.run(_sent(settings, channel, to))
    if as_json:
        found = {"channel": name, "kind": channel.kind, **msgspec.structs.asdict(delivery)}
        typer.echo(orjson.dumps(found).decode())
    else:
        typer.echo(f"{name} ({channel.kind}): {_line(delivery)}")
    return delivery.well


def _chosen(settings: Settings, name: str, to: str | None) -> ChannelSettings:
    found = {channel.name: channel for channel in settings.channels}
    if name not in found:
        known = ", ".join(sorted(found)) or "none is set"
        raise BadUsage(f"NAME={name!r}: want a channel of [[channels]]: {known}")
    by_mail = found[name].kind == "email"
    if by_mail and mailbox(to or "") is None:
        raise BadUsage(f"--to: want an e-mail address for {name!r}, such as ada@example.com")
    if not by_mail and to is not None:
        raise BadUsage(f"--to: want none for {name!r}: its address is in the settings")
    return found[name]


async def _sent(settings: Settings, channel: ChannelSettings, to: str | None) -> Delivery:
    sender = Sender({channel.name: open_channel(channel, settings.smtp)})
    try:
        return await sender.send(_message(), channel.name, to)
    finally:
        await sender.close()


def _message() -> Message:
    return Message(
        id=message_id("channel.test", uuid.uuid4().hex),
        type="channel.test",
        subject=SUBJECT,
        text=TEXT,
        html=HTML,
        payload={},
        language="en",
        time_ms=Millis(time.time_ns() // 1_000_000),
    )


def _line(delivery: Delivery) -> str:
    words = "delivered" if delivery.well else f"not delivered: {delivery.reason}"
    code = "" if delivery.code is None else f", status {delivery.code}"
    return f"{words}{code}, {delivery.duration_ms} ms"
