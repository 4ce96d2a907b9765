"""When relations end, as the label of churn defines it."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np
import orjson

from bench.quality.rows import Floats, Ints, Rows
from touchstream.schemas.envelope import decode_data, parse_time
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.rules import ChurnRules, Rules
from touchstream.schemas.units import DAY_MS
from touchstream.streams.emit.identity import pseudonym

SUBSCRIPTION = "subscription."


class Departures(NamedTuple):
    """Ends of relations, parallel arrays."""

    customer: Ints
    """Index into ``Rows.customers``."""
    day: Floats
    """Moment of the end, in days since 1970."""


def departures(events: Iterable[bytes], rules: Rules, rows: Rows) -> Departures:
    """The ends of all relations, as the label of churn defines them.

    A cancellation; and, without any subscription, the moment at which a silence has lasted the
    horizon, once for each such silence. Silences that go on at the last event are included if they
    have lasted that long by then. Broken lines are passed over.
    """
    index = {name: place for place, name in enumerate(rows.customers)}
    cancelled: list[tuple[str, int]] = []
    signs: defaultdict[str, list[int]] = defaultdict(list)
    subscribers: set[str] = set()
    last_ms = 0
    for line in events:
        event = _event(line)
        if event is None:
            continue
        kind, subject, at_ms, is_sign = event
        last_ms = max(last_ms, at_ms)
        if kind in rules.churn.cancel:
            cancelled.append((subject, at_ms))
        elif kind.startswith(SUBSCRIPTION):
            subscribers.add(subject)
        if is_sign and kind in rules.churn.activity:
            signs[subject].append(at_ms)
    silent = [
        (subject, at_ms)
        for subject, moments in signs.items()
        if subject not in subscribers
        for at_ms in _silences(moments, rules.churn, last_ms)
    ]
    found = [
        (index[name], at_ms / DAY_MS)
        for subject, at_ms in sorted({*cancelled, *silent})
        if (name := pseudonym(subject, rules.seed)) in index
    ]
    return Departures(
        np.array([place for place, _ in found], np.int64), np.array([day for _, day in found])
    )


def _silences(moments: list[int], rules: ChurnRules, last_ms: int) -> list[int]:
    """Moments at which a silence has lasted the horizon."""
    ordered = [*sorted(moments), last_ms]
    return [
        at_ms + rules.horizon_ms
        for at_ms, next_ms in pairwise(ordered)
        if next_ms - at_ms > rules.horizon_ms  # a sign of life at its very end counts for the label
    ]


def _event(line: bytes) -> tuple[str, str, int, bool] | None:
    """Type, subject, moment, and whether the customer caused it; None for what is no event."""
    try:
        event = orjson.loads(line)
        kind, at_ms = event["type"], parse_time(event["time"])
        if "receivedtime" in event:  # a clock may run ahead
            at_ms = min(at_ms, parse_time(event["receivedtime"]))
        is_sign = TOUCHPOINTS[kind].by_customer(decode_data(kind, event.get("data")))
        return kind, event["subject"], at_ms, is_sign
    except (ValueError, KeyError, TypeError, msgspec.ValidationError):
        return None
