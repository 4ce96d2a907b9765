"""A profile at a moment, with the values that several features share."""

from math import log1p

from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.profiles.decay import at, lately_at, remaining
from touchstream.streams.profiles.profile import Money, Profile, Ticket


class View:
    """One customer as of ``at_ms``. Durations are in days and never negative."""

    __slots__ = (
        "_families",
        "active_month",
        "active_quarter",
        "active_week",
        "active_year",
        "activity_count",
        "at_ms",
        "currency",
        "known_days",
        "money",
        "open_tickets",
        "profile",
        "rhythm",
        "silence_days",
    )

    def __init__(self, profile: Profile, at_ms: Millis) -> None:
        self.profile = profile
        self.at_ms = at_ms
        known_ms = at_ms - profile.first_seen_ms
        self.known_days = known_ms / DAY_MS if known_ms > 0 else 0.0
        self.currency, self.money = _main_currency(profile) if profile.money else (None, None)
        self.open_tickets = _open_tickets(profile) if profile.tickets else ()
        self.rhythm, self._families = profile.rhythm, profile.families
        self.silence_days: float | None = None
        """Days since the last sign of life; None before the first."""
        activity = profile.activity
        if activity is None:
            self.activity_count = 0
            self.active_week = self.active_month = self.active_quarter = self.active_year = 0.0
            return
        silent_ms = at_ms - activity.at_ms
        self.silence_days = silent_ms / DAY_MS if silent_ms > 0 else 0.0
        self.activity_count = activity.count
        self.active_week, self.active_month, self.active_quarter, self.active_year = at(
            activity, at_ms
        )

    def count(self, family: str) -> int:
        """The family's events so far."""
        held = self._families.get(family)
        return 0 if held is None else held.count

    def lately(self, family: str) -> float:
        """ln(1 + the family's events with a half-life of 28 d); 0 without any."""
        held = self._families.get(family)
        return 0.0 if held is None else log1p(lately_at(held, self.at_ms))

    def friction(self, kind: str) -> float:
        """ln(1 + friction of one kind, with a half-life of 28 d)."""
        held = self.profile.friction
        if held is None:
            return 0.0
        amount: float = getattr(held, kind)
        if not amount:
            return 0.0
        age_ms = self.at_ms - held.at_ms
        return log1p(amount * remaining(age_ms) if age_ms > 0 else amount)


def _main_currency(profile: Profile) -> tuple[str | None, Money | None]:
    """The currency of most orders, and the money in it; None before the first order."""
    # The name breaks ties, so that the order of arrival does not matter.
    _, name = max((money.order_count, name) for name, money in profile.money.items())
    money = profile.money[name]
    return (name, money) if money.order_count else (None, None)


def _open_tickets(profile: Profile) -> list[Ticket]:
    return [ticket for ticket in profile.tickets.values() if ticket.open]
