"""``touchstream check``: what a worker would make of files of events, without any service."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import orjson
import typer

from touchstream.agents.cli.counting import Counting
from touchstream.agents.cli.failures import require_files
from touchstream.agents.cli.histories import now_ms
from touchstream.agents.event_check import CheckResult, EventCheck
from touchstream.agents.event_faults import Fault
from touchstream.agents.history.finding import Finding
from touchstream.agents.settings import Settings
from touchstream.agents.wiring import tick_secret
from touchstream.schemas.envelope import format_time
from touchstream.schemas.event_types import own_types
from touchstream.schemas.units import Millis


def check(settings: Settings, files: list[Path], *, as_json: bool) -> bool:
    """Print the findings; False unless a worker would apply every line of every file."""
    require_files(files)
    secret = tick_secret(settings)
    own = own_types(settings.rules.event_types)
    checker = EventCheck(settings.rules.intake, settings.ticks.every_days, secret, now_ms(), own)
    with Counting("reading") as read, Counting("checking") as checked:
        result = checker.run(files, read.add, checked.add)
    if as_json:
        typer.echo(orjson.dumps(document(result)).decode())
    else:
        typer.echo("\n".join(sentences(result, files)))
    return result.well


def document(result: CheckResult) -> dict[str, object]:
    """The findings for programs."""
    return {
        "ok": result.well,
        "lines": result.lines.total(),
        "valid": result.valid.total(),
        "valid_by_type": dict(result.valid.most_common()),
        "ticks": result.ticks,
        "customers": result.customers,
        "first_time": _time(result.first_ms),
        "last_time": _time(result.last_ms),
        "not_applied": [_fault(fault) for fault in result.faults.all()],
        "duplicates": _finding(result.duplicates),
        "unknown_fields": [
            {
                "type": kind,
                "field": name,
                "did_you_mean": result.did_you_mean(kind, name),
                **_finding(found),
            }
            for (kind, name), found in _fields(result)
        ],
        "late": result.late,
        "out_of_order": {
            **_finding(result.out_of_order),
            "furthest_back_s": result.furthest_back_ms / 1000,
        },
        "future": _finding(result.future),
        "clamped": _finding(result.clamped),
        "unread": result.unread,
        "empty": result.empty,
    }


def sentences(result: CheckResult, files: list[Path]) -> Iterator[str]:
    """The findings for people."""
    names = ", ".join(str(file) for file in files)
    lines, customers = result.lines.total(), result.customers
    yield f"{names}: lines {lines:,}, customers {customers:,}{_span(result)}"
    yield from _section("valid", [f"{n:9,}  {kind}" for kind, n in result.valid.most_common()])
    yield from _section("not applied", [*_stops(result), *fault_lines(result.faults.all())])
    yield from _section("applied all the same", [*_fields_told(result), *_times(result)])
    yield _conclusion(result)


def _section(name: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"{name}:"
        yield from (f"  {line}" for line in lines)


def _span(result: CheckResult) -> str:
    if result.first_ms is None or result.last_ms is None:
        return ""
    return f", times {format_time(result.first_ms)} to {format_time(result.last_ms)}"


def _stops(result: CheckResult) -> Iterator[str]:
    for name in result.empty:
        yield f"{name} is empty: want at least one line"
    for name, why in result.unread.items():
        yield f"{name} was not read to its end: {why}"


def fault_lines(faults: Iterable[Fault]) -> Iterator[str]:
    """A line for each fault: how often, what, what was wanted, and where at first."""
    for fault in faults:
        what = " ".join(filter(None, (fault.reason, fault.type, fault.field)))
        hint = "" if fault.hint is None else f"; {fault.hint}"
        yield f"{fault.count:9,}  {what}: {fault.detail}{hint}  ({fault.places})"


def _fields_told(result: CheckResult) -> Iterator[str]:
    for (kind, name), found in _fields(result):
        meant = result.did_you_mean(kind, name)
        hint = "unknown field" if meant is None else f"did you mean `{meant}`?"
        yield f"{found.count:9,}  {kind}: `{name}`, {hint}  ({found.places})"


def _times(result: CheckResult) -> Iterator[str]:
    notes = [
        (result.duplicates, "duplicates: same source, id and content as a line before"),
        (
            result.future,
            "later than now: a worker takes them as five minutes after receipt, a replay leaves "
            "them out",
        ),
        (result.clamped, "later than their receipt: taken as five minutes after it"),
        (
            result.out_of_order,
            "out of order, at most "
            f"{timedelta(seconds=result.furthest_back_ms // 1000)} behind a line before; a replay "
            "sorts them",
        ),
    ]
    for found, what in notes:
        if found.count:
            yield f"{found.count:9,}  {what}  ({found.places})"


def _conclusion(result: CheckResult) -> str:
    if result.well:
        return "all valid"
    if not result.faults:
        return "not all was there to be checked"
    faults, lines = result.faults.count, result.lines.total()
    return f"not all valid: {faults:,} of {lines:,} lines would not be applied"


def _fields(result: CheckResult) -> list[tuple[tuple[str, str], Finding]]:
    """Misspellings first, then the most frequent."""
    return sorted(
        result.unknown_fields.items(),
        key=lambda pair: (result.did_you_mean(*pair[0]) is None, -pair[1].count, pair[0]),
    )


def _finding(found: Finding) -> dict[str, object]:
    return {"count": found.count, "lines": found.lines}


def _fault(fault: Fault) -> dict[str, object]:
    return {
        "outcome": fault.outcome,
        "reason": fault.reason,
        "type": fault.type,
        "field": fault.field,
        "detail": fault.detail,
        "hint": fault.hint,
        **_finding(fault),
    }


def _time(time_ms: Millis | None) -> str | None:
    return None if time_ms is None else format_time(time_ms)
