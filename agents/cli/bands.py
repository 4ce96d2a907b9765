"""``touchstream bands tune``: what would follow from a capacity for alarms."""

import asyncio
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import orjson
import typer

from touchstream.agents.checkpoint import Checkpoint
from touchstream.agents.cli.counting import Counting
from touchstream.agents.cli.failures import BadUsage, Failed
from touchstream.agents.replay.collector import RULES_FILE, score_files
from touchstream.agents.replay.states import read_states
from touchstream.agents.report.alarms import read_told, worth
from touchstream.agents.report.capacities import (
    Foreseen,
    TooLittle,
    asked_of,
    foresee,
    foresee_live,
    toml_lines,
)
from touchstream.agents.report.folder import read_rules
from touchstream.agents.report.scores import UNKNOWN, Foreign, Rows, read_rows
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Store
from touchstream.agents.stores.connect import open_store
from touchstream.agents.views.models import read_checkpoint
from touchstream.schemas.rules import BandRules, Rules
from touchstream.schemas.shards import shard_names
from touchstream.schemas.units import DAY_MS
from touchstream.streams.decide.capacity import EARLIEST_DAYS, LATEST_DAYS
from touchstream.streams.learn.knowledge import Learnt
from touchstream.streams.learn.snapshot import CHURN
from touchstream.streams.projections.read import churn_of
from touchstream.streams.state import decode

HEAD = ("capacity/day", "high from", "until below", "medium from", "alarms/day")
JUDGED = ("came true", "leavers warned", "median days before")
UNUSED = (
    "high means at least twice the odds of the average customer: a larger capacity is not filled"
)
NOT_KNOWN = (
    "not known from the live ledger: which alarms would have come true, and which leavers were "
    "warned. Its rows wait for their labels; replay a recording and give its folder with --from"
)


class Answer(NamedTuple):
    """The capacities, and sentences about them."""

    found: Sequence[Foreseen]
    notes: Sequence[str]


def tune(
    settings: Settings,
    capacity: float | None,
    share: float | None,
    folder: Path | None,
    *,
    as_json: bool,
) -> None:
    """Print a row for each capacity, and the configuration of the one asked for."""
    bands = _asked(capacity, share)
    try:
        if folder is None:
            answer = asyncio.run(live_answer(settings, bands or asked_of(settings.rules)))
        else:
            answer = _replayed(folder, bands)
    except TooLittle as exc:
        raise Failed(f"no bands to tune: {exc}") from exc
    for line in _json(answer.found) if as_json else _table(answer):
        typer.echo(line)
    for note in answer.notes:
        # A program reads rows alone.
        typer.echo(note, err=as_json)
    if not as_json:
        typer.echo("\n" + "\n".join(toml_lines(answer.found)))


def _asked(capacity: float | None, share: float | None) -> BandRules | None:
    if capacity is not None and share is not None:
        raise BadUsage("want --capacity or --share, not both")
    if capacity is not None:
        if not 0.0 < capacity < float("inf"):
            raise BadUsage(f"--capacity={capacity:g}: want a number of customers a day > 0")
        return BandRules(high_per_day=capacity)
    if share is not None:
        if not 0.0 < share <= 1.0:
            raise BadUsage(f"--share={share:g}: want a share of the open customers, 0 < share <= 1")
        return BandRules(high_share_per_day=share)
    return None


def _replayed(folder: Path, bands: BandRules | None) -> Answer:
    try:
        rules = read_rules(folder)
        index: dict[str, int] = {}
        rows = read_rows(folder / score_files([])[CHURN], index)
        if rules is None:
            raise Foreign(f"no {RULES_FILE}: an earlier build wrote it; replay again")
        emitted = read_told(folder, index, rules.churn.horizon_days)
    except Foreign as exc:
        raise BadUsage(f"--from={str(folder)!r}: want the folder of a replay: {exc}") from exc
    found = foresee(rows, emitted, rules, bands or asked_of(rules))
    notes = [
        "computed from the weekly scores of the replay; leavers: "
        f"{found[0].leavers:,}; warned: high at some moment {LATEST_DAYS} to {EARLIEST_DAYS} days "
        "before they left",
        *_unused(found),
    ]
    was = worth(emitted, rows, rules)
    if was is not None and was.found.alarms_per_day is not None:
        precision = was.found.precision
        came = "" if precision is None else f", {100 * precision:.1f} % came true"
        rate = f"{was.found.alarms_per_day:.1f} alarms a day{came}"
        notes.append(
            f"in the replay itself ({_wanted(was.capacity)}): {rate}, "
            f"{was.leavers_warned:,} of {was.found.leavers:,} leavers warned; events "
            "between two snapshots raise alarms as well, which these rows do not show"
        )
    return Answer(found, notes)


