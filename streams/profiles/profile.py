"""The profile: facts about a customer from their events, compact enough for millions of customers.

Facts that later events replace (a ticket's status, a consent, an attribute) carry the time of their
event: the newest by event time wins, whatever the order of arrival.
"""

from typing import NamedTuple

from msgspec import Struct

from touchstream.schemas.units import Millis
from touchstream.streams.profiles.decay import Counter, Lately
from touchstream.streams.profiles.recent import Recent
from touchstream.streams.profiles.rhythm import Rhythm

Scalar = str | int | float | bool | None


class Money(Struct, frozen=True, array_like=True, gc=False):
    """Orders and returns in one currency, in minor units."""

    ordered_minor: int = 0
    order_count: int = 0
    returned_minor: int = 0
    lately: Lately | None = None
    """Ordered amounts, with a half-life of 91 d."""


class Ticket(Struct, frozen=True, array_like=True, gc=False):
    """A ticket's status as of its newest event."""

    at_ms: Millis
    rank: int
    """Order of types at the same moment: opened 0, reopened 1, resolved 2."""
    opened_ms: Millis
    open: bool


class Subscription(Struct, frozen=True, array_like=True, gc=False):
    """The newest fact about the subscription."""

    at_ms: Millis
    rank: int
    """Order of types at the same moment: started 0, renewed 1, changed 2, cancelled 3."""
    plan: str | None
    amount_minor: int
    currency: str | None
    ends_ms: Millis | None
    cancelled: bool

    def running(self, now_ms: Millis) -> bool:
        """Whether it is neither cancelled nor past the end of its term."""
        return not self.cancelled and (self.ends_ms is None or now_ms < self.ends_ms)


class Answer(Struct, frozen=True, array_like=True, gc=False):
    """The newest score of one kind of survey, 0 (worst) to 1 (best)."""

    at_ms: Millis
    score: float


class Fact(Struct, frozen=True, array_like=True, gc=False):
    """A value and the time of its event."""

    at_ms: Millis
    value: Scalar


class Friction(Struct, frozen=True, array_like=True, gc=False):
    """Recent friction in service; sums with a half-life of a month."""

    at_ms: Millis
    reopened: float = 0.0
    """Tickets reopened."""
    transfers: float = 0.0
    """Call transfers."""
    wait_s: float = 0.0
    """Seconds in queues and on hold."""


class Call(Struct, frozen=True, array_like=True, gc=False):
    """The newest call."""

    at_ms: Millis
    duration_s: int
    """0: nobody spoke with the customer."""
    wait_s: int
    transfers: int = 0


class Profile(Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """Input of all features. Every field has a stated bound."""

    first_seen_ms: Millis
    last_seen_ms: Millis
    activity: Counter | None = None
    """Events that show the relation is alive (``churn.activity``)."""
    first_active_ms: Millis | None = None
    families: dict[str, Lately] = {}
    """Event counts with a half-life of 28 d, by family (a closed set, ``schemas/registry.py``)."""
    money: dict[str, Money] = {}
    """By currency; further ones beyond ``BOUNDS.currencies`` are not counted."""
    tickets: dict[str, Ticket] = {}
    """Resolved ones stay until no accepted event can reopen them."""
    subscription: Subscription | None = None
    surveys: dict[str, Answer] = {}
    consent: dict[str, Fact] = {}
    attributes: dict[str, Fact] = {}
    aliases: dict[str, Fact] = {}
    """Other ids, and whether each is this customer; recorded, not merged."""
    rhythm: Rhythm | None = None
    """Gaps between visits; None before the second."""
    friction: Friction | None = None
    call: Call | None = None
    leaving: Lately | None = None
    """Views of prices and of how to leave (``streams/profiles/leaving.py``), half-life 28 d."""
    recent: Recent | None = None
    """Rare service events of the last 28 days; None: there were none."""


class Bounds(NamedTuple):
    """Bounds on the parts of a profile; the oldest entry is dropped first.

    Families and kinds of surveys are closed sets.
    """

    currencies: int = 8
    tickets: int = 64
    purposes: int = 32
    attributes: int = 64
    aliases: int = 32
    text_chars: int = 256
    """Longer texts of attributes are cut: enough for words and ids, not for letters."""
    call_s: int = 86_400
    """A longer call comes from a wrong clock."""
    sum_minor: int = 2**63 - 1
    """Sums of money stop here, where MessagePack's integers end."""


BOUNDS = Bounds()
