"""Microseconds an event: the core, the store, the whole worker, and a stock Faust agent.

    python -m bench.throughput [--events 40000] [--customers 2000] [--rounds 3]

All in one run, one worker, on the same events of a simulated world, every event scored. Machines
are noisy: the measurements take turns, and medians are reported.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import islice

import orjson

from bench.alone import core_alone, store_alone
from bench.cost import Cost, cost, middle
from bench.deployment import Services, deployment, member, real_services
from bench.processes import cpu_seconds
from bench.workload import Piece, hand_made_model, publish, put_in_force, world_events
from touchstream.agents.replay.services import ReplayServices
from touchstream.agents.stores.base import Store
from touchstream.agents.stores.connect import open_store
from touchstream.schemas.rules import Rules
from touchstream.schemas.shards import shard_names
from touchstream.streams.learn.snapshot import ModelData

PARTITIONS = 8
STOCK_EVENTS = 6_000
"""The stock agent is slow: fewer events are enough."""

WARM_EVENTS = 2_000
"""The worker's first events, not measured: they pay for connections and cold code."""

POLL_S = 0.005
PATIENCE_S = 300.0
FASTER_THAN_STOCK = 5.0
"""Goal: at least this ratio."""

SHARE_OF_ENGINE = 0.2
"""Goal: overhead beyond the core, as a share of the stock engine's cost."""

Found = dict[str, list[Cost]]


async def measure(events: int, customers: int, rounds: int) -> Found:
    """Take every figure ``rounds`` times, in turn."""
    pieces = world_events(customers, events, PARTITIONS)
    found: Found = {}
    with real_services() as services:
        for number in range(rounds):
            for name, one in (await _round(services, pieces)).items():
                found.setdefault(name, []).append(one)
            _say({"round": number + 1, **{n: round(c[-1].wall_us, 1) for n, c in found.items()}})
    return found


async def _round(services: Services, pieces: Sequence[Piece]) -> dict[str, Cost]:
    core, fetches = core_alone(pieces, Rules(), PARTITIONS)
    with deployment(services, PARTITIONS) as scene:
        store = open_store(scene.settings)
        alone = await store_alone(store, fetches, len(pieces))
        await store.close()
    del fetches
    return {
        "core": core,
        "store": alone,
        "worker_embedded": await worker(None, pieces),
        "worker": await worker(services, pieces),
        "stock_agent": await stock(services, pieces, "core"),
        "stock_engine": await stock(services, pieces, "nothing"),
    }


async def worker(
    services: Services | None,
    pieces: Sequence[Piece],
    model: ModelData | None = None,
    changes: Mapping[str, str] | None = None,
) -> Cost:
    """Let one worker process drain the broker's content; from commit to commit."""
    with deployment(services, PARTITIONS, changes=changes) as scene:
        store = open_store(scene.settings)
        try:
            await put_in_force(store, scene.settings.rules, model or hand_made_model())
            await publish(scene.settings, pieces)
            with member(scene, "worker") as process:
                return await _drained(store, process.pid, len(pieces) + PARTITIONS)
        finally:
            await store.close()


async def _drained(store: Store, pid: int, end: int) -> Cost:
    deadline = time.monotonic() + PATIENCE_S
    warm = await _applied(store, WARM_EVENTS, deadline), time.perf_counter(), cpu_seconds(pid)
    last = await _applied(store, end, deadline), time.perf_counter(), cpu_seconds(pid)
    return cost(last[1] - warm[1], last[2] - warm[2], last[0] - warm[0])


async def _applied(store: Store, enough: int, deadline: float) -> int:
    """Wait until this many records are durable; return their number."""
    shards = shard_names(PARTITIONS)
    while True:
        fences = [checkpoint.fence for checkpoint in await store.read_checkpoints(shards)]
        applied = sum(0 if fence is None else fence.offset for fence in fences)
        if applied >= enough:
            return applied
        if time.monotonic() > deadline:
            raise TimeoutError(f"the worker applied {applied} records of {enough}")
        await asyncio.sleep(POLL_S)


async def stock(services: Services, pieces: Sequence[Piece], kind: str) -> Cost:
    """Let a stock agent drain the first events; ``kind`` is ``core`` or ``nothing``."""
    few = pieces[:STOCK_EVENTS]
    with deployment(services, PARTITIONS) as scene:
        await publish(scene.settings, few, tick=False)
        return await asyncio.to_thread(_run_stock, scene, kind, len(few))


def _run_stock(scene: ReplayServices, kind: str, events: int) -> Cost:
    command = [sys.executable, "-m", "bench.stock", kind, str(events)]
    environ = {**os.environ, **scene.environ}
    with (
        (scene.logs / "stock.log").open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environ) as process,
    ):
        try:
            assert process.stdout is not None
            # Faust shows the cursor again before the first line.
            lines = (line[line.index(b"{") :] for line in process.stdout if b"{" in line)
            shown = [orjson.loads(line) for line in islice(lines, 2)]
        finally:
            process.kill()
    if len(shown) < 2:  # noqa: PLR2004 - at the first and at the last event
        raise RuntimeError((scene.logs / "stock.log").read_text(errors="replace")[-2000:])
    first, last = shown
    return cost(last["s"] - first["s"], last["cpu_s"] - first["cpu_s"], events - 1)


def report(found: Found) -> dict[str, object]:
    """Medians and their ratios: by the clock, and by CPU for a busy machine."""
    us = {name: middle(costs) for name, costs in found.items()}
    wall = _checkpoint({name: one.wall_us for name, one in us.items()})
    cpu = _checkpoint({name: one.cpu_us for name, one in us.items()})
    return {
        "us_per_event": {name: _rounded(one) for name, one in us.items()},
        "by_wall": wall,
        "by_cpu": cpu,
        "wanted": {
            "stock_over_worker": f">= {FASTER_THAN_STOCK:g}",
            "beyond_core_over_stock_engine": f"<= {SHARE_OF_ENGINE:g}",
        },
        "met": {"by_wall": _is_met(wall), "by_cpu": _is_met(cpu)},
    }


def _checkpoint(us: Mapping[str, float]) -> dict[str, float]:
    beyond_core = us["worker"] - us["core"]
    return {
        "stock_over_worker": round(us["stock_agent"] / us["worker"], 2),
        "worker_beyond_core_us": round(beyond_core, 1),
        "beyond_core_over_stock_engine": round(beyond_core / us["stock_engine"], 3),
    }


def _is_met(ratios: Mapping[str, float]) -> bool:
    return (
        ratios["stock_over_worker"] >= FASTER_THAN_STOCK
        and ratios["beyond_core_over_stock_engine"] <= SHARE_OF_ENGINE
    )


def _rounded(one: Cost) -> dict[str, float]:
    return {"wall": round(one.wall_us, 1), "cpu": round(one.cpu_us, 1)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; one JSON line a round on stderr."""
    parser = argparse.ArgumentParser(prog="python -m bench.throughput", description=main.__doc__)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args(arguments)
    found = asyncio.run(measure(asked.events, asked.customers, asked.rounds))
    print(orjson.dumps(report(found), option=orjson.OPT_INDENT_2).decode())


def _say(line: dict[str, object]) -> None:
    print(orjson.dumps(line).decode(), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
