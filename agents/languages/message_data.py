"""The plain data that messages to reps are made from."""

from collections.abc import Sequence
from typing import NamedTuple

from touchstream.agents.languages.texts import Why
from touchstream.schemas.emissions.risk import Reason
from touchstream.schemas.rules import Band
from touchstream.schemas.units import Millis


class AlertLine(NamedTuple):
    """An open alert, as a message lists it."""

    customer: str
    """The id, or the name that the rep may see."""
    kind: str
    """``churn``, ``return``, ``engagement``, or the name of a target."""
    risk: float | None
    """0 to 1."""
    band: Band | None
    reasons: Sequence[Reason]
    scored_ms: Millis
    """The moment that the reasons are true of."""
    action: str | None
    """Name of the action."""
    since_ms: Millis
    """When the alert was raised."""
    link: str
    """A page of the console whose button does something; the link itself does nothing."""
    priority: float = 0.0
    """The higher, the further up."""


class ClearedLine(NamedTuple):
    """An alert that needs nobody any more."""

    customer: str
    why: Why


class Digest(NamedTuple):
    """The open alerts of a rep or queue, and what came and went since the last digest."""

    since_ms: Millis
    now_ms: Millis
    time_zone: str
    raised: int
    """New since then."""
    cleared: int
    """Cleared since then."""
    open: Sequence[AlertLine]
    """In any order."""
    open_count: int
    """All of them, if ``open`` is only the first."""
    link: str
    """The queue."""


class QuietHours(NamedTuple):
    """What happened while nothing was sent."""

    since_ms: Millis
    until_ms: Millis
    time_zone: str
    raised: Sequence[AlertLine]
    """Raised and still open."""
    cleared: Sequence[ClearedLine]
    """Whether raised before or in these hours."""
    link: str
    """The queue."""


class Escalation(NamedTuple):
    """An alert that nobody answered in time."""

    line: AlertLine
    rep: str
    """Who did not answer, for display."""
    waited_s: float
    """Without quiet hours."""
    now_ms: Millis


class ChannelOff(NamedTuple):
    """A channel that was switched off because its destination fails."""

    channel: str
    why: str
    """From the delivery log: a status or the name of an error; never a body."""
    since_ms: Millis
    """Of the first failure."""
    now_ms: Millis
    time_zone: str
    link: str
    """The page where it is switched on again."""
