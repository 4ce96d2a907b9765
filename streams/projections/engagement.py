"""Engagement: the customer's recent activity relative to their usual level.

The index is derived from the signs of life counted in the profile. A tick checks it once a week, on
the customer's snapshot day. If it is below half, and still so a week later, a drop is emitted. A
sign of life that lifts the index to half again ends the drop. There is none once the relation has
ended.
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
from touchstream.streams.projections.relation import RELATION, is_ended
from touchstream.streams.snapshot_day import next_snapshot_day_ms

WEEK_DAYS = 7
_EPOCH = date(1970, 1, 1).toordinal()
_, RECENT_DAYS, _, USUAL_DAYS = HALF_LIVES_DAYS
"""Half-lives: a month shows the drop, a year keeps the level before it (5 % decay a month)."""

DROP_BELOW = 0.5
"""Index below which engagement has dropped."""

MINIMUM_SIGNS = 8
"""Decayed monthly count at the usual level. A Poisson process has a relative standard deviation of
sqrt(1 / (2 * 8)) = 1/4 there, so half the level is two of them away."""

MINIMUM_KNOWN_DAYS = 56
"""Two half-lives of the recent rate: earlier, the usual level is hardly older than the recent."""

_MEMORY_WEEKS = RECENT_DAYS / WEEK_DAYS / log(2)
"""Sum of the weights of the monthly counter: its steady value is 5.8 x the weekly rate."""


class EngagementState(Struct, frozen=True, array_like=True, tag=1):
    """State that does not follow from the profile. Days are counted from 1970-01-01 UTC."""

    check_day: int | None
    """Day of the next check; None: a drop is emitted, and only a sign of life can end it."""
    below_since_day: int | None = None
    """Day of the first check that found the index below half; None if it is not."""


class Level(Struct, frozen=True, gc=False):
    """Recent and usual signs of life per week."""

    recent_per_week: float
    usual_per_week: float
    known_days: float
    """Days since the first sign of life."""

    @property
    def index(self) -> float:
        """Recent over usual rate, 0 (gone) to 1 (usual or more)."""
        usual = self.usual_per_week
        return min(1.0, self.recent_per_week / usual) if usual else 0.0

    @property
    def evident(self) -> bool:
        """Whether history and rate suffice to tell half the level from chance."""
        expected = self.usual_per_week * _MEMORY_WEEKS
        return self.known_days >= MINIMUM_KNOWN_DAYS and expected >= MINIMUM_SIGNS


def weekly_rate(amount: float, half_life_days: float, known_days: float) -> float:
    r"""Events per week, from a counter with exponential decay.

    .. math:: r = 7 A \frac{\ln 2}{H (1 - 2^{-k/H})}

    ``amount`` (A, >= 0) is the decayed count now, ``half_life_days`` (H) its half-life and
    ``known_days`` (k, > 0) the time since it began; the last factor corrects for a young counter.
    The rate is >= 0. Exact for a steady rate, in the limit of many events.

    Two events a week fill a counter of 28 d to 2 * 4 / ln 2 = 11.54, and to half of it in 28 d:

    >>> round(weekly_rate(11.54, 28, 10_000), 2), round(weekly_rate(11.54 / 2, 28, 28), 2)
    (2.0, 2.0)
    """
    saturation = 1.0 - exp2(-known_days / half_life_days)
    return WEEK_DAYS * amount * log(2) / (half_life_days * saturation)


def level_of(profile: Profile, now_ms: Millis) -> Level | None:
    """Recent and usual rate of signs of life at a moment; None before the first one.

    The index is ``min(1, recent / usual)``. After 28 d without a sign of life it is half, divided
    by the decay of the yearly rate (2^(-28/364) = 0.948): 0.527 for a formerly steady customer.
    """
    counter, since_ms = profile.activity, profile.first_active_ms
    if counter is None or since_ms is None:
        return None
    # The counter cannot be evaluated before its last event.
    moment_ms = max(now_ms, counter.at_ms)
    known_days = max(1.0, (moment_ms - since_ms) / DAY_MS)  # a rate over less is meaningless
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
    reads: ClassVar[tuple[str, ...]] = (RELATION,)
    merges_exactly: ClassVar[bool] = False

    def on_event(
        self, state: EngagementState | None, event: Event, ctx: Context
    ) -> Update[EngagementState] | None:
        """Start the checks at the first sign of life; end a drop if one lifts the index."""
        # Unless the index is low, the weekly check suffices.
        if not ctx.active or (state is not None and state.below_since_day is None):
            return None
        watermark_ms = ctx.serving.watermark_ms
        if state is not None and _is_low(level_of(ctx.profile, watermark_ms or Millis(0))):
            return None
        return Update(EngagementState(_next_check(ctx, watermark_ms or ctx.now_ms)))

    def on_timer(
        self, state: EngagementState, now_ms: Millis, ctx: Context
    ) -> Update[EngagementState] | None:
        """Check the index. It only falls without signs of life: two low checks span a low week."""
        if self.name not in ctx.fired:  # woken with the relation
            return None
        level, today = level_of(ctx.profile, now_ms), now_ms // DAY_MS
        check_day, since_day = _next_check(ctx, now_ms), state.below_since_day
        if is_ended(ctx) or level is None or not level.evident or not _is_low(level):
            return Update(EngagementState(check_day))
        if since_day is None or today - since_day < WEEK_DAYS:
            return Update(EngagementState(check_day, today if since_day is None else since_day))
        return Update(EngagementState(None, since_day), (_dropping(level, since_day, ctx),))

    def next_timer_ms(self, state: EngagementState, rules: Rules) -> Millis | None:
        return None if state.check_day is None else Millis(state.check_day * DAY_MS)

    def merge(self, a: EngagementState, b: EngagementState, ctx: Context) -> EngagementState:
        """Low only if both are low; then emitted if either was."""
        checks = (a.check_day, b.check_day)
        check_day = min((day for day in checks if day is not None), default=None)
        if a.below_since_day is None or b.below_since_day is None:
            return EngagementState(check_day)
        since_day = max(a.below_since_day, b.below_since_day)
        return EngagementState(None if None in checks else check_day, since_day)

    def upgrade(self, version: int, fields: list[Any]) -> EngagementState:
        raise ValueError(f"this build cannot read version {version}")

    def describe(
        self, state: EngagementState, profile: Profile | None, now_ms: Millis
    ) -> Mapping[str, object]:
        """The index is null until there is enough evidence."""
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
