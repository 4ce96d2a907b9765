"""Why lines of a history were not applied, when too few were."""

import time
from collections.abc import Iterator, Mapping

from touchstream.agents.cli.check import fault_lines
from touchstream.agents.event_check import EventCheck
from touchstream.agents.history.reading import History
from touchstream.agents.settings import Settings
from touchstream.agents.wiring import tick_secret
from touchstream.schemas.event_types import own_types
from touchstream.schemas.units import Millis

MOST_REASONS = 5


def shortfall(records: Mapping[str, int], outside: int) -> str | None:
    """The complaint if nothing, or less than half, of a history was applied; else None.

    ``records`` are the counts of the summary; ``outside`` are lines out of a range that nobody
    asked for. Duplicates are no shortfall: what they say was applied.
    """
    lines = records["in"] + outside
    left_out = records["dead"] + records["dropped"] + outside
    if not records["applied"]:
        return f"none of {lines:,} lines was applied"
    if 2 * left_out > lines:
        return f"{left_out:,} of {lines:,} lines were not applied, more than half"
    return None


def reasons(settings: Settings, history: History) -> Iterator[str]:
    """The commonest reasons, each with the places of some lines."""
    outside = history.outside
    if outside.count:
        places = ", ".join(map(str, outside.places))
        yield f"{outside.count:9,}  outside of the range of time  ({places})"
    result = _check(settings).examine(history)
    yield from list(fault_lines(result.faults.all()))[:MOST_REASONS]


def first_fault(settings: Settings, history: History) -> str | None:
    """The first line that a worker would not apply, and why; None: it would apply all."""
    fault = _check(settings).first_fault(history)
    return None if fault is None else next(fault_lines([fault])).strip()


def _check(settings: Settings) -> EventCheck:
    return EventCheck(
        settings.rules.intake,
        settings.ticks.every_days,
        tick_secret(settings),
        Millis(time.time_ns() // 1_000_000),
        own_types(settings.rules.event_types),
    )
