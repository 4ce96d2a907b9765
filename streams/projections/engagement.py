"""Engagement: how much is seen of the customer, against their own level.

The index is derived from the signs of life that the profile counts. Once a week, on the customer's
snapshot day, a tick looks at it: below half of their own level, and still so a week later, the drop
is emitted. A sign of life that lifts the index to half again ends the drop.
"""

from collections.abc import Mapping
from datetime import date
from math import exp2, log
from typing import Any, ClassVar

from msgspec import Struct

from touchstream.schemas.emissions.engagement import EngagementDropping
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.envelope import Event
from touchstream.schemas.registry import ACTIVITY_BY_DEFAULT
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.emit.engagement import engagement_dropping
from touchstream.streams.profiles.decay import HALF_LIVES_DAYS, at
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.projection import Context, Update
from touchstream.streams.snapshot_day import next_snapshot_day_ms

WEEK_DAYS = 7
_EPOCH = date(1970, 1, 1).toordinal()
_, RECENT_DAYS, _, USUAL_DAYS = HALF_LIVES_DAYS
"""Half-lives: a month shows the drop, a year keeps the level before it (5 % fade in a month)."""

DROP_BELOW = 0.5
"""Index below which engagement has dropped."""

MINIMUM_SIGNS = 8
"""Signs of life that the month's memory holds at the usual level. A Poisson count has there a
relative standard deviation of sqrt(1 / (2 * 8)) = 1/4, so half the level is two of them away."""

MINIMUM_KNOWN_DAYS = 56
"""Two half-lives of the recent rate: before, the usual level is hardly older than the recent."""

_MEMORY_WEEKS = RECENT_DAYS / WEEK_DAYS / log(2)
"""Sum of all weights of the month's memory: signs of life in it = rate a week x 5.8."""


class EngagementState(Struct, frozen=True, array_like=True, tag=1):
    """What does not follow from the profile. Days are counted from 1970-01-01 UTC."""

    check_day: int | None
    """A tick looks at the index on this day; None: a drop is emitted, a sign of life may end it."""
    below_since_day: int | None = None
    """The check that first found the index below half; None: it is not."""


class Level(Struct, frozen=True, gc=False):
    """Signs of life a week, lately and usually."""

    recent_per_week: float
    usual_per_week: float
    known_days: float
    """Since the first sign of life."""

    @property
    def index(self) -> float:
        """Recent over usual rate, 0 (gone) to 1 (as usual, or more)."""
        usual = self.usual_per_week
        return min(1.0, self.recent_per_week / usual) if usual else 0.0

    @property
    def evident(self) -> bool:
        """Known for long enough, and seen often enough that half the level is no chance."""
        expected = self.usual_per_week * _MEMORY_WEEKS
        return self.known_days >= MINIMUM_KNOWN_DAYS and expected >= MINIMUM_SIGNS


def weekly_rate(amount: float, half_life_days: float, known_days: float) -> float:
    r"""Events a week, from a counter that forgets.

    .. math:: r = 7 A \frac{\ln 2}{H (1 - 2^{-k/H})}

    ``amount`` (A, >= 0) is the decayed count now, ``half_life_days`` (H) its half-life and
    ``known_days`` (k, > 0) the time since it began; the last factor corrects a counter that is
    younger than its memory. The rate is >= 0. Exact for a steady rate, in the limit of many events.

    Two events a week fill a memory of 28 d to 2 * 4 / ln 2 = 11.54, and to half of it in 28 d:

    >>> round(weekly_rate(11.54, 28, 10_000), 2), round(weekly_rate(11.54 / 2, 28, 28), 2)
    (2.0, 2.0)
    """
    saturation = 1.0 - exp2(-known_days / half_life_days)
    return WEEK_DAYS * amount * log(2) / (half_life_days * saturation)


def level_of(profile: Profile, now_ms: Millis) -> Level | None:
    """Recent and usual rate of signs of life at a moment; None before the first of them.

    The index is ``min(1, recent / usual)``. After 28 d without a sign of life it is half, less what
    the year's memory fades (2^(-28/364) = 0.948): 0.527 for a customer who was always the same.
    """
    counter, since_ms = profile.activity, profile.first_active_ms
    if counter is None or since_ms is None:
        return None
    moment_ms = max(now_ms, counter.at_ms)
    known_days = max(1.0, (moment_ms - since_ms) / DAY_MS)  # a rate over less says nothing
    _, month, _, year = at(counter, moment_ms)
    return Level(
        weekly_rate(month, RECENT_DAYS, known_days),
        weekly_rate(year, USUAL_DAYS, known_days),
        known_days,
    )


