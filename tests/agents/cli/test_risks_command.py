"""`touchstream risks`: the customers at risk now, from the indexes of all shards."""

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from bench.services.redis import RedisServer
from tests.agents.cli.command import touchstream
from tests.make import moment, state_of
from touchstream.agents.cli.failures import BadUsage
from touchstream.agents.cli.risks import risks
from touchstream.agents.queries import AtRisk, customers_at_risk
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Commit, Fence, Store
from touchstream.agents.stores.memory import MemoryStore
from touchstream.agents.stores.redis import connect
from touchstream.schemas.rules import Band
from touchstream.schemas.shards import shard_names
from touchstream.streams.checkpoint import ShardCheckpoint, encode_checkpoint
from touchstream.streams.decide.bands import Crossing
from touchstream.streams.projections.customer_risk import CustomerRisk, CustomerRiskState
from touchstream.streams.projections.decisions import Decisions, DecisionsState, Recommendation
from touchstream.streams.state import Slot, State, encode

SHARDS = shard_names(2)
DECISION = bytes(range(16))


def at_risk(risk: float, band: Band, *reasons: str, acted: bool = False) -> State:
    state = state_of(risk=risk, band=band, crossing=Crossing(moment("d3"), up=True))
    slots = [Slot(CustomerRisk.slot, None, CustomerRiskState(band, round(risk * 1e6), reasons))]
    if acted:
        decisions = DecisionsState(
            {"call": moment("d3")}, newest_action="call", newest_decision=DECISION
        )
        slots.append(Slot(Decisions.slot, None, decisions))
    slots = sorted([*state.slots, *slots], key=lambda slot: slot.number)
    return msgspec.structs.replace(state, slots=tuple(slots))


HELD: Mapping[str, Mapping[str, State]] = {
    "p0": {
        "ada": at_risk(0.91, "high", "2 tickets reopened", "silence", acted=True),
        "bob": at_risk(0.55, "medium", "silence"),
        "eve": at_risk(0.1, "low"),
    },
    "p1": {"cy": at_risk(0.77, "high"), "dan": at_risk(0.8, "medium")},
}


async def filled(store: Store, stale: Mapping[str, float] | None = None) -> Store:
    """Two shards, the first of which is a tick behind."""
    await store.claim_partitions(len(SHARDS))
    commits = []
    for number, (shard, states) in enumerate(HELD.items()):
        indexes: dict[str, dict[str, float | None]] = {"risk.high": dict(stale or {})}
        for customer, state in states.items():
            churn = state.slots[0].content
            indexes.setdefault(f"risk.{churn.band}", {})[customer] = churn.risk
        indexes.pop("risk.low", None)
        checkpoint = ShardCheckpoint(tick=7 + number, watermark_ms=moment("d9"))
        encoded = {customer: encode(state) for customer, state in states.items()}
        record = encode_checkpoint(checkpoint)
        commits.append(Commit(shard, None, Fence(1, 1), record, encoded, indexes=indexes))
    assert await store.commit(commits) == [True, True]
    return store


async def test_the_highest_risk_of_all_shards_comes_first() -> None:
    found = await customers_at_risk(await filled(MemoryStore()), SHARDS, ("high", "medium"), 3)
    assert [one.customer for one in found.customers] == ["ada", "dan", "cy"]
    assert found.counts == {"high": 2, "medium": 2}
    assert found.as_of is not None
    assert found.as_of.tick == 7


async def test_a_customer_is_shown_with_all_that_was_told_last() -> None:
    found = await customers_at_risk(await filled(MemoryStore()), SHARDS, ("high",), 1)
    assert list(found.customers) == [
        AtRisk(
            "ada",
            0.91,
            "high",
            moment("d3"),
            ("2 tickets reopened", "silence"),
            Recommendation("call", moment("d3"), DECISION.hex()),
        )
    ]


async def test_one_band_alone_is_shown_however_high_the_other() -> None:
    found = await customers_at_risk(await filled(MemoryStore()), SHARDS, ("medium",), 9)
    assert [one.customer for one in found.customers] == ["dan", "bob"]
    assert found.counts == {"medium": 2}


async def test_who_left_between_index_and_state_is_left_out() -> None:
    store = await filled(MemoryStore(), stale={"eve": 0.99, "nobody": 0.98})
    found = await customers_at_risk(store, SHARDS, ("high", "medium"), 9)
    assert [one.customer for one in found.customers] == ["ada", "dan", "cy", "bob"]


