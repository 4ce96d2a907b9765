"""The command as people run it: a process of its own, with what it says and its exit code."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import orjson

ROOT = Path(__file__).parents[3]
COMMAND = (sys.executable, "-W", "ignore", "-m", "touchstream.agents.cli.main")
TIMEOUT_S = 240


class Output(NamedTuple):
    """The result of a command."""

    code: int
    out: str
    err: str


def environ(**settings: str) -> dict[str, str]:
    """Our environment without settings of ours, and then these: ``KAFKA__PARTITIONS="3"``."""
    foreign = {name: v for name, v in os.environ.items() if not name.startswith("TOUCHSTREAM_")}
    named = {f"TOUCHSTREAM_{name}": value for name, value in settings.items()}
    return {**foreign, **named, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}


def touchstream(
    *arguments: object, cwd: Path, settings: dict[str, str] | None = None, stdin: bytes = b""
) -> Output:
    """Run it to its end in ``cwd``."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environ(**(settings or {})),
        input=stdin,
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Output(done.returncode, done.stdout.decode(), done.stderr.decode())


def order(customer: str, number: int, at: str, **more: object) -> bytes:
    """An order as a line of a file."""
    data = {"order": f"{customer}-{number}", "amount_minor": 1_000, "currency": "EUR"}
    event = {
        "specversion": "1.0",
        "id": f"{customer}-{number}",
        "source": "shop",
        "type": "order.placed",
        "subject": customer,
        "time": at,
        "data": data,
    }
    return orjson.dumps({**event, **more})
