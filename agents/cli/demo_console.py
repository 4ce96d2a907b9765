"""The demo's console: a process of its own, whose address is the first thing that is printed."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket

import orjson
import typer

from touchstream.agents.replay.services import ReplayServices
from touchstream.agents.replay.supervisor import Member

PATIENCE_S = 60.0
"""Its imports take seconds on a busy machine."""
POLL_S = 0.1
PORT = "TOUCHSTREAM_CONSOLE__PORT"
NO_CONSOLE = "no console: it reads Redis, and there is none here (install redis-server)"


@contextmanager
def demo_console(scene: ReplayServices) -> Iterator[None]:
    """Serve the console while the demo runs, and print its address with a token for one sign-in.

    Without Redis, or if it does not start, the demo goes on without it and says so.
    """
    if scene.twin:
        typer.echo(NO_CONSOLE, err=True)
        yield
        return
    port = str(_port(scene.settings.console.host, scene.settings.console.port))
    # Standard output goes to the log, where the address is the first line.
    member = Member("console", ["console"], {**scene.environ, PORT: port}, scene.logs)
    try:
        _print(_address(scene.logs / "console.log", member))
        yield
    finally:
        member.stop()


def _port(host: str, wanted: int) -> int:
    """The wanted port if it is free; 0, any free one, if it is not."""
    with socket() as probe:
        try:
            probe.bind((host, wanted))
        except OSError:
            return 0
    return wanted


def _address(log: Path, member: Member) -> str | None:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s and member.running:
        for line in log.read_bytes().splitlines() if log.exists() else ():
            if line.startswith(b'{"console":'):
                return str(orjson.loads(line)["console"])
        time.sleep(POLL_S)
    return None


def _print(url: str | None) -> None:
    if url is None:
        typer.echo("no console: it did not start (touchstream console says why)", err=True)
    elif sys.stdout.isatty():
        typer.echo(f"console: {url}")
    else:
        typer.echo(orjson.dumps({"console": url}).decode())
