"""Event counts, and the customers active on a day."""

from typing import NamedTuple

from touchstream.schemas.envelope import Event
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.touchpoints.orders import OrderPlaced
from touchstream.schemas.touchpoints.tickets import TicketOpened
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.measures.metric import (
    NOT_GIVEN,
    OTHER,
    Dimension,
    Measure,
    Metric,
)

CHANNELS = ("web", "store", "phone", "email", "chat", "social", "event", OTHER, NOT_GIVEN)

METRICS = (
    Metric(
        "events",
        "counter",
        "events",
        "Events applied, each once, by type (own types too) and by the channel it came through.",
        (Dimension("type", tuple(TOUCHPOINTS)), Dimension("channel", CHANNELS)),
    ),
    Metric(
        "active_customers",
        "distinct",
        "customers a day",
        "Customers with activity of their own (`churn.activity`) on that day, each once a day. "
        "A period shows the mean of its days.",
    ),
)

_CHANNEL_BY_FAMILY = {
    "web": "web",
    "cart": "web",
    "content": "web",
    "store": "store",
    "call": "phone",
    "email": "email",
    "social": "social",
}
_ORDER_CHANNELS = {"online": "web", "store": "store", None: NOT_GIVEN}
_EVENT_DIMENSIONS = {
    name: (name, _CHANNEL_BY_FAMILY.get(kind.family, NOT_GIVEN))
    for name, kind in TOUCHPOINTS.items()
    if kind.data not in {OrderPlaced, TicketOpened}
} | {"event.attended": ("event.attended", "event")}
"""Types that determine the channel; built once, because every event is looked up here."""
_MEASURE = tuple.__new__
"""Four times as fast as the named tuple's constructor."""

MOST_DAYS = 1_024
"""Days for which active days are remembered. Lateness allows 365; only before the first tick can an
event be older, and then it counts no active customer."""


class ActiveDays(NamedTuple):
    """The days on which a customer was active, as far back as events may still arrive."""

    newest: int
    """Days since 1970-01-01."""
    earlier: bytes = b""
    """Little-endian integer; bit i: active on day ``newest`` - 1 - i."""


def count_event(event: Event) -> Measure:
    """The measure of one applied event."""
    dimensions = _EVENT_DIMENSIONS.get(event.type) or (event.type, _channel(event))
    return _MEASURE(Measure, ("events", dimensions, 1, event.time_ms))


def _channel(event: Event) -> str:
    """The channel of types that have it in their data, and of own types."""
    match event.data:
        case OrderPlaced(channel=channel):
            return _ORDER_CHANNELS[channel]
        case TicketOpened() as opened:
            return ticket_channel(opened)
        case _:
            return _CHANNEL_BY_FAMILY.get(event.family, NOT_GIVEN)


def ticket_channel(data: TicketOpened) -> str:
    """The channel of a ticket.

    >>> ticket_channel(TicketOpened(ticket="7", channel="Phone"))
    'phone'
    """
    if data.channel is None:
        return NOT_GIVEN
    name = data.channel.lower()
    return name if name in CHANNELS else OTHER


def count_active(at_ms: Millis) -> Measure:
    """The measure of one customer active on the day of ``at_ms``."""
    return Measure("active_customers", (), 1, at_ms)


def mark_active(
    days: ActiveDays | None, day: int, oldest_ms: Millis | None
) -> tuple[ActiveDays, bool]:
    """Remember an active day; True for the customer's first activity on it.

    ``oldest_ms`` is the oldest possible time of further events; earlier days are forgotten.

    >>> days, first = mark_active(ActiveDays(newest=20_000), 20_002, None)
    >>> mark_active(days, 20_000, None)[1], mark_active(days, 20_001, None)[1]
    (False, True)
    """
    if days is None:
        return ActiveDays(day), True
    bits, ahead = int.from_bytes(days.earlier, "little"), day - days.newest
    if ahead > 0:
        bits = ((bits << 1) | 1) << (ahead - 1) if ahead <= MOST_DAYS else 0
        return _packed(day, bits, oldest_ms), True
    if ahead == 0:
        return days, False
    mark = 1 << min(-ahead - 1, MOST_DAYS)
    # Beyond the memory a first activity cannot be told from a second one.
    if bits & mark or mark >> MOST_DAYS:
        return days, False
    return _packed(days.newest, bits | mark, oldest_ms), True


def merged_days(a: ActiveDays | None, b: ActiveDays | None) -> ActiveDays | None:
    r"""The union of both.

    >>> merged_days(ActiveDays(9, b"\x01"), ActiveDays(6)) == ActiveDays(9, b"\x05")
    True
    """
    if a is None or b is None:
        return a or b
    newer, older = (a, b) if a.newest >= b.newest else (b, a)
    bits, behind = int.from_bytes(older.earlier, "little"), newer.newest - older.newest
    if behind:
        bits = ((bits << 1) | 1) << (behind - 1) if behind <= MOST_DAYS else 0
    return _packed(newer.newest, bits | int.from_bytes(newer.earlier, "little"), None)


def _packed(newest: int, bits: int, oldest_ms: Millis | None) -> ActiveDays:
    kept = MOST_DAYS
    if oldest_ms is not None:
        kept = min(kept, max(0, newest - oldest_ms // DAY_MS))
    bits &= (1 << kept) - 1
    return ActiveDays(newest, bits.to_bytes((bits.bit_length() + 7) // 8, "little"))