async def live_answer(settings: Settings, bands: BandRules) -> Answer:
    """The capacities from the rows that wait for their labels; reads the states of everybody.

    Raises
    ------
    TooLittle
        If no band would ever have been entered.
    """
    store = open_store(settings)
    try:
        _, checkpoint = await read_checkpoint(store, settings)
        rows = await _waiting(store, settings)
    finally:
        await store.close()
    if not len(rows.day):
        raise TooLittle("no customer is known yet, or none has had a snapshot day")
    learnt = checkpoint.knowledge.churn
    rate = learnt.baselines.base_rate()
    found = foresee_live(rows, rate, settings.rules, bands)
    days = int(rows.day.max() - rows.day.min()) + 1
    scored = (
        f"computed from {len(rows.day):,} scores of {len(np.unique(rows.customer)):,} customers in "
        f"{days} days that wait for their labels"
    )
    return Answer(
        found, [scored, NOT_KNOWN, *_unused(found), *_now(learnt, checkpoint, settings.rules)]
    )


async def _waiting(store: Store, settings: Settings) -> Rows:
    """The rows of churn's ledgers, over all customers."""
    risk, columns = array("d"), [array("l") for _ in range(3)]
    customers, days, versions = columns
    with Counting("reading states") as done:
        number = 0
        async for _, data in read_states(store, shard_names(settings.kafka.partitions)):
            for row in churn_of(decode(data)).ledger:
                customers.append(number)
                days.append(row.at_ms // DAY_MS)
                risk.append(row.risk)
                versions.append(row.model_version)
            number += 1
            done.add()
    customer, day, version = (np.asarray(column, np.int64) for column in columns)
    label = np.full(len(day), UNKNOWN)
    return Rows(customer, day, np.asarray(risk, np.float64), label, version)


def _now(learnt: Learnt, checkpoint: Checkpoint, rules: Rules) -> Iterator[str]:
    """The thresholds in force, and the entries that the learner has counted."""
    thresholds = rules.bands.typed or learnt.bands
    if thresholds is None:
        yield "no thresholds are in force yet"
        return
    kind = "typed" if rules.bands.typed is not None else "by capacity"
    text = f"in force ({kind}): high from {thresholds.high_enter:.3f}"
    if learnt.flow.scored:
        text += f", {learnt.flow.per_day(learnt.flow.entered):.1f} entries a day lately"
    yield f"{text} (as of tick {checkpoint.knowledge.tick})"


def _wanted(capacity: float | None) -> str:
    return "typed thresholds" if capacity is None else f"capacity {capacity:.1f}"


def _unused(found: Sequence[Foreseen]) -> Iterator[str]:
    asked = [one.thresholds.high_enter for one in found]
    if len(set(asked)) < len(asked):
        yield UNUSED


def _json(found: Sequence[Foreseen]) -> Iterator[str]:
    for one in found:
        fields = msgspec.structs.asdict(one)
        # On the wire thresholds are an array; a program wants them by name.
        fields["thresholds"] = msgspec.structs.asdict(one.thresholds)
        rounded = {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in fields.items()
        }
        yield orjson.dumps(rounded).decode()


def _table(answer: Answer) -> Iterator[str]:
    judged = answer.found[0].leavers is not None
    rows = [(*HEAD, *(JUDGED if judged else ()))]
    rows += [_cells(one, judged=judged) for one in answer.found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))


def _cells(one: Foreseen, *, judged: bool) -> tuple[str, ...]:
    at = one.thresholds
    share = "" if one.high_share_per_day is None else f" ({100 * one.high_share_per_day:g} %)"
    cells = (
        f"{'> ' * one.asked}{one.customers_per_day:.1f}{share}",
        *(f"{risk:.3f}" for risk in (at.high_enter, at.high_leave, at.medium_enter)),
        f"{one.alarms_per_day:.1f}",
    )
    if not judged:
        return cells
    lead = "-" if one.lead_days is None else f"{one.lead_days:.1f}"
    return (*cells, _percent(one.precision), _percent(one.warned), lead)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