class Engagement:
    """Implements ``Projection`` for the index and its drops."""

    name: ClassVar[str] = "engagement"
    slot: ClassVar[int] = 4
    state_type: ClassVar[type[EngagementState]] = EngagementState
    max_bytes: ClassVar[int] = 8
    listens_to: ClassVar[frozenset[str]] = frozenset(ACTIVITY_BY_DEFAULT)
    reads: ClassVar[tuple[str, ...]] = ()
    merges_exactly: ClassVar[bool] = False

    def on_event(
        self, state: EngagementState | None, event: Event, ctx: Context
    ) -> Update[EngagementState] | None:
        """Begin the checks at the first sign of life; end a drop at one that lifts the index."""
        if not ctx.active or (state is not None and state.below_since_day is None):
            return None
        watermark_ms = ctx.serving.watermark_ms
        if state is not None and _is_low(level_of(ctx.profile, watermark_ms or Millis(0))):
            return None
        return Update(EngagementState(_next_check(ctx, watermark_ms or ctx.now_ms)))

    def on_timer(
        self, state: EngagementState, now_ms: Millis, ctx: Context
    ) -> Update[EngagementState]:
        """Without a sign of life the index only falls: two checks say it was low in between."""
        level, today = level_of(ctx.profile, now_ms), now_ms // DAY_MS
        check_day, since_day = _next_check(ctx, now_ms), state.below_since_day
        if level is None or not level.evident or not _is_low(level):
            return Update(EngagementState(check_day))
        if since_day is None or today - since_day < WEEK_DAYS:
            return Update(EngagementState(check_day, today if since_day is None else since_day))
        return Update(EngagementState(None, since_day), (_dropping(level, since_day, ctx),))

    def next_timer_ms(self, state: EngagementState, rules: Rules) -> Millis | None:
        return None if state.check_day is None else Millis(state.check_day * DAY_MS)

    def merge(self, a: EngagementState, b: EngagementState, ctx: Context) -> EngagementState:
        """Low only where both are; emitted then if either was."""
        checks = (a.check_day, b.check_day)
        check_day = min((day for day in checks if day is not None), default=None)
        if a.below_since_day is None or b.below_since_day is None:
            return EngagementState(check_day)
        since_day = max(a.below_since_day, b.below_since_day)
        return EngagementState(None if None in checks else check_day, since_day)

    def upgrade(self, version: int, fields: list[Any]) -> EngagementState:
        raise ValueError(f"no version {version} of it was ever written")

    def describe(
        self, state: EngagementState, profile: Profile | None, now_ms: Millis
    ) -> Mapping[str, object]:
        """The index is null while there is too little to judge by."""
        level, since_day = profile and level_of(profile, now_ms), state.below_since_day
        return {
            "index": round(level.index, 4) if level and level.evident else None,
            "recent_per_week": level and round(level.recent_per_week, 4),
            "usual_per_week": level and round(level.usual_per_week, 4),
            "below_since_ms": None if since_day is None else Millis(since_day * DAY_MS),
            "emitted": state.check_day is None,
        }


def _is_low(level: Level | None) -> bool:
    return level is not None and level.index < DROP_BELOW


def _next_check(ctx: Context, after_ms: Millis) -> int:
    return next_snapshot_day_ms(ctx.subject, after_ms, WEEK_DAYS) // DAY_MS


def _dropping(level: Level, since_day: int, ctx: Context) -> Emission:
    data = EngagementDropping(
        index=round(level.index, 4),
        recent_per_week=round(level.recent_per_week, 4),
        usual_per_week=round(level.usual_per_week, 4),
        below_since=date.fromordinal(_EPOCH + since_day),
        rules=ctx.serving.rules_digest,
        cause=ctx.cause,
    )
    return engagement_dropping(ctx.subject, data, ctx.cause, ctx.now_ms)
