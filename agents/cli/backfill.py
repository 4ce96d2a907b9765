"""``touchstream backfill``: a history into a deployment, before it goes live."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson
import typer

from touchstream.agents import backfill, clients
from touchstream.agents.cli.counting import Counting
from touchstream.agents.cli.failures import BadUsage, Failed
from touchstream.agents.cli.histories import now_ms, range_of_time, require_lines
from touchstream.agents.cli.progress import Progress
from touchstream.agents.cli.reading import whole
from touchstream.agents.cli.shortfall import foreseen
from touchstream.agents.cli.up import require_topics
from touchstream.agents.history.reading import History, read_history
from touchstream.agents.history.sorting import temporary_folder
from touchstream.agents.kafka import physical_topics
from touchstream.agents.replay.background import running
from touchstream.agents.replay.phase import Show
from touchstream.agents.replay.runtime import supervise
from touchstream.agents.replay.summary import added, by_outcome, model_measures
from touchstream.agents.replay.supervisor import Supervisor
from touchstream.agents.replay.waiting import AgentsProgress
from touchstream.agents.serving import Backfill, wanted
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Store
from touchstream.agents.stores.connect import open_store
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.streams.checkpoint import ShardCheckpoint


class Options(NamedTuple):
    """How a history is put into a deployment."""

    since: str | None = None
    until: str | None = None
    workers: int = 1


def main(settings: Settings, config: Path | None, files: Sequence[Path], options: Options) -> None:
    """Backfill, and print the summary; raises what :func:`run` raises."""
    summary = run(settings, config, files, options)
    typer.echo(orjson.dumps(summary, option=orjson.OPT_INDENT_2).decode())


def run(
    settings: Settings, config: Path | None, files: Sequence[Path], options: Options
) -> dict[str, object]:
    """Put the files into the namespace of the settings, and return the summary.

    Raises
    ------
    agents.backfill.BackfillRefused
        If the namespace cannot take them.
    agents.cli.failures.Failed
        If less than half of the lines would be applied; nothing is sent then.
    """
    require_topics(settings)
    with temporary_folder() as folder, Progress(sys.stderr) as progress:
        return asyncio.run(
            _run(settings, _environ(config), files, options, Path(folder), progress.show)
        )


async def _run(
    settings: Settings,
    environ: Mapping[str, str],
    files: Sequence[Path],
    options: Options,
    folder: Path,
    show: Show,
) -> dict[str, object]:
    store = open_store(settings)
    try:
        ends = await asyncio.to_thread(_ends, settings)
        await backfill.require_room(store, settings, ends)
        history, identity = await _read(store, settings, files, options, folder)
        await backfill.begin(store, settings, ends, identity)
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="touchstream-backfill-") as logs:
            supervisor = Supervisor(options.workers, environ, Path(logs), ticks=False)
            try:
                async with running(supervise(supervisor)):
                    publisher = await backfill.run(settings, store, history, ends, now_ms(), show)
            finally:
                await asyncio.to_thread(supervisor.stop)
        progress = AgentsProgress(store, settings.kafka.partitions)
        return {
            **_counts(await progress.shard_checkpoints()),
            "out_of_range": history.outside,
            "ticks": publisher.tick,
            "models": model_measures(await progress.require_learner()),
            "seconds": round(time.monotonic() - started, 3),
        }
    finally:
        await store.close()


async def _read(
    store: Store, settings: Settings, files: Sequence[Path], options: Options, folder: Path
) -> tuple[History, Backfill]:
    before = (await wanted(store)).backfill
    within = range_of_time(options.since, options.until)
    if before is not None and options.until is None:
        # The same lines as when it was begun, or nothing would fit.
        within = within._replace(until_ms=before.until_ms)
    with Counting("sorting") as lines:
        history = read_history(files, folder, within, on_line=lines.add)
    require_lines(files, history, within)
    if history.is_recorded:
        raise BadUsage("FILE: want events: a recorded log can be replayed only")
    with Counting("checking") as checked:
        complaint = foreseen(settings, history, checked.add)
    if complaint is not None:
        raise Failed(f"{complaint}\nnothing was sent")
    assert within.until_ms is not None
    return history, Backfill(within.until_ms, history.count, f"{history.fingerprint:016x}")


def _ends(settings: Settings) -> list[int]:
    topic = physical_topics(settings.kafka)[TOUCHPOINTS_TOPIC]
    with clients.consumer(settings.kafka, topic) as consumer:
        spans = whole(consumer, topic)
    return [span.end for _, span in sorted(spans.items())]


def _counts(checkpoints: Sequence[ShardCheckpoint]) -> dict[str, object]:
    return {
        "records": by_outcome(checkpoints),
        "withheld_emissions": added(checkpoints).get("withheld", 0),
    }


def _environ(config: Path | None) -> Mapping[str, str]:
    """The environment of its processes: those of a deployment, but with a backlog to work off."""
    environ = {
        # Several processes share this machine.
        "TOUCHSTREAM_HTTP__PORT": "0",
        # A history may hold any number of malformed lines.
        "TOUCHSTREAM_WORKER__DEAD_LETTER_LIMIT": "0",
        "TOUCHSTREAM_WORKER__LINGER_MS": "0",
    }
    found = os.environ.get("TOUCHSTREAM_CONFIG") if config is None else str(config.resolve())
    return environ if found is None else {**environ, "TOUCHSTREAM_CONFIG": found}
