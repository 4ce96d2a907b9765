"""Who gets the alerts: support reps and queues, with their hours, capacity and channels."""

import re
from datetime import date, time
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from touchstream.agents.settings_tables import OptionalText, Table

Language = Literal["en", "tr"]
"""The languages of ``agents/languages/``."""
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Role = Literal["rep", "lead", "operator"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ValueError("want a time zone such as Europe/Istanbul") from None
    return name


def _hours(text: str | None) -> str | None:
    if text is not None and not (_HOURS.fullmatch(text) and text[:5] != text[6:]):
        raise ValueError("want hours such as 18:00-08:00")
    return text


def _empty_is_unset(value: object) -> object:
    return None if value == "" else value


Hours = Annotated[str | None, BeforeValidator(_empty_is_unset), AfterValidator(_hours)]


class Recipient(Table):
    """A rep or a queue, as far as messages go."""

    id: Name
    """As attribute ``owner`` of customers, or ``routing.queue``, names it."""
    name: str = ""
    """For display; empty: the id."""
    language: Language = "en"
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    quiet_hours: Hours = None
    """Local hours without messages; they may span midnight."""
    quiet_days: tuple[Weekday, ...] = ()
    """Local days without messages."""
    capacity_per_day: Annotated[int, Field(ge=0, le=10_000)] = 20
    """Alerts pushed on a local day; further ones are in the list and in the digest."""
    digest_hours: tuple[Annotated[int, Field(ge=0, le=23)], ...] = ()
    """Local hours at which a digest of the open alerts is sent."""
    channels: tuple[Name, ...] = ()
    """Names of ``channels``; none: the console only."""
    address: OptionalText = None
    """E-mail address, for channels of the kind ``email``."""
    answer_within_minutes: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """An alert without an answer for this long, outside of quiet hours, is escalated."""
    escalate_to: Name | None = None
    """The rep or queue that an unanswered alert goes to."""

    @property
    def shown(self) -> str:
        """The name for display."""
        return self.name or self.id

    @property
    def quiet(self) -> tuple[time, time] | None:
        """Begin and end of the quiet hours."""
        if self.quiet_hours is None:
            return None
        begin, _, end = self.quiet_hours.partition("-")
        return time.fromisoformat(begin), time.fromisoformat(end)

    def is_quiet_at(self, clock: time) -> bool:
        """Whether this local time is in the quiet hours."""
        if self.quiet is None:
            return False
        begin, end = self.quiet
        return begin <= clock < end if begin < end else clock >= begin or clock < end

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.escalate_to == self.id:
            raise ValueError("want escalate_to to name another rep or queue")
        if self.answer_within_minutes is not None and self.escalate_to is None:
            raise ValueError("want escalate_to with answer_within_minutes")
        for hour in self.digest_hours:
            if self.is_quiet_at(time(hour)) and self.is_quiet_at(time(hour, 59)):
                raise ValueError(f"want digest_hours outside of quiet_hours, not {hour}")
        return self


class Absence(Table):
    """Local days on which a rep is away, both included."""

    first: date
    last: date

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError("want first <= last")
        return self


GUEST_ID = "guest"
"""Who is signed in where no rep can be: by this name nobody else may answer."""


class RepSettings(Recipient):
    """A person who answers alerts, or sees to those who do."""

    role: Role = "rep"
    key_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """SHA-256 of the rep's API key (``touchstream console-key``); None: they cannot sign in."""
    queues: tuple[Name, ...] = ()
    """Queues whose alerts they see beside their own."""
    deputy: Name | None = None
    """Who gets their alerts while they are absent; None: the queue of the routing."""
    absent: tuple[Absence, ...] = ()

    @model_validator(mode="after")
    def _is_no_guest(self) -> Self:
        if self.id == GUEST_ID:
            raise ValueError(f"want another id than {GUEST_ID!r}, the console's own")
        return self


class QueueSettings(Recipient):
    """A queue that several reps work on."""
