"""Transport noise: events arrive twice, late, with a wrong clock, or broken.

Every trouble has a rate (a share of the world's own events) and the fate that touchstream must give
it. A trouble that breaks an event breaks a copy, so that the facts of the world stay whole; only
events that arrive far too late are lost.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np
import orjson
from msgspec import Struct

from touchstream.schemas.units import DAY_MS, HOUR_MS, MAX_EVENT_BYTES, MINUTE_MS
from touchstream.simulator.event_log import ERASED, SECOND_MS, Event, time_text

Fate = Literal["applied", "duplicate", "dead_letter", "too_late", "unknown_type"]

SLIGHT_DELAY_MS = (SECOND_MS, 2 * HOUR_MS)
LATE_MS = (2 * HOUR_MS, 6 * DAY_MS)
"""Within the lateness that touchstream allows (7 days), with a day to spare for the ticks."""
TOO_LATE_MS = (9 * DAY_MS, 11 * DAY_MS)
"""Beyond it, with a day to spare; ended before an erasure (14 days after leaving)."""
REPEATED_MS = (MINUTE_MS, 2 * DAY_MS)
WRONG_YEAR = "2099"


class Noise(Struct, frozen=True, kw_only=True):
    """Rate of each trouble: shares of all events, 0..1, together at most 1."""

    out_of_order: float = 0.02
    late: float = 0.005
    too_late: float = 0.0005
    wrong_clock: float = 0.0002
    repeated: float = 0.005
    conflicting: float = 0.0001
    truncated: float = 0.0001
    wrong_type: float = 0.0001
    not_a_number: float = 0.0001
    without_subject: float = 0.0001
    unknown_type: float = 0.0003
    oversized: float = 0.000_002

    def __post_init__(self) -> None:
        rates = msgspec.structs.astuple(self)
        if min(rates) < 0 or sum(rates) > 1:
            raise ValueError(f"{self}: want shares that are not negative and add up to 1 at most")


SILENCE = Noise(**dict.fromkeys(Noise.__struct_fields__, 0.0))
"""Every event arrives once, whole, at the moment it happened."""


class Line(NamedTuple):
    """An arrival: an event, or bytes that are none."""

    received_ms: int
    event: Event | bytes
    fate: Fate = "applied"
    """The place in which touchstream must record it (docs/delivery.md)."""
    trouble: str | None = None
    """The field of :class:`Noise` that caused it."""

    def to_bytes(self) -> bytes:
        """Write the line as it stands in a file, without its end."""
        return self.event if isinstance(self.event, bytes) else orjson.dumps(self.event)


def deliver(
    events: Sequence[tuple[int, Event]], noise: Noise, rng: np.random.Generator
) -> list[Line]:
    """Turn events (moment, event) into arrivals, in no particular order."""
    limits = np.cumsum(msgspec.structs.astuple(noise))
    troubles = np.searchsorted(limits, rng.random(len(events)), side="right").tolist()
    lines: list[Line] = []
    for (at_ms, event), trouble in zip(events, troubles, strict=True):
        if trouble == len(_TROUBLES) or event["type"] == ERASED:
            lines.append(Line(at_ms, event))
        else:
            name, befall = _TROUBLES[trouble]
            lines += befall(at_ms, event, rng, name)
    return lines


Befall = Callable[[int, Event, np.random.Generator, str], list[Line]]


def _delayed(bounds_ms: tuple[int, int], fate: Fate) -> Befall:
    def befall(at_ms: int, event: Event, rng: np.random.Generator, name: str) -> list[Line]:
        return [_received(at_ms + int(rng.integers(*bounds_ms)), event, fate, name)]

    return befall


def _wrong_clock(at_ms: int, event: Event, rng: np.random.Generator, name: str) -> list[Line]:
    ahead = {**event, "time": WRONG_YEAR + event["time"][len(WRONG_YEAR) :]}
    if ahead["time"][5:10] == "02-29":
        ahead["time"] = f"{WRONG_YEAR}-03-01{ahead['time'][10:]}"
    return [_received(at_ms, ahead, "applied", name)]


def _repeated(at_ms: int, event: Event, rng: np.random.Generator, name: str) -> list[Line]:
    again_ms = at_ms + int(rng.integers(*REPEATED_MS))
    return [Line(at_ms, event), _received(again_ms, event, "duplicate", name)]


def _conflicting(at_ms: int, event: Event, rng: np.random.Generator, name: str) -> list[Line]:
    other = {**event, "type": "web.form_submitted", "data": {"form": "correction"}}
    if event["type"] == other["type"]:
        other["type"], other["data"] = "web.visit", {"page": "/correction"}
    other_ms = at_ms + int(rng.integers(*REPEATED_MS))
    return [Line(at_ms, event), _received(other_ms, other, "dead_letter", name)]


def _truncated(at_ms: int, event: Event, rng: np.random.Generator, name: str) -> list[Line]:
    whole = orjson.dumps(event)
    return _beside(at_ms, event, whole[: int(rng.integers(1, len(whole)))], name)


def _not_a_number(at_ms: int, event: Event, rng: np.random.Generator, name: str) -> list[Line]:
    broken = _copy(event, name, type="web.visit", data={"page": "/", "duration_s": 0})
    text = orjson.dumps(broken).replace(b'"duration_s":0', b'"duration_s":NaN')
    return _beside(at_ms, event, text, name)


def _wrong_type(at_ms: int, event: Event, rng: np.random.Generator, name: str) -> list[Line]:
    order = {"order": "o-wrong", "amount_minor": "12,50", "currency": "EUR"}
    return _beside(at_ms, event, _copy(event, name, type="order.placed", data=order), name)


def _without_subject(at_ms: int, event: Event, rng: np.random.Generator, name: str) -> list[Line]:
    lost = _copy(event, name)
    del lost["subject"]
    return _beside(at_ms, event, lost, name)


def _unknown_type(at_ms: int, event: Event, rng: np.random.Generator, name: str) -> list[Line]:
    stamp = _copy(event, name, type="loyalty.stamped", data={"stamps": 3})
    return _beside(at_ms, event, stamp, name, "unknown_type")


def _oversized(at_ms: int, event: Event, rng: np.random.Generator, name: str) -> list[Line]:
    form = {"form": "contact", "text": "x" * (MAX_EVENT_BYTES + 1)}
    return _beside(at_ms, event, _copy(event, name, type="web.form_submitted", data=form), name)


def _copy(event: Event, name: str, **changes: object) -> Event:
    return {**event, "id": f"{event['id']}-{name}", **changes}


def _beside(
    at_ms: int, event: Event, broken: Event | bytes, name: str, fate: Fate = "dead_letter"
) -> list[Line]:
    return [Line(at_ms, event), Line(at_ms, broken, fate, name)]


def _received(at_ms: int, event: Event, fate: Fate, name: str) -> Line:
    return Line(at_ms, {**event, "receivedtime": time_text(at_ms)}, fate, name)


_BEFALL: dict[str, Befall] = {
    "out_of_order": _delayed(SLIGHT_DELAY_MS, "applied"),
    "late": _delayed(LATE_MS, "applied"),
    "too_late": _delayed(TOO_LATE_MS, "too_late"),
    "wrong_clock": _wrong_clock,
    "repeated": _repeated,
    "conflicting": _conflicting,
    "truncated": _truncated,
    "wrong_type": _wrong_type,
    "not_a_number": _not_a_number,
    "without_subject": _without_subject,
    "unknown_type": _unknown_type,
    "oversized": _oversized,
}
_TROUBLES = tuple((name, _BEFALL[name]) for name in Noise.__struct_fields__)
