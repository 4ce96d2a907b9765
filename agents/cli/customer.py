"""``touchstream customer``: the whole state of one customer."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import typer

from touchstream.agents.cli.failures import Failed
from touchstream.agents.settings import Settings
from touchstream.agents.state_view import as_json as named
from touchstream.agents.stores.connect import open_store
from touchstream.agents.views.customer import CustomerReader
from touchstream.schemas.envelope import format_time
from touchstream.streams.checkpoint import ShardCheckpoint
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
    return {
        **named(customer_id, found.state),
        "reasons": _sentences(found.explanation),
        "held_by": {one.gate: f"{one.text}; opens with {one.opens}" for one in found.held_by},
        "shard": found.shard,
        **_as_of(found.checkpoint),
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
            is_row = isinstance(inner, dict) and "vector" in inner
            yield f"{indent}- {_row(inner) if is_row else _plain(inner)}"


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
