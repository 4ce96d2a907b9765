"""``touchstream customer``: the whole state of one customer."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
import typer
from kafka.errors import KafkaError

from touchstream.agents.cli.failures import Failed
from touchstream.agents.settings import Settings
from touchstream.agents.state_view import as_json as named
from touchstream.agents.stores.connect import open_store
from touchstream.agents.views.customer import CustomerReader
from touchstream.agents.views.decisions import DecisionView, last_decisions
from touchstream.agents.views.event_log import KafkaLog, LogUnavailable
from touchstream.schemas.envelope import format_time
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.emit.amounts import money_amount
from touchstream.streams.emit.risk import REASONS
from touchstream.streams.explanation import Explanation
from touchstream.streams.learn.ledger import (
    ACTIVE,
    CANCELLED,
    HAPPENED,
    RECOMMENDED,
    SUBSCRIBED,
    TREATED,
)
from touchstream.streams.learn.snapshot import CHURN

INDENT = "  "
FLAGS = {
    SUBSCRIBED: "subscribed",
    ACTIVE: "active since",
    CANCELLED: "cancelled since",
    TREATED: "treated since",
    RECOMMENDED: "recommended since",
    HAPPENED: "happened since",
}
"""The outcome flags of a row of a label ledger, in words."""

ODD = {
    "late": "events came after the tick behind them",
    "clamped": "events were dated in the future",
    "memory_full": "older ids were forgotten: sent again, those events would count again "
    "(intake.ids_per_customer)",
    "with_unknown_fields": "events carried fields that their type does not know",
}
"""What was odd about applied events, in words."""


def customer(settings: Settings, customer_id: str, *, as_json: bool) -> None:
    """Print a customer's state and the tick it is from."""
    shown = asyncio.run(_shown(settings, customer_id))
    if as_json:
        typer.echo(orjson.dumps(shown).decode())
        return
    for line in _lines(shown, ""):
        typer.echo(line)


class _Decisions(NamedTuple):
    """The last decisions, or why they are not shown."""

    found: Sequence[DecisionView] | None
    hint: str | None


async def _shown(settings: Settings, customer_id: str) -> dict[str, object]:
    store = open_store(settings)
    try:
        reader = CustomerReader(store, settings.kafka.partitions)
        found = await reader.read(customer_id)
    finally:
        await store.close()
    if found is None:
        raise Failed(
            f"no such customer: {customer_id!r} (namespace {settings.namespace!r}, shard "
            f"{reader.shard_of(customer_id)}; the id is the subject of their events, spelled "
            "exactly)"
        )
    decisions = await _decisions(settings, customer_id, found.state.erased_ms)
    return {
        **named(customer_id, found.state),
        "reasons": _sentences(found.explanation),
        "held_by": {one.gate: f"{one.text}; opens with {one.opens}" for one in found.held_by},
        "last_decisions": None
        if decisions.found is None
        else [_decided(one) for one in decisions.found],
        "last_decisions_hint": decisions.hint,
        "shard": found.shard,
        **_as_of(found.checkpoint),
    }


async def _decisions(settings: Settings, customer_id: str, erased_ms: Millis | None) -> _Decisions:
    """From Kafka, with a bounded cost; the state is worth showing without it."""
    try:
        reading = await KafkaLog(settings).read(customer_id)
    except (LogUnavailable, KafkaError) as exc:
        return _Decisions(None, f"not read: {exc}")
    found = last_decisions(reading, erased_ms)
    cut = f"only the newest {reading.scanned:,} records of the customer's partitions were read"
    return _Decisions(found, cut if reading.is_cut else None)


def _decided(one: DecisionView) -> dict[str, object]:
    data = one.data
    return {
        "at": format_time(one.at_ms),
        "decision": data.decision,
        "action": data.action,
        "channel": data.channel,
        "target": data.target,
        "risk": data.risk,
        "band": data.band,
        "arms": [
            {"action": arm.action, "probability": arm.probability, "value_minor": arm.value_minor}
            for arm in one.arms
        ],
        "currency": data.currency,
        "left_out": {left.action: left.reason for left in data.left_out},
        "outcomes": [
            {"at": format_time(step.at_ms), "outcome": step.outcome} for step in one.outcomes
        ],
    }


def _sentences(explanation: Explanation | None) -> list[str]:
    """The strongest facts that raise the risk now; ``touchstream explain`` shows the others."""
    # Who has left has no risk of leaving.
    if explanation is None or explanation.target != CHURN:
        return []
    raising = (reason for reason in explanation.reasons if reason.contribution > 0)
    return [reason.sentence for reason in raising if reason.sentence is not None][:REASONS]


def _as_of(checkpoint: ShardCheckpoint) -> dict[str, object]:
    watermark_ms, active_config = checkpoint.watermark_ms, checkpoint.active_config
    return {
        "tick": checkpoint.tick,
        "tick_time": None if watermark_ms is None else format_time(watermark_ms),
        "model_version": None if active_config is None else active_config.model_version,
        "rules": None if active_config is None else active_config.rules,
    }


def _lines(value: object, indent: str) -> Iterator[str]:
    """One field per line, without the empty ones."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _field(str(name), inner, indent)
    elif isinstance(value, list):
        for inner in value:
            yield from _item(inner, indent)


def _item(value: object, indent: str) -> Iterator[str]:
    if isinstance(value, dict) and "vector" in value:
        yield f"{indent}- {_row(value)}"
    elif isinstance(value, dict) and "arms" in value:
        yield from _decision_lines(value, indent)
    else:
        yield f"{indent}- {_plain(value)}"


def _decision_lines(one: Mapping[str, Any], indent: str) -> Iterator[str]:
    """A decision: what was chosen, from what, what could not be, and what came of it."""
    channel = f" by {one['channel']}" if one["channel"] else ""
    yield f"{indent}- {one['at']}  {one['action']}{channel}  risk {one['risk']:.3f} {one['band']}"
    for arm in one["arms"]:
        value = arm["value_minor"]
        worth = (
            ""
            if value is None
            else f"  worth {money_amount(value, one['currency']).number} {one['currency']}"
        )
        yield f"{indent}    {arm['probability']:.3f}  {arm['action']}{worth}"
    for action, reason in one["left_out"].items():
        yield f"{indent}    left out: {action}  {reason}"
    for step in one["outcomes"]:
        yield f"{indent}    {step['outcome']} {step['at']}"


def _field(name: str, value: object, indent: str) -> Iterator[str]:
    if name == "intake" and isinstance(value, dict):
        value = {one: f"{count}  {ODD[one]}" for one, count in value.items() if count}
    if value is None or value in ({}, []):
        return
    if isinstance(value, dict) or (isinstance(value, list) and _is_nested(value)):
        yield f"{indent}{name}:"
        yield from _lines(value, indent + INDENT)
    else:
        yield f"{indent}{name}: {_plain(value)}"


def _row(row: Mapping[str, Any]) -> str:
    """A row of a label ledger, without the feature vector."""
    shown = [row["at"], f"risk {row['risk']:.3f}", f"model {row['model_version']}"]
    shown += [words for flag, words in FLAGS.items() if row["outcome_flags"] & flag]
    if row["offer_probability"]:
        shown.append(f"offered an action with probability {row['offer_probability']:.3f}")
    return "  ".join(shown)


def _is_nested(values: list[object]) -> bool:
    return any(isinstance(value, dict | list) for value in values)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
