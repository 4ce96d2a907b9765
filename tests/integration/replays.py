"""Replays as a user starts them, and what the pure core makes of the same file."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from agents.people import as_json
from agents.replay.collector import score_line
from agents.replay.history import paced
from agents.replay.pacer import Publish
from agents.settings import Settings
from bench.core import LocalStream
from bench.equal import COMPARED, Lines, without_place
from bench.processes import crew_of
from schemas.topics import DEAD_LETTERS_TOPIC
from streams.emit.identity import pseudonym
from streams.intake.partitioner import partition_of
from streams.records import Record
from streams.state import decode

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 240


def replay(
    events: Path,
    out: Path,
    config: Path,
    *options: str,
    redis_url: str | None = None,
    kills: Sequence[float] = (),
) -> Path:
    """Run ``touchstream replay``; ``kills`` are seconds after which one of its crew is SIGKILLed."""
    command = [sys.executable, "-m", "agents.cli.main", "replay", str(events), "--out", str(out)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    if redis_url is not None:
        environ["TOUCHSTREAM_REDIS__URL"] = redis_url
    process = subprocess.Popen(
        [*command, "--config", str(config), *options],
        cwd=out.parent,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    killer = threading.Thread(target=_kill, args=(process.pid, kills), daemon=True)
    killer.start()
    try:
        said, _ = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
    assert process.returncode == 0, said.decode()[-4000:]
    return out


def core(events: Path, config: Path) -> Lines:
    """What the pure core alone makes of the file: one shard, no Kafka, no Redis, no processes."""
    settings = Settings.load(config)
    stream = LocalStream(settings.rules)
    customers: dict[str, str] = {}
    for offset, step in enumerate(paced([events], settings.ticks)):
        if not isinstance(step, Publish):
            stream.tick(step.time_ms)
            continue
        line = step.line
        if line.key is not None:
            customer = line.key.decode()
            customers[pseudonym(customer, settings.rules.seed)] = customer
            assert partition_of(line.key, 1) == 0
        stream.feed(0, [Record(offset, step.received_ms, line.key, line.value, line.headers)])
    return _told(stream, customers)


def _told(stream: LocalStream, customers: dict[str, str]) -> Lines:
    """The core's results in the form of a replay's output files."""
    found: dict[str, Counter[bytes]] = {name: Counter() for name in COMPARED}
    [shard] = stream.shards
    for customer, data in shard.states.items():
        state = decode(data)
        found["profiles"][without_place("profiles", as_json(customer, state))] += 1
        for row in state.ledger:
            line = score_line(customer, row.at_ms, row.risk, row.model_version, None)
            found["scores"][without_place("scores", line)] += 1
    for example in stream.examples:
        line = score_line(
            customers[example.customer],
            example.at_ms,
            example.probability,
            example.model_version,
            example.label,
        )
        found["scores"][without_place("scores", line)] += 1
    for entry in stream.emitted:
        if entry.topic != DEAD_LETTERS_TOPIC:
            found[entry.topic][without_place(entry.topic, orjson.loads(entry.value))] += 1
    return found


def without_letters(lines: Lines) -> Lines:
    """The same without dead letters, whose file form only the collector makes."""
    return {**lines, DEAD_LETTERS_TOPIC: type(lines[DEAD_LETTERS_TOPIC])()}


def moments(seed: int, count: int, every_s: float) -> list[float]:
    """Seeded moments (s after the crew is seen) to kill at."""
    rng = random.Random(seed)
    return [rng.uniform(0.5, 1.5) * every_s for _ in range(count)]


def _kill(pid: int, pauses: Sequence[float]) -> None:
    rng = random.Random(len(pauses))
    for pause in pauses:
        deadline = time.monotonic() + TIMEOUT_S
        while not (crew := _crew(pid)) and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(pause)
        crew = _crew(pid)
        if not crew:
            return  # the replay has ended
        with contextlib.suppress(ProcessLookupError):
            os.kill(rng.choice(crew), signal.SIGKILL)


def _crew(pid: int) -> list[int]:
    return [member for _, member in _members(pid)]


def _members(pid: int) -> Iterator[tuple[str, int]]:
    try:
        yield from crew_of(pid)
    except (OSError, ValueError):
        return
