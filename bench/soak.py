"""The law on a real log: number and kind of processes, and kills, never show.

    python -m bench.soak [--file events.jsonl] [--config settings.toml] [--kill-every 8] [--seed 0]

Replays the file (by default the CDNOW sample, 6,919 orders of 18 months) undisturbed and
with workers and learner killed at random, with 1 and 3 workers, on embedded services (4 partitions)
and on real Kafka (4 and 12), and compares everything that came out with the first run.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import orjson

from bench.deployment import Services, real_services
from bench.equal import differences
from bench.processes import crew_of
from touchstream.agents.replay.services import EMBEDDED

CDNOW_RULES = """\
[churn]
activity = ["order.placed"]
horizon_days = 28
snapshot_every_days = 7
"""
POLL_S = 0.2
PATIENCE_S = 3_600.0


class Setting(NamedTuple):
    """One way to run the same log."""

    broker: str
    """``embedded`` or ``kafka``."""
    partitions: int
    workers: int
    killed: bool

    @property
    def name(self) -> str:
        return f"{self.broker}-{self.partitions}-{self.workers}{'-killed' * self.killed}"


PLACES = ((EMBEDDED, 4), ("kafka", 4), ("kafka", 12))
SETTINGS = tuple(
    Setting(broker, partitions, workers, killed)
    for broker, partitions in PLACES
    for workers in (1, 3)
    for killed in (False, True)
)
"""The others are compared with the first."""


class Ran(NamedTuple):
    """The result of a run."""

    kills: int
    seconds: float


def replay(
    file: Path,
    config: Path,
    out: Path,
    setting: Setting,
    services: Services | None,
    kill_every_s: float,
    chance: random.Random,
) -> Ran:
    """Replay ``file`` into ``out``; raises RuntimeError with its last words if it fails."""
    environ = dict(os.environ)
    broker = EMBEDDED
    if services is not None:
        broker, environ["TOUCHSTREAM_REDIS__URL"] = services.bootstrap, services.redis_url
    command = [
        *(
            sys.executable,
            "-m",
            "touchstream.agents.cli.main",
            "replay",
            str(file),
            "--out",
            str(out),
        ),
        *("--config", str(config), "--broker", broker),
        *("--workers", str(setting.workers), "--partitions", str(setting.partitions)),
    ]
    out.mkdir(parents=True)
    output, started = out / "said.log", time.monotonic()
    with output.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environ)
        try:
            kills = _attend(process, output, kill_every_s if setting.killed else None, chance)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    if process.returncode != 0:
        raise RuntimeError(f"{setting.name}:\n{output.read_text(errors='replace')[-3000:]}")
    return Ran(kills, time.monotonic() - started)


def _attend(
    process: "subprocess.Popen[bytes]",
    output: Path,
    kill_every_s: float | None,
    chance: random.Random,
) -> int:
    """Wait for the end; meanwhile kill a process now and then. Returns the number of kills.

    The next kill waits for progress of the replay: killing a starting process tests nothing.
    """
    kills, ticks, deadline = 0, 0, time.monotonic() + PATIENCE_S
    pauses = _pauses(kill_every_s, chance)
    next_kill = time.monotonic() + next(pauses)
    while process.poll() is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"a replay took more than {PATIENCE_S:.0f} s")
        if time.monotonic() > next_kill and (reached := _ticks(output)) > ticks:
            ticks = reached
            kills += kill_one(process.pid, chance)
            next_kill = time.monotonic() + next(pauses)
        time.sleep(POLL_S)
    return kills


def _ticks(output: Path) -> int:
    """The last tick that the replay has reported."""
    lines = output.read_bytes().splitlines()
    phases = [orjson.loads(line) for line in lines if line.startswith(b'{"phase"')]
    return int(phases[-1]["ticks"]) if phases else 0


def kill_one(replay_pid: int, chance: random.Random) -> bool:
    """SIGKILL one worker or the learner of a running replay; False if there was none."""
    running = sorted(pid for _, pid in crew_of(replay_pid))
    if not running:
        return False
    with suppress(ProcessLookupError):
        os.kill(chance.choice(running), signal.SIGKILL)
    return True


def _pauses(kill_every_s: float | None, chance: random.Random) -> Iterator[float]:
    while True:
        yield float("inf") if kill_every_s is None else kill_every_s * chance.uniform(0.5, 1.5)


def soak(
    file: Path,
    config: Path,
    settings: Sequence[Setting],
    folder: Path,
    kill_every_s: float,
    seed: int,
) -> bool:
    """Run all settings, a JSON line each; True if all outputs equal the first."""
    same = True
    with ExitStack() as ending:
        real = any(setting.broker != EMBEDDED for setting in settings)
        services = ending.enter_context(real_services()) if real else None
        for number, setting in enumerate(settings):
            chance = random.Random(f"{seed} {setting.name}")
            place = None if setting.broker == EMBEDDED else services
            out = folder / setting.name
            ran = replay(file, config, out, setting, place, kill_every_s, chance)
            found = differences(folder / settings[0].name, out) if number else []
            same &= not found
            seconds = round(ran.seconds, 1)
            line = {"run": setting.name, "kills": ran.kills, "seconds": seconds, "differs": found}
            print(orjson.dumps(line).decode(), flush=True)
    return same


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak; 1 if the output of any run differs from the first."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=main.__doc__)
    parser.add_argument("--file", type=Path, help="JSONL of events; default: CDNOW")
    parser.add_argument("--config", type=Path, help="default: the settings for CDNOW")
    parser.add_argument("--only", help="runs whose name contains this, and the first")
    parser.add_argument("--kill-every", type=float, default=8.0, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # a replay under way ends with us
    chosen = [s for s in SETTINGS if s == SETTINGS[0] or (asked.only or "") in s.name]
    with TemporaryDirectory(prefix="touchstream-soak-") as name:
        folder = Path(name)
        file, config = asked.file or _cdnow(folder), asked.config or _rules(folder)
        same = soak(file, config, chosen, folder, asked.kill_every, asked.seed)
    print("all the same" if same else "NOT the same", flush=True)
    return 0 if same else 1


def _cdnow(folder: Path) -> Path:
    file = folder / "cdnow.jsonl"
    with file.open("wb") as output:
        command = [sys.executable, "-m", "bench.datasets", "cdnow"]
        subprocess.run(command, stdout=output, check=True)
    return file


def _rules(folder: Path) -> Path:
    file = folder / "cdnow.toml"
    file.write_text(CDNOW_RULES)
    return file


if __name__ == "__main__":
    sys.exit(main())
