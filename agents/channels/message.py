"""What a channel sends, and what came of it."""

import asyncio
import hashlib
import re
import time
from collections.abc import Coroutine, Mapping
from typing import Any, Literal, Protocol, TypeAlias

from msgspec import Struct, structs

from touchstream.schemas.units import Millis

ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
"""No full stop: the signature joins id, time and body with full stops."""
CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")

Status: TypeAlias = Literal["delivered", "retry", "gone", "refused"]
Kind: TypeAlias = Literal["webhook", "email", "slack", "apprise"]


class Message(Struct, frozen=True):
    """One message to one destination; the same at every attempt.

    Raises
    ------
    ValueError
        If the id is none, or the subject holds a line break or another control character.
    """

    id: str
    """Stable: the receiver drops a repetition by it. :func:`message_id` makes one."""
    type: str
    """Such as ``alert.raised`` or ``alert.digest``."""
    subject: str
    """One line."""
    text: str
    html: str | None
    """The same text for mail programs that show HTML; escaped by its author."""
    payload: Mapping[str, Any]
    """For programs: ids and a link, no personal data."""
    language: str
    """Of the texts, as in BCP 47."""
    time_ms: Millis
    """When it was made."""
    details: Mapping[str, Any] = {}
    """The rest for programs; added to ``payload`` where a channel is set to the full payload."""

    def __post_init__(self) -> None:
        if not ID.fullmatch(self.id):
            raise ValueError("id: want 1 to 128 of A-Z a-z 0-9 _ -")
        if CONTROL.search(self.subject):
            raise ValueError("subject: want one line without control characters")


class Delivery(Struct, frozen=True):
    """What came of one attempt."""

    status: Status
    """``retry``: by the schedule; ``refused``: this message never; ``gone``: no message ever."""
    code: int | None = None
    """Of HTTP or SMTP; None: there was no answer."""
    duration_ms: int = 0
    retry_after_s: float | None = None
    """The wait that the other side asked for."""
    reason: str | None = None
    """A fixed sentence of ours; nothing that the other side wrote, no address."""

    @property
    def well(self) -> bool:
        """Whether the message is delivered."""
        return self.status == "delivered"


class Channel(Protocol):
    """A way out. Its methods raise for faults of ours only."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> Kind: ...

    async def send(self, message: Message, address: str | None) -> Delivery:
        """Attempt once, within the channel's timeout; only ``email`` reads the address."""
        ...

    async def close(self) -> None:
        """Give up what it holds; safe to repeat."""
        ...


def message_id(*parts: str) -> str:
    """Return the id of the message about these parts: the same parts, the same id.

    >>> message_id("alert.raised", "a1", "ada")
    'msg_4dc239b019a3a0244a11682c741f3f6d'
    """
    # Lengths keep ("ab", "c") apart from ("a", "bc").
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return f"msg_{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def one_line(text: str) -> str:
    r"""Replace what a subject must not hold, for texts that others wrote.

    >>> one_line("ada\r\nBcc: bob")
    'ada Bcc: bob'
    """
    return " ".join(CONTROL.sub(" ", text).split())


async def within(timeout_s: float, attempt: Coroutine[Any, Any, Delivery]) -> Delivery:
    """Await an attempt for so long at most, and state its duration."""
    started_s = time.monotonic()
    try:
        async with asyncio.timeout(timeout_s):
            found = await attempt
    except TimeoutError:
        found = Delivery("retry", reason=f"no answer within {timeout_s:g} s")
    spent_ms = round((time.monotonic() - started_s) * 1000)
    return structs.replace(found, duration_ms=spent_ms)
