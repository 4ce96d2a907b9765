"""Why lines of a history were not applied, when too few were."""

from collections.abc import Iterator, Mapping

from touchstream.agents.cli.check import fault_lines
from touchstream.agents.cli.histories import now_ms, places_outside
from touchstream.agents.event_check import CheckResult, EventCheck
from touchstream.agents.history.reading import History, OnLine
from touchstream.agents.settings import Settings
from touchstream.agents.wiring import tick_secret
from touchstream.schemas.event_types import own_types

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


def explained(what: str, settings: Settings, history: History) -> str:
    """A complaint with the commonest reasons, each with the places of some lines."""
    return "\n".join([f"{what}:", *_reasons(history, _check(settings).examine(history))])


def foreseen(settings: Settings, history: History, on_line: OnLine) -> str | None:
    """The complaint if nothing, or less than half, of a history would be applied; else None."""
    result = _check(settings).examine(history, on_line)
    records = {
        "in": history.count,
        "applied": result.valid.total(),
        "dead": result.faults.count,
        "dropped": 0,
    }
    what = shortfall(records, 0)
    return None if what is None else "\n".join([f"{what}:", *_reasons(history, result)])


def _reasons(history: History, result: CheckResult) -> Iterator[str]:
    if history.outside:
        yield f"{history.outside:9,}  outside of the range of time  ({places_outside(history)})"
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
        now_ms(),
        own_types(settings.rules.event_types),
    )
