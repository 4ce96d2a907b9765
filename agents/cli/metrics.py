"""``touchstream metrics``: business measures, added up over all shards."""

import asyncio
import json
from collections.abc import Sequence

import msgspec
import typer

from touchstream.agents.cli.failures import Failed
from touchstream.agents.cli.metrics_view import (
    Period,
    Question,
    Report,
    ask,
    buckets,
    lines,
    period,
    report,
)
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Store
from touchstream.agents.stores.connect import open_store
from touchstream.schemas.units import DAY_MS
from touchstream.streams.checkpoint import decode_checkpoint
from touchstream.streams.measures.reading import read


def metrics(
    settings: Settings,
    name: str | None,
    by: str | None,
    since: str | None,
    until: str | None,
    *,
    as_json: bool,
) -> None:
    """Show the overview, or one metric by day or by a dimension."""
    question = ask(name, by)
    if until is not None:
        period(since, until, None)  # a mistake is told before Redis is asked
    shown = asyncio.run(_report(settings, question, since, until))
    if as_json:
        # Sums over shards may leave 64 bits, which only the standard library writes.
        typer.echo(json.dumps(msgspec.to_builtins(shown)))
        return
    for line in lines(shown):
        typer.echo(line)


async def _report(
    settings: Settings, question: Question, since: str | None, until: str | None
) -> Report:
    shards = [f"p{number}" for number in range(settings.kafka.partitions)]
    store = open_store(settings)
    try:
        newest = await newest_day(store, shards)
        if newest is None and until is None:
            raise Failed(
                f"nothing is measured in namespace {settings.namespace!r} up to a tick: start a "
                "worker and the learner, or give --until"
            )
        return await read_report(store, shards, question, period(since, until, newest))
    finally:
        await store.close()


async def newest_day(store: Store, shards: Sequence[str]) -> int | None:
    """The day that the shards have reached by their ticks; None before the first.

    A tick at midnight ends the day before it.
    """
    found = await store.read_checkpoints(shards)
    watermarks = [decode_checkpoint(each.record).watermark_ms for each in found]
    reached = [watermark_ms for watermark_ms in watermarks if watermark_ms is not None]
    return (max(reached) - 1) // DAY_MS if reached else None


async def read_report(
    store: Store, shards: Sequence[str], question: Question, days: Period
) -> Report:
    """Ask for all buckets in one round trip, and add them up."""
    names = buckets(question, days)
    found = await store.read_measures(shards, names)
    cells = read(pair for each in found for pair in zip(names, each, strict=True))
    return report(question, days, cells)
