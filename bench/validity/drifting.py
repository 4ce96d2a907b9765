"""Delay of the detection of a planted drift, and the rate of false alarms."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from bench.validity.finding import Finding
from bench.validity.life import Life
from touchstream.schemas.emissions.envelope import decode_emission
from touchstream.schemas.emissions.signals import CustomerSignal
from touchstream.schemas.topics import CUSTOMER_SIGNALS_TOPIC
from touchstream.schemas.units import DAY_MS
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.drift_inputs import OF_THE_MODEL

PREFIX = "drift."
DAYS_PER_YEAR = 365
SERIES = len(FEATURES.ageless) + len(OF_THE_MODEL)

WITHIN_DAYS = 28 + 1 + 5 * 7
"""Goal: horizon and grace until the first example of the new law, the rest of the week in which
it began, and four rounds of a week: one more than must agree."""
MOST_FALSE = 0.1
"""Goal: at most this many false alarms per series and year."""
OF_ACTIVITY = frozenset(one.name for one in FEATURES.features if "activity" in one.about)
"""Series of customers' activity."""


class Alarm(NamedTuple):
    """One drift that was signalled."""

    at_ms: int
    series: str
    """The part of the signal's name after "drift."."""


def alarms(life: Life) -> list[Alarm]:
    """All drifts on the topic of signals, in their order."""
    found = []
    for entry in life.stream.emitted:
        if entry.topic == CUSTOMER_SIGNALS_TOPIC:
            emission, _ = decode_emission(entry.event)
            data = emission.data
            if isinstance(data, CustomerSignal) and data.signal.startswith(PREFIX):
                found.append(Alarm(emission.time_ms, data.signal.removeprefix(PREFIX)))
    return found


def caught(
    name: str,
    found: Sequence[Alarm],
    steady: Sequence[Alarm],
    planted_ms: int,
    tellers: Collection[str],
) -> Finding:
    """The delay from the planted moment to the first alarm after it that the plant has raised.

    ``steady`` are the alarms of the same world without the plant: a series that alarms there by
    then has detected nothing. Nor has one that is not among the ``tellers``.
    """
    after = [
        alarm
        for alarm in found
        if alarm.at_ms > planted_ms
        and alarm.series in tellers
        and not any(
            other.series == alarm.series and planted_ms < other.at_ms <= alarm.at_ms
            for other in steady
        )
    ]
    delay = (after[0].at_ms - planted_ms) / DAY_MS if after else None
    return Finding(
        name,
        met=delay is not None and delay <= WITHIN_DAYS,
        wanted=f"first alarm within {WITHIN_DAYS} days",
        numbers={
            "delay_days": delay,
            "first_series": after[0].series if after else None,
            "series_after": len({alarm.series for alarm in after}),
            "alarms_before": sum(alarm.at_ms <= planted_ms for alarm in found),
        },
    )


def false_alarms(lives: Sequence[Sequence[Alarm]], since_ms: int, until_ms: int) -> Finding:
    """Alarms per series and year in worlds whose law does not change, from the first possible."""
    false = [alarm for found in lives for alarm in found if alarm.at_ms > since_ms]
    years = len(lives) * SERIES * (until_ms - since_ms) / (DAYS_PER_YEAR * DAY_MS)
    return Finding(
        "drift_false_alarms",
        met=len(false) / years <= MOST_FALSE,
        wanted=f"<= {MOST_FALSE} a series-year",
        numbers={
            "per_series_year": len(false) / years,
            "alarms": len(false),
            "series_years": years,
            "series": ", ".join(sorted({alarm.series for alarm in false})),
        },
    )
