"""``touchstream models``: list the versions, and choose the one to serve."""

import asyncio
from collections.abc import Iterator

import msgspec
import typer

from touchstream.agents.cli.failures import BadUsage
from touchstream.agents.settings import Settings
from touchstream.agents.stores.connect import open_store
from touchstream.agents.views.models import (
    NEWEST,
    Overview,
    Standoff,
    Wanted,
    model_overview,
    serve_version,
)


def show(settings: Settings, limit: int, *, as_json: bool) -> None:
    """Print the versions, which one is served, and the evidence for the rivals."""
    overview = asyncio.run(_overview(settings, limit))
    if as_json:
        typer.echo(msgspec.json.encode(overview).decode())
        return
    for line in _lines(overview):
        typer.echo(line)


def serve(settings: Settings, version: str) -> None:
    """Ask the learner to name this version from its next tick on."""
    typer.echo(msgspec.json.encode(asyncio.run(_serve(settings, _number(version)))).decode())


async def _overview(settings: Settings, limit: int) -> Overview:
    store = open_store(settings)
    try:
        return await model_overview(store, settings, limit)
    finally:
        await store.close()


def _lines(overview: Overview) -> Iterator[str]:
    for name, contest in overview.targets.items():
        fallen = f", fallen back to {contest.served}" if contest.fallen_back else ""
        own = "" if contest.own is None else f", {contest.own:,} of them its own"
        yield f"{name}: {contest.champion} of {contest.examples:,} examples{own}{fallen}"
        for trial in contest.trials:
            yield f"  against {_reported(trial)}"
    yield f"wanted: {overview.wanted}; newest: {overview.newest}, learnt up to tick {overview.tick}"
    if overview.more:
        yield f"  ({overview.more:,} older ones: --limit)"
    for kept in overview.versions:
        served = "  served" if kept.served else ""
        where = f"  active on {', '.join(kept.shards)}" if kept.shards else ""
        yield (
            f"  {kept.version:6}  {kept.digest}  tick {kept.tick}, {kept.examples:,} examples"
            f"{served}{where}"
        )


def _reported(trial: Standoff) -> str:
    if trial.loss_above is None:
        return f"{trial.rival}: no round is closed yet"
    return (
        f"{trial.rival}: log loss {trial.loss_above:+.5f} over {trial.rounds} rounds "
        f"({trial.examples:,} examples), p {trial.p_champion_better:.3g} that it is not better, "
        f"{trial.p_rival_better:.3g} that the rival is not"
    )


async def _serve(settings: Settings, version: int | None) -> Wanted:
    store = open_store(settings)
    try:
        return await serve_version(store, settings, version)
    finally:
        await store.close()


def _number(version: str) -> int | None:
    if version == NEWEST:
        return None
    if not (version.isascii() and version.isdigit() and int(version)):
        raise BadUsage(f"VERSION={version!r}: want a number above 0, or {NEWEST}")
    return int(version)
