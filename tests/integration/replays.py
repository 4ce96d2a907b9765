"""Replays as a user starts them, and what the pure core makes of the same file."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from bench.equal import LEFT_OUT
from bench.processes import crew_of
from touchstream.agents.history.pacer import Publish
from touchstream.agents.history.steps import read_steps
from touchstream.agents.letters import letter_line
from touchstream.agents.replay.collector import score_files, score_line
from touchstream.agents.settings import Settings
from touchstream.agents.state_view import as_json
from touchstream.schemas.dead_letter import decode_letter
from touchstream.schemas.topics import DEAD_LETTERS_TOPIC
from touchstream.streams.emit.identity import pseudonym
from touchstream.streams.learn.snapshot import CHURN, RETURN
from touchstream.streams.local import LocalStream
from touchstream.streams.projections.read import churn_of, return_of, targets_of
from touchstream.streams.records import Record
from touchstream.streams.state import decode

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 480


def replay(
    events: Path,
    out: Path,
    config: Path,
    *options: str,
    redis_url: str | None = None,
    kills: Sequence[float] = (),
) -> Path:
    """Run ``touchstream replay``; after each of ``kills`` seconds one of its crew is SIGKILLed."""
    command = [
        sys.executable,
        "-m",
        "touchstream.agents.cli.main",
        "replay",
        str(events),
        "--out",
        str(out),
    ]
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
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
        output, _ = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
    assert process.returncode == 0, output.decode()[-4000:]
    return out


def core(events: Path, out: Path, config: Path) -> Path:
    """Write what the pure core alone makes of the file: no Kafka, no Redis, no processes."""
    settings = Settings.load(config)
    stream = LocalStream(settings.rules)
    customers: dict[str, str] = {}
    for offset, step in enumerate(read_steps([events], settings.ticks.every_days)):
        if not isinstance(step, Publish):
            stream.tick(step.time_ms)
            continue
        line = step.line
        if line.key is not None:
            customer = line.key.decode()
            customers[pseudonym(customer, settings.rules.seed)] = customer
        stream.feed(0, [Record(offset, step.received_ms, line.key, line.value, line.headers)])
    out.mkdir()
    files = (*LEFT_OUT, *score_files(list(settings.rules.all_targets)[1:]).values())
    shown = {Path(name).stem: list[object]() for name in files}
    for name, output in _told(stream, customers):
        shown[name].append(output)
    for name, lines in shown.items():
        (out / f"{name}.jsonl").write_bytes(b"".join(orjson.dumps(x) + b"\n" for x in lines))
    return out


def _told(stream: LocalStream, customers: dict[str, str]) -> Iterator[tuple[str, object]]:
    """Output file and line, in the form of a replay's."""
    [shard] = stream.shards
    names = list(stream.rules.all_targets)[1:]
    files = {target: Path(name).stem for target, name in score_files(names).items()}
    for customer, data in shard.states.items():
        state = decode(data)
        yield "profiles", as_json(customer, state)
        ledgers = {CHURN: churn_of(state).ledger, RETURN: return_of(state).ledger}
        for target, ledger in {**ledgers, **targets_of(state).ledgers}.items():
            for row in ledger:
                line = score_line(customer, row.at_ms, row.risk, row.model_version, None)
                yield files[target], line
    for example in stream.examples:
        yield (
            files[example.target],
            score_line(
                customers[example.customer],
                example.at_ms,
                example.probability,
                example.model_version,
                example.label,
            ),
        )
    for entry in stream.emitted:
        if entry.topic == DEAD_LETTERS_TOPIC:
            letter = decode_letter(entry.key, entry.event, entry.headers).letter
            yield entry.topic, letter_line(letter)
        else:
            yield entry.topic, orjson.loads(entry.event)


def moments(seed: int, count: int, every_s: float) -> list[float]:
    """Seeded moments (s after the crew is seen) to kill at."""
    rng = random.Random(seed)
    return [rng.uniform(0.5, 1.5) * every_s for _ in range(count)]


def _kill(pid: int, pauses: Sequence[float]) -> None:
    rng = random.Random(len(pauses))
    for pause in pauses:
        deadline = time.monotonic() + TIMEOUT_S
        while not (supervisor := _supervisor(pid)) and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(pause)
        supervisor = _supervisor(pid)
        if not supervisor:
            return  # the replay has ended
        with contextlib.suppress(ProcessLookupError):
            os.kill(rng.choice(supervisor), signal.SIGKILL)


def _supervisor(pid: int) -> list[int]:
    return [member for _, member in _members(pid)]


def _members(pid: int) -> Iterator[tuple[str, int]]:
    try:
        yield from crew_of(pid)
    except (OSError, ValueError):
        return
