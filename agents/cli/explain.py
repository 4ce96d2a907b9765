"""``touchstream explain``: the reasons for a customer's risk, each verified by their events."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import orjson
import typer

from touchstream.agents.cli.counting import Counting
from touchstream.agents.cli.explaining import Subject, find, from_files, from_topic
from touchstream.agents.cli.failures import BadUsage, Failed
from touchstream.agents.settings import Settings
from touchstream.agents.stores.connect import open_store
from touchstream.schemas.envelope import format_time
from touchstream.schemas.shards import shard_name
from touchstream.streams.emit.risk import LEAST_LOG_ODDS
from touchstream.streams.explain import explain
from touchstream.streams.explanation import ExplainedReason, Explanation, Part, Proof
from touchstream.streams.gates import Silence, silences
from touchstream.streams.history import relive
from touchstream.streams.learn.snapshot import CHURN, RETURN
from touchstream.streams.projections.read import churn_of, relation_of
from touchstream.streams.proof import ACTIVITY, verify
from touchstream.streams.state import State

MOST_SHOWN = 10
"""More than a person reads; the JSON has all of them."""
MOST_PARTS = 3


def main(
    settings: Settings,
    customer: str,
    files: Sequence[Path],
    target: str | None,
    *,
    proved: bool,
    as_json: bool,
) -> None:
    """Explain a customer from their events in ``files``, or in the topic if there are none."""
    subject = asyncio.run(_found(settings, customer))
    explanation = _explained(subject, target)
    if proved:
        explanation = _verified(settings, subject, files, explanation)
    if as_json:
        typer.echo(orjson.dumps(_as_json(subject, explanation)).decode())
        return
    for line in _lines(subject, explanation):
        typer.echo(line)


async def _found(settings: Settings, customer: str) -> Subject:
    store = open_store(settings)
    try:
        return await find(settings, store, customer)
    finally:
        await store.close()


def _explained(subject: Subject, target: str | None) -> Explanation:
    targets = tuple(subject.context.rules.all_targets)
    relation = relation_of(subject.state)
    # Who has left cannot leave: the question about them is whether they return.
    over = relation is not None and relation.is_over
    target = target or (RETURN if over else CHURN)
    if target not in targets:
        raise BadUsage(f"--target={target!r}: want one of {', '.join(targets)}")
    if subject.state.profile is None:
        raise Failed(f"nothing is known of {subject.id!r}: they were erased, and no event followed")
    explanation = explain(subject.state, subject.context, target)
    if explanation is None:
        raise Failed("nothing is scored before the first tick: start the learner")
    return explanation


def _verified(
    settings: Settings, subject: Subject, files: Sequence[Path], explanation: Explanation
) -> Explanation:
    with Counting("reading events") as done:
        log = (
            from_files(settings, subject, files, done.add)
            if files
            else from_topic(settings, subject, done.add)
        )
        history = relive(log, subject.context)
    return verify(explanation, subject.state, history, subject.context)


def _as_json(subject: Subject, explanation: Explanation) -> dict[str, Any]:
    checkpoint, fields = subject.checkpoint, msgspec.to_builtins(explanation)
    fields["at"] = format_time(fields.pop("at_ms"))
    for inner, name in ((fields["before"], "at"), (fields["proof"], "first")):
        if inner is not None:
            at_ms = inner.pop(f"{name}_ms")
            inner[name] = None if at_ms is None else format_time(at_ms)
    return {
        "customer": subject.id,
        "band": churn_of(subject.state).band if explanation.target == CHURN else None,
        **fields,
        "held_by": msgspec.to_builtins(_held(subject, explanation)),
        "shard": shard_name(subject.partition),
        "tick": checkpoint.tick,
        "model_version": subject.context.version,
        "rules": subject.context.rules_digest,
    }


def _lines(subject: Subject, explanation: Explanation) -> Iterator[str]:
    churn = explanation.target == CHURN
    what = "risk of churn if nothing is done" if churn else f"probability of {explanation.target}"
    interval = f"90 %: {explanation.low:.3f} to {explanation.high:.3f}"
    yield f"{subject.id}: {what} {explanation.risk:.3f} ({interval})"
    if churn:
        yield f"band: {_band(subject.state)}"
    for silence in _held(subject, explanation):
        yield f"nothing emitted now ({silence.gate}): {silence.text}; opens with {silence.opens}"
    yield (
        f"as of {format_time(explanation.at_ms)}, model version {subject.context.version}, "
        f"{explanation.n:,} examples"
    )
    yield (
        f"log-odds {explanation.log_odds:+.2f}: {explanation.rest:+.2f} for the average example "
        f"and the season, {explanation.log_odds - explanation.rest:+.2f} for the reasons"
    )
    yield ""
    yield from _reasons(explanation)
    yield from _changes(explanation)
    if explanation.proof is not None:
        yield from _proof(subject, explanation.proof)


def _held(subject: Subject, explanation: Explanation) -> list[Silence]:
    """The gates that hold back an emission of this customer's risk."""
    if explanation.target not in (CHURN, RETURN):
        return []
    return silences(subject.id, subject.state, subject.context)


