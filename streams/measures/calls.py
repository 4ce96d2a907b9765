"""Calls: their number by hour, their duration, and customers' waiting time."""

from collections.abc import Callable
from typing import Any

from touchstream.schemas.touchpoints.calls import CallEnded
from touchstream.schemas.units import Millis
from touchstream.streams.measures.metric import (
    HISTOGRAM_RETENTION_DAYS,
    HOURLY_RETENTION_DAYS,
    Dimension,
    Measure,
    Metric,
)

_DIRECTION = (Dimension("direction", ("inbound", "outbound")),)
_SECOND_MS = 1_000

METRICS = (
    Metric(
        "calls",
        "counter",
        "calls",
        "Calls that ended, by the hour (UTC).",
        _DIRECTION,
        bucket="hour",
        retention_days=HOURLY_RETENTION_DAYS,
    ),
    Metric(
        "call_duration",
        "quantile",
        "milliseconds",
        "From pick-up to the end of a call; 0 when nobody spoke.",
        _DIRECTION,
        retention_days=HISTOGRAM_RETENTION_DAYS,
    ),
    Metric(
        "call_wait",
        "quantile",
        "milliseconds",
        "Time in the queue and on hold, of the calls that give either.",
        _DIRECTION,
        retention_days=HISTOGRAM_RETENTION_DAYS,
    ),
    Metric(
        "call_transfers",
        "mean",
        "transfers a call",
        "How often a caller was passed on, of the calls that say so.",
        _DIRECTION,
    ),
)


def call_ended(at_ms: Millis, data: CallEnded) -> tuple[Measure, ...]:
    direction = (data.direction,)
    measures = [
        Measure("calls", direction, 1, at_ms),
        Measure("call_duration", direction, _ms(data.duration_s), at_ms),
    ]
    if data.queue_s is not None or data.hold_s is not None:
        wait_ms = _ms((data.queue_s or 0.0) + (data.hold_s or 0.0))
        measures.append(Measure("call_wait", direction, wait_ms, at_ms))
    if data.transfers is not None:
        measures.append(Measure("call_transfers", direction, data.transfers, at_ms))
    return tuple(measures)


def _ms(seconds: float) -> int:
    return round(seconds * _SECOND_MS)


BY_DATA: dict[type, Callable[[Millis, Any], tuple[Measure, ...]]] = {CallEnded: call_ended}
"""Type of an event's data -> its measures."""
