"""``touchstream risks``: the customers at risk now, the highest risk first."""

import asyncio
from collections.abc import Iterator, Sequence

import orjson
import typer

from touchstream.agents.cli.asking import ask_store
from touchstream.agents.cli.failures import BadUsage
from touchstream.agents.queries import AtRisk, RiskList, customers_at_risk
from touchstream.agents.settings import Settings
from touchstream.schemas.envelope import format_time
from touchstream.schemas.rules import Band

BANDS: tuple[Band, ...] = ("high", "medium")


def risks(settings: Settings, band: str | None, top: int, *, as_json: bool) -> None:
    """Print a line for each of the ``top`` customers; a sentence if nobody is at risk."""
    bands = _bands(band)
    found = asyncio.run(
        ask_store(settings, lambda store, shards: customers_at_risk(store, shards, bands, top))
    )
    for one in found.customers:
        typer.echo(orjson.dumps(_fields(one)).decode() if as_json else "  ".join(_words(one)))
    # A program reads customers alone, a person also how many there are.
    typer.echo(_summary(found, bands, settings.namespace), err=as_json)


def _bands(band: str | None) -> Sequence[Band]:
    if band is None:
        return BANDS
    chosen = [known for known in BANDS if known == band]
    if not chosen:
        raise BadUsage(f"--band={band!r}: want high or medium; omit it for both")
    return chosen


def _fields(one: AtRisk) -> dict[str, object]:
    action = one.action
    return {
        "customer": one.customer,
        "risk": one.risk,
        "band": one.band,
        "since": None if one.since_ms is None else format_time(one.since_ms),
        "reasons": list(one.reasons),
        "action": None if action is None else action.action,
        "recommended": None if action is None else format_time(action.at_ms),
        "decision": None if action is None else action.decision,
    }


def _words(one: AtRisk) -> Iterator[str]:
    yield one.customer
    yield f"risk {one.risk:.3f}"
    yield one.band if one.since_ms is None else f"{one.band} since {format_time(one.since_ms)}"
    if one.action is None:
        yield "no action recommended"
    else:
        yield f"{one.action.action} recommended {format_time(one.action.at_ms)}"
    if one.reasons:
        yield "; ".join(one.reasons)


def _summary(found: RiskList, bands: Sequence[Band], namespace: str) -> str:
    if found.as_of is None:
        return (
            f"nobody is at risk yet: namespace {namespace!r} has not passed its first tick on "
            "every partition; start the learner and the workers"
        )
    watermark_ms = found.as_of.watermark_ms
    as_of = f"as of tick {found.as_of.tick}"
    if watermark_ms is not None:
        as_of += f", {format_time(watermark_ms)}"
    if not any(found.counts.values()):
        return f"nobody is in band {' or '.join(bands)} ({as_of})"
    counts = ", ".join(f"{found.counts[band]} {band}" for band in bands)
    return f"{len(found.customers)} shown; {counts} in all ({as_of})"