def _band(state: State) -> str:
    churn = churn_of(state)
    if churn.band is None:
        return "none yet, too few examples are learnt"
    since = "" if churn.crossing is None else f" since {format_time(churn.crossing.at_ms)}"
    return f"{churn.band}{since}"


def _reasons(explanation: Explanation) -> Iterator[str]:
    shown = [reason for reason in explanation.reasons if reason.contribution][:MOST_SHOWN]
    if not shown:
        yield "reasons: none; this model uses only the average of similar customers"
        return
    yield "reasons, in log-odds (+ for, - against):"
    for reason in shown:
        words = reason.sentence or _in_words(reason)
        yield f"  {reason.contribution:+.2f}  {words}{_borne_out(reason, explanation)}"
        if len(reason.parts) > 1:
            yield from (
                f"           {part.contribution:+.2f}  {_in_words(part)}"
                for part in reason.parts[:MOST_PARTS]
            )
    left = [reason.contribution for reason in explanation.reasons if reason not in shown]
    if left:
        yield f"  {sum(left):+.2f}  {len(left)} smaller ones"


def _in_words(part: Part) -> str:
    value = _amount(part.value, part.unit)
    typical = "" if part.typical is None else f" (typical: {_amount(part.typical, '')})"
    return f"{part.text}: {value}{typical}"


def _amount(value: float | None, unit: str) -> str:
    return "unknown" if value is None else f"{value:,.10g} {unit}".rstrip()


def _borne_out(reason: ExplainedReason, explanation: Explanation) -> str:
    if explanation.proof is None:
        return ""
    if not reason.about:
        return "; of no event, so it cannot be verified"
    if reason.verified is None:
        return "; there are no such events to leave out"
    without = f"{reason.risk_without:.3f} without the {_count(reason)}"
    if reason.verified:
        return f"; verified: {without}"
    further = "higher still" if reason.contribution > 0 else "lower still"
    return f"; NOT verified: {without}, {further if reason.moved else 'the same'}"


def _count(reason: ExplainedReason) -> str:
    kinds = " and ".join("signs of life" if one == ACTIVITY else one for one in reason.about)
    return f"{reason.events:,} events behind it ({kinds})"


def _changes(explanation: Explanation) -> Iterator[str]:
    if explanation.before is None:
        return
    moved = sorted(explanation.reasons, key=lambda reason: -abs(reason.change or 0.0))
    risk = "" if explanation.before.risk is None else f" (risk {explanation.before.risk:.3f})"
    yield ""
    yield f"changed since the last emission, {format_time(explanation.before.at_ms)}{risk}:"
    for reason in moved[:MOST_SHOWN]:
        if reason.change is None or abs(reason.change) < LEAST_LOG_ODDS:
            return
        before = reason.contribution - reason.change
        yield f"  {reason.change:+.2f}  {reason.text}: {before:+.2f} -> {reason.contribution:+.2f}"


def _proof(subject: Subject, proof: Proof) -> Iterator[str]:
    yield ""
    since = "" if proof.first_ms is None else f" since {format_time(proof.first_ms)}"
    yield f"verified against {proof.events:,} events{since}:"
    if not proof.differing:
        yield "  these events reproduce the stored profile exactly"
        return
    profile = subject.state.profile
    known = "" if profile is None else f" First seen {format_time(profile.first_seen_ms)}."
    yield (
        f"  PARTIAL: without the events missing from the log, {len(proof.differing)} of "
        f"{len(subject.context.features.names)} features come out differently "
        f"({', '.join(proof.differing)}).{known} Give the whole history with --events"
    )