async def test_without_a_tick_there_is_no_moment() -> None:
    found = await customers_at_risk(MemoryStore(), SHARDS, ("high", "medium"), 9)
    assert (found.customers, found.as_of) == ([], None)


@pytest.mark.parametrize("band", ["low", "High", ""])
def test_another_band_is_bad_usage_before_redis_is_asked(band: str) -> None:
    with pytest.raises(BadUsage, match="want high or medium"):
        risks(Settings(), band, 20, as_json=False)


def test_bad_usage_ends_with_2_and_one_line(tmp_path: Path) -> None:
    output = touchstream("risks", "--band", "low", cwd=tmp_path)
    said = "touchstream: --band='low': want high or medium; omit it for both\n"
    assert (output.code, output.out, output.err) == (2, "", said)


def test_redis_away_ends_with_1_and_one_line(tmp_path: Path) -> None:
    settings = {"REDIS__URL": "redis://127.0.0.1:1/0"}
    output = touchstream("risks", cwd=tmp_path, settings=settings)
    assert (output.code, output.out, output.err.count("\n")) == (1, "", 1)
    assert output.err.startswith(
        "touchstream: claimed_partitions: Redis at 127.0.0.1:1, namespace "
    )


@pytest.mark.integration
async def test_the_command_reads_redis(tmp_path: Path, redis_server: RedisServer) -> None:
    name = "risks-command"
    settings = {"NAMESPACE": name, "REDIS__URL": redis_server.url, "KAFKA__PARTITIONS": "2"}
    empty = touchstream("risks", cwd=tmp_path, settings=settings)
    assert (empty.code, empty.err) == (0, "")
    assert empty.out.startswith("nobody is at risk yet: namespace 'risks-command' has not passed")
    store = connect(redis_server.url, name)
    await filled(store)
    await store.close()

    shown = touchstream("risks", "--top", "2", cwd=tmp_path, settings=settings)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.splitlines() == [
        "ada  risk 0.910  high since 1997-01-04T00:00:00.000Z  "
        "call recommended 1997-01-04T00:00:00.000Z  2 tickets reopened; silence",
        "dan  risk 0.800  medium since 1997-01-04T00:00:00.000Z  no action recommended",
        "2 shown; 2 high, 2 medium in all (as of tick 7, 1997-01-10T00:00:00.000Z)",
    ]

    listed = touchstream("risks", "--band", "high", "--json", cwd=tmp_path, settings=settings)
    assert listed.code == 0
    assert [json.loads(line)["customer"] for line in listed.out.splitlines()] == ["ada", "cy"]
    assert json.loads(listed.out.splitlines()[0]) == {
        "customer": "ada",
        "risk": 0.91,
        "band": "high",
        "since": "1997-01-04T00:00:00.000Z",
        "reasons": ["2 tickets reopened", "silence"],
        "action": "call",
        "recommended": "1997-01-04T00:00:00.000Z",
        "decision": DECISION.hex(),
    }

    wrong = touchstream("risks", cwd=tmp_path, settings={**settings, "KAFKA__PARTITIONS": "3"})
    said = "kafka.partitions=3: namespace 'risks-command' was started with 2; set it to that"
    assert (wrong.code, wrong.err) == (2, f"touchstream: {said}\n")


@pytest.mark.integration
async def test_nobody_at_risk_is_said_plainly(tmp_path: Path, redis_server: RedisServer) -> None:
    name = "risks-of-nobody"
    store = connect(redis_server.url, name)
    record = encode_checkpoint(ShardCheckpoint(tick=1, watermark_ms=moment("d1")))
    await store.commit([Commit("p0", None, Fence(1, 1), record)])
    await store.close()
    settings = {"NAMESPACE": name, "REDIS__URL": redis_server.url, "KAFKA__PARTITIONS": "1"}
    said = "nobody is in band high or medium (as of tick 1, 1997-01-02T00:00:00.000Z)\n"
    output = touchstream("risks", cwd=tmp_path, settings=settings)
    assert (output.code, output.out, output.err) == (0, said, "")
    output = touchstream("risks", "--json", cwd=tmp_path, settings=settings)
    assert (output.code, output.out, output.err) == (0, "", said)
