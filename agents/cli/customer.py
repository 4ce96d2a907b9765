"""``touchstream customer``: the whole state of one customer."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import typer

from touchstream.agents.active_config import ServingContexts
from touchstream.agents.cli.failures import Failed
from touchstream.agents.fatal import Refusal
from touchstream.agents.settings import Settings
from touchstream.agents.state_view import as_json as named
from touchstream.agents.stores.base import Read, Store
from touchstream.agents.stores.connect import open_store
from touchstream.schemas.envelope import format_time
from touchstream.schemas.shards import shard_name
from touchstream.streams.checkpoint import ShardCheckpoint, decode_checkpoint
from touchstream.streams.context import ServingContext
from touchstream.streams.emit.risk import REASONS
from touchstream.streams.explain import explain
from touchstream.streams.gates import silences
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.learn.ledger import (
    ACTIVE,
    CANCELLED,
    HAPPENED,
    RECOMMENDED,
    SUBSCRIBED,
    TREATED,
)
from touchstream.streams.projections.read import relation_of
from touchstream.streams.state import State, decode

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
    shard = shard_name(partition_of(customer_id.encode(), settings.kafka.partitions))
    store = open_store(settings)
    try:
        # Tick and version of the shard tell from when the state is.
        [found] = await store.read_checkpoints([shard])
        [[data]] = await store.load([Read(shard, [customer_id])])
        state, checkpoint = None if data is None else decode(data), decode_checkpoint(found.record)
        serving = await _serving(store, checkpoint)
    finally:
        await store.close()
    if state is None:
        raise Failed(
            f"no such customer: {customer_id!r} (namespace {settings.namespace!r}, shard {shard}; "
            "the id is the subject of their events, spelled exactly)"
        )
    held_by = [] if serving is None else silences(customer_id, state, serving)
    return {
        **named(customer_id, state),
        "reasons": [] if serving is None else _sentences(state, serving),
        "held_by": {one.gate: f"{one.text}; opens with {one.opens}" for one in held_by},
        "shard": shard,
        **_as_of(checkpoint),
    }


async def _serving(store: Store, checkpoint: ShardCheckpoint) -> ServingContext | None:
    try:
        return await ServingContexts(store).load(checkpoint)
    except Refusal:  # the state can be shown without the models
        return None


def _sentences(state: State, serving: ServingContext) -> list[str]:
    """The strongest facts that raise the risk now; ``touchstream explain`` shows the others."""
    relation = relation_of(state)
    # Who has left has no risk of leaving.
    if relation is not None and relation.is_over:
        return []
    explanation = explain(state, serving)
    if explanation is None:
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
