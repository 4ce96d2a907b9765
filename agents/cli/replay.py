"""``touchstream replay``: a history through the same agents, in event time."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import typer

from touchstream.agents.cli.progress import Progress
from touchstream.agents.replay.history import Step, steps
from touchstream.agents.replay.recording import check_fit, examine
from touchstream.agents.replay.run import Replay
from touchstream.agents.replay.runtime import runtime
from touchstream.agents.replay.services import EMBEDDED, WARNING, ReplayServices, services
from touchstream.agents.serving import Wish, want
from touchstream.agents.settings import Settings
from touchstream.agents.wiring import tick_secret
from touchstream.streams.features.catalogue import FEATURES


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
    keep: frozenset[int] = frozenset()
    if recording is not None:
        keep = recording.rolled_back
        check_fit(recording, settings.rules, FEATURES.digest, partitions)
        partitions = recording.partitions
    if broker == EMBEDDED:
        typer.echo(WARNING, err=True)
    with (
        services(settings, config, broker, workers, partitions) as scene,
        Progress(sys.stderr) as progress,
    ):
        return asyncio.run(_run(scene, workers, files, out, progress, keep))


async def _run(
    scene: ReplayServices,
    workers: int,
    files: list[Path],
    out: Path,
    progress: Progress,
    keep: frozenset[int],
) -> dict[str, object]:
    history = in_turn(steps(files, scene.settings.ticks))
    async with runtime(scene, workers) as (store, workforce):
        # Otherwise the learner would sweep versions that later ticks of the recording name.
        await want(store, Wish(keep=tuple(sorted(keep))))
        return await Replay(scene.settings, store, workforce, out, progress.show).run(history)


async def in_turn(steps: Iterator[Step]) -> AsyncIterator[Step]:
    """The steps of a file as an asynchronous iterator."""
    for step in steps:
        yield step
