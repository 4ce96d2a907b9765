"""``touchstream alerts precision``: how many alerts were worth having, by kind and queue."""

import asyncio
from collections.abc import Iterator

import msgspec
import typer

from touchstream.agents.cli.asking import ask_store
from touchstream.agents.cli.histories import now_ms
from touchstream.agents.notifier.precision import Precision, PrecisionRow, alert_precision
from touchstream.agents.settings import Settings

HEAD = ("kind", "queue", "ended", "rated", "share rated", "useful", "precision")


def show(settings: Settings, days: int, *, as_json: bool) -> None:
    """Print a row for each kind and queue, and all together; for programs the rows alone."""
    found = asyncio.run(
        ask_store(settings, lambda store, _shards: alert_precision(store, days, now_ms()))
    )
    if as_json:
        for row in found.rows:
            typer.echo(msgspec.json.encode(row).decode())
        return
    for line in _lines(found, days, settings.namespace):
        typer.echo(line)


def _lines(found: Precision, days: int, namespace: str) -> Iterator[str]:
    if not found.rows:
        yield (
            f"no alert ended in the last {days} days in namespace {namespace!r}, or no notifier "
            "has run (`touchstream up` runs one)"
        )
        return
    rows = [HEAD, *map(_cells, found.rows)]
    if len(found.rows) > 1:
        rows.append(("all", *_cells(found.total)[1:]))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        names = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        numbers = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        yield "  ".join([*names, *numbers])


def _cells(row: PrecisionRow) -> tuple[str, ...]:
    counts = (f"{row.ended:,}", f"{row.rated:,}", _share(row.share_rated))
    return (row.kind, row.queue, *counts, f"{row.useful:,}", _share(row.precision))


def _share(share: float | None) -> str:
    # Nothing is known: a zero would look like a bad result.
    return "unknown" if share is None else f"{share:.1%}"
