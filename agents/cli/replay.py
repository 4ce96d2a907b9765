"""``touchstream replay``: a history through the same agents, in event time."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import orjson
import typer

from touchstream.agents.cli.counting import Counting
from touchstream.agents.cli.failures import BadUsage, Failed
from touchstream.agents.cli.histories import places_outside, require_lines
from touchstream.agents.cli.progress import Progress
from touchstream.agents.cli.shortfall import explained, first_fault, shortfall
from touchstream.agents.history.inputs import RawLine
from touchstream.agents.history.reading import EVER, History, TimeRange, read_history
from touchstream.agents.history.recording import Recording, check_fit, examine
from touchstream.agents.history.sorting import temporary_folder
from touchstream.agents.history.steps import Step, steps
from touchstream.agents.replay.outputs import OUT_OF_RANGE_FILE, input_inside, outputs
from touchstream.agents.replay.run import Replay
from touchstream.agents.replay.runtime import runtime
from touchstream.agents.replay.services import EMBEDDED, WARNING, ReplayServices, services
from touchstream.agents.serving import Wish, want
from touchstream.agents.settings import Settings
from touchstream.agents.wiring import tick_secret
from touchstream.schemas.envelope import format_time
from touchstream.streams.features.catalogue import FEATURES


class Options(NamedTuple):
    """How a history is replayed."""

    out: Path
    broker: str = EMBEDDED
    workers: int = 1
    partitions: int | None = None
    range_of_time: TimeRange = EVER
    bounded: bool = False
    """The user asked for the range; else what lies outside of it has a wrong clock."""
    strict: bool = False
    """Nothing is replayed unless every line would be applied."""


class Replayed(NamedTuple):
    """The result of a replay."""

    summary: Mapping[str, object]
    complaint: str | None
    """Why too few lines were applied, with the commonest reasons."""


def main(settings: Settings, config: Path | None, files: Sequence[Path], options: Options) -> None:
    """Replay and print the summary; raises :class:`Failed` if too few lines were applied."""
    replayed = replay(settings, config, files, options)
    typer.echo(orjson.dumps(replayed.summary, option=orjson.OPT_INDENT_2).decode())
    if replayed.complaint is not None:
        raise Failed(replayed.complaint)


def replay(
    settings: Settings, config: Path | None, files: Sequence[Path], options: Options
) -> Replayed:
    """Replay ``files`` into the folder of the options, which they must not lie in."""
    inside = input_inside(options.out, files)
    if inside is not None:
        raise BadUsage(
            f"--out={str(options.out)!r}: want a folder without the inputs, whose files a replay "
            f"replaces: {inside} lies in it"
        )
    within = options.range_of_time
    with outputs(options.out) as work, temporary_folder() as folder:
        history = _read(files, Path(folder), within, work)
        require_lines(files, history, within)
        recording = examine(history, tick_secret(settings))
        if recording is not None:
            check_fit(recording, settings.rules, FEATURES.digest, options.partitions)
        if options.strict:
            _require_faultless(settings, history)
        summary = _on_services(settings, config, history, recording, work, options)
        complaint = _complaint(settings, history, summary, options)
    return Replayed(summary, complaint)


def _read(files: Sequence[Path], folder: Path, within: TimeRange, work: Path) -> History:
    """The history; what lies outside of the range goes to a file of the outputs."""
    kept = work / OUT_OF_RANGE_FILE
    with kept.open("wb") as file, Counting("sorting") as lines:

        def keep(raw: RawLine) -> None:
            file.write(raw.value + b"\n")

        history = read_history(files, folder, within, on_line=lines.add, on_outside=keep)
    if not history.outside:
        kept.unlink()
    return history


def _require_faultless(settings: Settings, history: History) -> None:
    if history.outside:
        raise Failed(f"--strict: outside of the range of time: {places_outside(history)}")
    fault = first_fault(settings, history)
    if fault is not None:
        raise Failed(f"--strict: {fault}; nothing was replayed")


def _on_services(
    settings: Settings,
    config: Path | None,
    history: History,
    recording: Recording | None,
    work: Path,
    options: Options,
) -> Mapping[str, object]:
    if options.broker == EMBEDDED:
        typer.echo(WARNING, err=True)
    partitions = options.partitions if recording is None else recording.partitions
    # Otherwise the learner would sweep versions that later ticks of the recording name.
    keep: frozenset[int] = frozenset() if recording is None else recording.rolled_back
    with (
        services(settings, config, options.broker, options.workers, partitions) as scene,
        Progress(sys.stderr) as progress,
    ):
        return asyncio.run(_run(scene, options, history, work, progress, keep))


async def _run(
    scene: ReplayServices,
    options: Options,
    history: History,
    work: Path,
    progress: Progress,
    keep: frozenset[int],
) -> Mapping[str, object]:
    more = {"out_of_range": _out_of_range(history, options)}
    async with runtime(scene, options.workers) as (store, workforce):
        await want(store, Wish(keep=tuple(sorted(keep))))
        run = Replay(scene.settings, store, workforce, work, progress.show, more=more)
        return await run.run(in_turn(steps(history, scene.settings.ticks.every_days)))


def _complaint(
    settings: Settings, history: History, summary: Mapping[str, object], options: Options
) -> str | None:
    outside = 0 if options.bounded else history.outside
    what = shortfall(cast(Mapping[str, int], summary["records"]), outside)
    return None if what is None else explained(what, settings, history)


def _out_of_range(history: History, options: Options) -> dict[str, object]:
    within = options.range_of_time
    return {
        "from": None if within.from_ms is None else format_time(within.from_ms),
        "until": None if within.until_ms is None else format_time(within.until_ms),
        "before": history.before.count,
        "after": history.after.count,
        "lines": history.before.lines + history.after.lines,
    }


async def in_turn(steps: Iterator[Step]) -> AsyncIterator[Step]:
    """The steps of a history as an asynchronous iterator."""
    for step in steps:
        yield step
