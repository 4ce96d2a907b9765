"""Amounts, durations and moments in the words of a language."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from touchstream.agents.languages.catalogue import Catalogue
from touchstream.schemas.units import Millis
from touchstream.streams.emit.amounts import Amount, duration_amount, is_just_now

_SECOND_MS = 1_000


def amount_text(words: Catalogue, shown: Amount, form: str = "") -> str:
    """An amount with its unit; ``form`` is ``.since``, ``.every`` or ``.again`` of a duration."""
    if shown.unit == "count" and shown.is_nothing:
        return words.text("nothing")
    number = words.number(shown.number)
    if shown.unit == "minutes" and shown.seconds:
        seconds = words.number(shown.seconds)
        return words.text(f"amount-minutes-seconds{form}", number=number, seconds=seconds)
    if shown.unit == "money":
        return words.text("amount-money", number=number, currency=shown.currency)
    return words.text(f"amount-{shown.unit}{form}", number=number)


def ago_text(words: Catalogue, seconds: float) -> str:
    """How long ago it was: "3 days ago", "just now"."""
    if is_just_now(seconds):
        return words.text("just-now")
    return words.text("ago", amount=amount_text(words, duration_amount(seconds)))


def age_s(at_ms: Millis, now_ms: Millis) -> float:
    """Seconds from a moment to now, never negative."""
    return max(0, now_ms - at_ms) / _SECOND_MS


def moment_text(words: Catalogue, at_ms: Millis, time_zone: str) -> str:
    """Day and minute in a time zone: "29 Nov 2026, 18:00"."""
    local = _local(at_ms, time_zone)
    day = format_date(local, format="medium", locale=words.locale)
    return words.text("moment", day=day, time=_clock(words, local))


def near_text(words: Catalogue, at_ms: Millis, now_ms: Millis, time_zone: str) -> str:
    """As :func:`moment_text`, with "today" and "yesterday" of the time zone."""
    local = _local(at_ms, time_zone)
    days = (_local(now_ms, time_zone).date() - local.date()).days
    if days in _DAYS:
        return words.text(_DAYS[days], time=_clock(words, local))
    return moment_text(words, at_ms, time_zone)


_DAYS = {0: "day-today", 1: "day-yesterday"}


def _local(at_ms: Millis, time_zone: str) -> datetime:
    # From whole seconds: a float of milliseconds may fall short of a minute.
    return datetime.fromtimestamp(at_ms // _SECOND_MS, UTC).astimezone(ZoneInfo(time_zone))


def _clock(words: Catalogue, local: datetime) -> str:
    return format_time(local, format="short", locale=words.locale)
