"""Channel: the customer's preferred channel and time of contact.

Counts contacts made by the customer, by channel, by hour of the day and by day of the week (both
UTC, event time). Preferences are the modes of posteriors, which a few contacts hardly move.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, get_args

from msgspec import Struct

from touchstream.schemas.envelope import Event
from touchstream.schemas.registry import ACTIVITY_BY_DEFAULT, Family
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import DAY_MS, HOUR_MS, Millis
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.projection import Context, Update

CHANNELS: tuple[Family, ...] = (
    "web",
    "content",
    "store",
    "ticket",
    "call",
    "email",
    "survey",
    "review",
    "social",
)
"""Families that identify a channel of contact, in the order of their counts. Orders, carts and
subscriptions do not; they count for day and hour only."""

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEK_DAYS, HOURS = len(DAYS), 24
THURSDAY = 3
"""1970-01-01 was a Thursday."""

PRIOR_CONTACTS = 8.0
"""Weight of the prior in contacts: with fewer, differences between hours are noise."""

FULL = 255
"""A count that reaches it halves all counts, so that each fits a byte and old habits fade."""

_DAY, _HOUR, _LENGTH = len(CHANNELS), len(CHANNELS) + WEEK_DAYS, len(CHANNELS) + WEEK_DAYS + HOURS
_PLACES = {
    family: CHANNELS.index(family) if family in CHANNELS else None for family in get_args(Family)
}
"""Family -> index of its channel's count; None for no channel."""
_HALVES = bytes(count // 2 for count in range(256))


class ChannelState(Struct, frozen=True, array_like=True, tag=1):
    """Counts of contacts made by the customer."""

    counts: bytes = bytes(_LENGTH)
    """By channel, then by day of the week from Monday on, then by hour of the day."""


def posterior(count: int, total: int, cells: int) -> float:
    r"""Probability of one of several cells, shrunk towards the uniform distribution.

    .. math:: p = \frac{n_i + W / K}{n + W}

    The mean of a Dirichlet posterior with a uniform prior of weight W = ``PRIOR_CONTACTS``, for
    ``count`` (n_i, >= 0) of ``total`` (n) contacts and ``cells`` (K). 1 / K without a contact.

    Three of four contacts by one of nine channels: (3 + 8 / 9) / (4 + 8) = 0.3241.

    >>> round(posterior(3, 4, 9), 4), posterior(0, 0, 8)
    (0.3241, 0.125)
    """
    return (count + PRIOR_CONTACTS / cells) / (total + PRIOR_CONTACTS)


class Channel:
    """Implements ``Projection``; emits nothing."""

    name: ClassVar[str] = "channel"
    slot: ClassVar[int] = 5
    state_type: ClassVar[type[ChannelState]] = ChannelState
    max_bytes: ClassVar[int] = 44
    listens_to: ClassVar[frozenset[str]] = frozenset(ACTIVITY_BY_DEFAULT)
    reads: ClassVar[tuple[str, ...]] = ()
    merges_exactly: ClassVar[bool] = False  # because of halving

    def on_event(
        self, state: ChannelState | None, event: Event, ctx: Context
    ) -> Update[ChannelState] | None:
        if not ctx.by_customer:
            return None
        counts = bytearray(_LENGTH) if state is None else bytearray(state.counts)
        channel, hours = _PLACES[event.family], event.time_ms // HOUR_MS
        if channel is not None:
            counts[channel] += 1
        counts[_DAY + (hours // HOURS + THURSDAY) % WEEK_DAYS] += 1
        if event.time_ms % DAY_MS:  # midnight: many systems stamp with the day alone
            counts[_HOUR + hours % HOURS] += 1
        return Update(ChannelState(bytes(counts.translate(_HALVES) if FULL in counts else counts)))

    def on_timer(
        self, state: ChannelState, now_ms: Millis, ctx: Context
    ) -> Update[ChannelState] | None:
        return None

    def next_timer_ms(self, state: ChannelState, rules: Rules) -> Millis | None:
        return None

    def merge(self, a: ChannelState, b: ChannelState, ctx: Context) -> ChannelState:
        sums = [one + other for one, other in zip(a.counts, b.counts, strict=True)]
        if max(sums) >= FULL:
            sums = [count // 2 for count in sums]
        return ChannelState(bytes(sums))

    def upgrade(self, version: int, fields: list[Any]) -> ChannelState:
        raise ValueError(f"this build cannot read version {version}")

    def describe(
        self, state: ChannelState, profile: Profile | None, now_ms: Millis
    ) -> Mapping[str, object]:
        """The preferred channel and hour of the week, each with its probability.

        The probability of an hour of the week is that of its day times that of its hour of the day.
        """
        counts = state.counts
        channels, days, hours = counts[:_DAY], counts[_DAY:_HOUR], counts[_HOUR:]
        (channel, share), (day, of_day), (hour, of_hour) = map(_likeliest, (channels, days, hours))
        return {
            "channel": CHANNELS[channel] if any(channels) else None,
            "channel_share": round(share, 4) if any(channels) else None,
            "hour": f"{DAYS[day]} {hour:02}:00 UTC" if any(hours) else None,
            "hour_probability": round(of_day * of_hour, 4) if any(hours) else None,
            "n": sum(days),
        }


def _likeliest(counts: Sequence[int]) -> tuple[int, float]:
    """The first cell with the largest posterior, and that posterior."""
    cell = counts.index(max(counts))
    return cell, posterior(counts[cell], sum(counts), len(counts))
