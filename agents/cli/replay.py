"""``touchstream replay``: history through the same agents and code, on event time."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import typer

from agents.cli.progress import Progress
from agents.replay.crew import Crew
from agents.replay.history import Step, steps
from agents.replay.recording import check_fit, examine
from agents.replay.run import Replay
from agents.replay.stage import EMBEDDED, WARNING, stage
from agents.settings import Settings
from agents.stores.connect import open_store
from agents.wiring import tick_secret
from streams.features.catalogue import FEATURES


def replay(
    settings: Settings,
    config: Path | None,
    files: list[Path],
    out: Path,
    broker: str,
    workers: int,
    partitions: int | None,
) -> dict[str, object]:
    """Replay ``files`` into ``out`` and return the summary."""
    recording = examine(files, tick_secret(settings))
    if recording is not None:
        check_fit(recording, settings.rules, FEATURES.digest, partitions)
        partitions = recording.partitions
    if broker == EMBEDDED:
        typer.echo(WARNING, err=True)
    with (
        stage(settings, config, broker, workers, partitions) as scene,
        Progress(sys.stderr) as progress,
    ):
        crew = Crew(workers, scene.environ, scene.logs, ticks=False)
        try:
            return asyncio.run(_run(scene.settings, crew, files, out, progress))
        finally:
            crew.stop()


async def _run(
    settings: Settings, crew: Crew, files: list[Path], out: Path, progress: Progress
) -> dict[str, object]:
    store = open_store(settings)
    try:
        history = in_turn(steps(files, settings.ticks))
        return await Replay(settings, store, crew, out, progress.show).run(history)
    finally:
        await store.wipe()
        await store.close()


async def in_turn(steps: Iterator[Step]) -> AsyncIterator[Step]:
    """The steps of a file, for a replay that awaits each."""
    for step in steps:
        yield step
