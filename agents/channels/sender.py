"""Deliveries side by side: a dead destination holds up nothing but its own messages."""

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple

import structlog

from touchstream.agents.channels.message import Channel, Delivery, Message

log = structlog.get_logger()

MOST_AT_ONCE = 4
"""Attempts in flight of one channel; e-mail has many destinations behind one server."""


class Destination(NamedTuple):
    """Where messages wait for each other."""

    channel: str
    address: str | None


class Sender:
    """Sends over channels: one attempt at once to a destination, four over a channel.

    No limit is shared by channels, so none can use up another's; in all there are at most four
    attempts per channel, each bounded by the channel's timeout. Waiting costs no thread or socket.

    ``send`` waits for its turn, attempts once, logs and returns. A caller that must not wait
    starts a task; cancelling it gives the turn to the next. Repeating, storing and switching off
    are the caller's: ``attempts.next_attempt_ms`` and ``EndpointHealth`` say when.
    """

    def __init__(self, channels: Mapping[str, Channel], *, at_once: int = MOST_AT_ONCE) -> None:
        self._channels = channels
        self._slots = {name: asyncio.Semaphore(at_once) for name in channels}
        self._lines: dict[Destination, _Line] = {}

    def destination(self, channel: str, address: str | None) -> Destination:
        """Return where such a message goes; an address matters to e-mail alone."""
        by_mail = self._channels[channel].kind == "email"
        return Destination(channel, address if by_mail else None)

    def waiting(self, destination: Destination) -> int:
        """Return how many messages are on the way there or wait for it."""
        line = self._lines.get(destination)
        return 0 if line is None else line.wanted

    async def send(
        self, message: Message, channel: str, address: str | None = None, *, attempt: int = 1
    ) -> Delivery:
        """Attempt once, in the order of the calls for one destination.

        Parameters
        ----------
        message
            The same at every attempt.
        channel
            A name among the channels; KeyError for another.
        address
            Of the rep or queue.
        attempt
            Its number, >= 1, for the log.
        """
        found = await self.send_if(lambda: True, message, channel, address, attempt=attempt)
        assert found is not None  # it is always wanted
        return found

    async def send_if(
        self,
        wanted: Callable[[], bool],
        message: Message,
        channel: str,
        address: str | None = None,
        *,
        attempt: int = 1,
    ) -> Delivery | None:
        """Attempt once if it is still ``wanted`` when its turn has come; None if it is not."""
        destination = self.destination(channel, address)
        line = self._lines.setdefault(destination, _Line(asyncio.Lock()))
        line.wanted += 1
        try:
            async with line.lock, self._slots[channel]:
                if not wanted():
                    return None
                delivery = await self._channels[channel].send(message, destination.address)
        finally:
            line.wanted -= 1
            if not line.wanted:
                del self._lines[destination]
        self._log(message, channel, delivery, attempt)
        return delivery

    def _log(self, message: Message, channel: str, delivery: Delivery, attempt: int) -> None:
        """Status and duration; never an address or anything of the message but its id."""
        write = log.info if delivery.well else log.warning
        write(
            "delivery",
            message_id=message.id,
            message_type=message.type,
            channel=channel,
            kind=self._channels[channel].kind,
            attempt=attempt,
            status=delivery.status,
            code=delivery.code,
            duration_ms=delivery.duration_ms,
            reason=delivery.reason,
        )

    async def close(self) -> None:
        """Close the channels; the caller has awaited or cancelled its sends."""
        for channel in self._channels.values():
            await channel.close()


class _Line:
    """The queue before one destination."""

    def __init__(self, lock: asyncio.Lock) -> None:
        self.lock = lock
        self.wanted = 0
