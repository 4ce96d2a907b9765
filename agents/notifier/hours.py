"""A recipient's hours: local days, quiet hours, and time that counts as working time."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from touchstream.agents.settings_reps import Recipient, Weekday
from touchstream.schemas.units import DAY_MS, Millis

_DAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LOOK_AHEAD_DAYS = 9
"""A week of quiet days, and the day on both sides."""
_MIDNIGHT = time()


def local(recipient: Recipient, at_ms: Millis) -> datetime:
    """The moment in the recipient's time zone."""
    at = datetime.fromtimestamp(at_ms / 1_000, UTC)
    return at.astimezone(ZoneInfo(recipient.time_zone))


def is_quiet(recipient: Recipient, at_ms: Millis) -> bool:
    """Whether nothing is sent at this moment.

    Quiet hours are wall-clock times: on the night when clocks change they are an hour shorter or
    longer.
    """
    now = local(recipient, at_ms)
    if _DAYS[now.weekday()] in recipient.quiet_days:
        return True
    return recipient.is_quiet_at(now.time())


def quiet_until(recipient: Recipient, at_ms: Millis) -> Millis | None:
    """When the quiet that holds at this moment ends; None: it does not hold, or never ends."""
    if not is_quiet(recipient, at_ms):
        return None
    return next((at for at in _turns(recipient, at_ms) if not is_quiet(recipient, at)), None)


def quiet_since(recipient: Recipient, at_ms: Millis) -> Millis:
    """When the last quiet before this moment began; the moment itself if there was none."""
    since_ms = at_ms
    for turn in reversed([one for one in _turns(recipient, _week_before(at_ms)) if one <= at_ms]):
        if is_quiet(recipient, turn):
            since_ms = turn
        elif since_ms != at_ms:
            break
    return since_ms


def _week_before(at_ms: Millis) -> Millis:
    return Millis(at_ms - 8 * DAY_MS)


def after_working(recipient: Recipient, from_ms: Millis, working_ms: int) -> Millis | None:
    """The moment by which so much time outside of quiet hours has passed; None: never."""
    at_ms, left_ms = from_ms, working_ms
    for _ in range(1_000):  # each round is a stretch of work; an SLA is a few of them
        begin_ms = quiet_until(recipient, at_ms) if is_quiet(recipient, at_ms) else at_ms
        if begin_ms is None:
            return None
        ends = (at for at in _turns(recipient, begin_ms) if is_quiet(recipient, at))
        end_ms = next(ends, None)
        if end_ms is None or end_ms - begin_ms >= left_ms:
            return Millis(begin_ms + left_ms)
        at_ms, left_ms = end_ms, left_ms - (end_ms - begin_ms)
    return None


def _turns(recipient: Recipient, after_ms: Millis) -> Iterator[Millis]:
    """The moments after this one at which quiet may begin or end, in order."""
    first = local(recipient, after_ms).date()
    clocks = (_MIDNIGHT, *(recipient.quiet or ()))
    found = _turns_from(recipient.time_zone, clocks, first)
    return (at for at in found if at > after_ms)


# Every alert of a rep asks for the same days.
@lru_cache(maxsize=1_024)
def _turns_from(time_zone: str, clocks: tuple[time, ...], first: date) -> tuple[Millis, ...]:
    zone, found = ZoneInfo(time_zone), set[Millis]()
    for offset in range(-1, _LOOK_AHEAD_DAYS):
        for clock in clocks:
            found.update(_moments(first + timedelta(days=offset), clock, zone))
    return tuple(sorted(found))


def _moments(day: date, clock: time, zone: ZoneInfo) -> Iterator[Millis]:
    """Both moments of a wall-clock time that a change of clocks repeats; one of any other."""
    for fold in (0, 1):
        at = datetime.combine(day, clock, zone).replace(fold=fold)
        yield Millis(int(at.timestamp()) * 1_000)
