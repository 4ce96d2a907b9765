"""What the notifier knows: open alerts, recipients, deliveries that wait. Plain data in one shard.

Every change marks its entry, so that a commit writes what changed and nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from touchstream.agents.channels.endpoint_health import EndpointHealth
from touchstream.agents.channels.message import Message
from touchstream.agents.languages.texts import Why
from touchstream.schemas.emissions.risk import Reason
from touchstream.schemas.rules import Band
from touchstream.schemas.units import DAY_MS, Millis

DeliveryKind = Literal["raised", "escalated", "quiet", "digest", "channel_off"]


class Notice(Struct, frozen=True):
    """An open alert, as the notifier last heard of it."""

    alert: str
    customer: str
    kind: str
    owner: str | None
    queue: str
    band: Band
    risk: float
    score: float
    """The priority, in minor units."""
    reasons: tuple[Reason, ...]
    scored_ms: Millis
    action: str | None
    raised_ms: Millis
    expires_ms: Millis
    recipient: str | None = None
    """Whose it is now; None: nobody of the settings."""
    due_ms: Millis | None = None
    """When it is escalated unless it is answered; None: never."""
    push: str | None = None
    """What is to be sent about it: the id of the event behind it; None: nothing."""
    escalated_from: tuple[str, ...] = ()
    """Who did not answer in time, the last one last."""
    answered: bool = False
    snoozed: bool = False

    @property
    def is_quiet(self) -> bool:
        """Whether a person has it in hand, or wants to hear of it later."""
        return self.answered or self.snoozed


class Cleared(Struct, frozen=True):
    """An alert that is over, for the next summary."""

    alert: str
    customer: str
    why: Why
    at_ms: Millis


class RecipientState(Struct, frozen=True):
    """What a rep or queue was sent."""

    id: str
    day: str = ""
    """The local day that ``pushed`` counts."""
    pushed: int = 0
    recent: tuple[tuple[Millis, float], ...] = ()
    """Moment and priority of the alerts of the last week, the newest last."""
    cleared: tuple[Cleared, ...] = ()
    """Since the last summary."""
    raised: int = 0
    """Alerts since the last digest."""
    quiet_since_ms: Millis | None = None
    """When their quiet hours began; None: they are not in them."""
    summarised_ms: Millis | None = None
    """When the last digest or summary was made."""
    summary_hour: str = ""
    """Local hour of the last digest or summary."""


class Delivery(Struct, frozen=True):
    """A message on its way to one destination, until it is delivered or given up."""

    id: str
    """Of the message: a receiver drops repetitions by it."""
    kind: DeliveryKind
    recipient: str
    channel: str
    address: str | None
    made_ms: Millis
    next_ms: Millis
    """When to attempt next."""
    alerts: tuple[str, ...] = ()
    """The open alerts in it."""
    unlisted: int = 0
    """Further open alerts, of lower priority."""
    cleared: tuple[Cleared, ...] = ()
    since_ms: Millis | None = None
    raised: int = 0
    attempts: int = 0
    about: str = ""
    """The rep who did not answer, or the channel that was switched off."""
    message: Message | None = None
    """As first sent; None: not written yet, or out of date."""

    @property
    def key(self) -> str:
        """Its place in the book."""
        return f"{self.channel}/{self.id}"


class Tally(Struct, frozen=True):
    """Alerts of one day that ended, by kind and queue."""

    day: str
    counts: Mapping[str, int] = {}
    """``kind|queue|useful`` and so on."""


def tally_day(at_ms: Millis) -> str:
    """The day of a tally, in UTC.

    >>> tally_day(Millis(DAY_MS))
    '000001'
    """
    return f"{at_ms // DAY_MS:06d}"


Entry = Notice | RecipientState | Delivery | EndpointHealth | Tally
_TYPES: Mapping[str, type[Entry]] = {
    "alert": Notice,
    "recipient": RecipientState,
    "delivery": Delivery,
    "health": EndpointHealth,
    "tally": Tally,
}
T = TypeVar("T", Notice, RecipientState, Delivery, EndpointHealth, Tally)


class Book:
    """Everything by table and key."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, Any]] = {table: {} for table in _TYPES}
        self._changed: set[tuple[str, str]] = set()

    @staticmethod
    def read(states: Iterable[tuple[str, bytes]]) -> "Book":
        """The book of a shard's states; tables of a later build are left alone."""
        book = Book()
        for name, data in states:
            table, _, key = name.partition("/")
            if table in _TYPES:
                book._held[table][key] = msgspec.json.decode(data, type=_TYPES[table])
        return book

    @property
    def notices(self) -> Mapping[str, Notice]:
        """Open alert by id."""
        return self._held["alert"]

    @property
    def recipients(self) -> Mapping[str, RecipientState]:
        """Rep or queue by id."""
        return self._held["recipient"]

    @property
    def deliveries(self) -> Mapping[str, Delivery]:
        """Delivery by key."""
        return self._held["delivery"]

    @property
    def health(self) -> Mapping[str, EndpointHealth]:
        """Health by destination."""
        return self._held["health"]

    @property
    def tallies(self) -> Mapping[str, Tally]:
        """Tally by day."""
        return self._held["tally"]

    def recipient(self, name: str) -> RecipientState:
        """What a rep or queue was sent; a new one was sent nothing."""
        return self.recipients.get(name) or RecipientState(name)

    def put(self, entry: Notice | RecipientState | Delivery | Tally) -> None:
        """Add or replace an entry."""
        match entry:
            case Notice():
                self._set("alert", entry.alert, entry)
            case RecipientState():
                self._set("recipient", entry.id, entry)
            case Delivery():
                self._set("delivery", entry.key, entry)
            case Tally():
                self._set("tally", entry.day, entry)

    def put_health(self, destination: str, health: EndpointHealth | None) -> None:
        """Replace the health of a destination; None: it is well."""
        self._set("health", destination, health)

    def drop(self, entry: Notice | Delivery | Tally) -> None:
        """Take an entry out."""
        match entry:
            case Notice():
                self._set("alert", entry.alert, None)
            case Delivery():
                self._set("delivery", entry.key, None)
            case Tally():
                self._set("tally", entry.day, None)

    def changes(self) -> dict[str, bytes | None]:
        """What a commit has to write; afterwards nothing is changed."""
        found = dict(self._encoded())
        self._changed.clear()
        return found

    def _encoded(self) -> Iterator[tuple[str, bytes | None]]:
        for table, key in sorted(self._changed):
            entry = self._held[table].get(key)
            yield f"{table}/{key}", None if entry is None else msgspec.json.encode(entry)

    def _set(self, table: str, key: str, entry: Entry | None) -> None:
        held = self._held[table]
        if held.get(key) == entry:
            return
        if entry is None:
            del held[key]
        else:
            held[key] = entry
        self._changed.add((table, key))
