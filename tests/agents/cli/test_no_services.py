"""Without Kafka or Redis a command fails within --timeout, and its one line says what was tried."""

import contextlib
import importlib
import logging
import pkgutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import typer

from tests.agents.cli.command import Output, order, touchstream
from touchstream.agents import cli
from touchstream.agents.cli.exits import exit_code
from touchstream.agents.cli.main import app

TIMEOUT_S = 1
SLACK_S = 3.0
"""To close what was opened; a machine may be busy."""
UNROUTABLE = "192.0.2.1"
"""TEST-NET-1 (RFC 5737): packets go nowhere."""

ASKS_KAFKA = {
    "topics": (),
    "publish": ("one.jsonl", "--allow-late"),
    "backfill": ("one.jsonl",),
    "tail": ("churn-risk",),
    "dead-letters list": (),
    "dead-letters redrive": ("--dry-run",),
    "models rebuild": ("--without", "ada", "--apply"),
    "alerts ack": ("0a", "--customer", "ada"),
    "alerts snooze": ("0a", "--for", "2d", "--customer", "ada"),
    "alerts done": ("0a", "--customer", "ada"),
    "alerts noise": ("0a", "--customer", "ada"),
    "doctor": (),
}
"""Command -> arguments with which it asks Kafka before anything else."""
ASKS_REDIS = {
    "customer": ("ada",),
    "risks": (),
    "alerts list": (),
    "alerts show": ("0a",),
    "alerts precision": (),
    "alerts claim": ("0a", "--rep", "ali"),
    "alerts release": ("0a", "--rep", "ali"),
    "alerts ack": ("0a",),
    "alerts snooze": ("0a",),
    "alerts done": ("0a",),
    "alerts noise": ("0a",),
    "metrics": ("--until", "2026-01-28"),
    "explain": ("ada",),
    "models": (),
    "models serve": ("1",),
    "models rebuild": ("--without", "ada"),
    "bands tune": ("--capacity", "5"),
    "reshard": ("--partitions", "5", "--namespace", "new"),
    "doctor": (),
}
ASKS_NOBODY = {
    "channels test",
    "check",
    "console-key",
    "policy evaluate",
    "practices",
    "report",
    "schemas",
}
"""Commands that need neither."""
RUNS_ITS_OWN = {"demo", "replay", "worker", "learner", "notifier", "console", "up"}
"""Commands that start services, or wait for them as long as a supervisor lets them."""


def commands(command: Any, before: str = "") -> Iterator[tuple[str, set[str]]]:  # noqa: ANN401
    """Every command with its options, also a group that does something by itself."""
    inner = getattr(command, "commands", {})
    if before and (not inner or command.invoke_without_command):
        yield before, {option for each in command.params for option in each.opts}
    for name, below in inner.items():
        yield from commands(below, f"{before} {name}".strip())


ALL = dict(commands(typer.main.get_command(app)))


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """The address of a server that accepts connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        yield f"127.0.0.1:{server.getsockname()[1]}"


@contextlib.contextmanager
def closed() -> Iterator[str]:
    """An address that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: nobody else can take the port
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@contextlib.contextmanager
def unroutable() -> Iterator[str]:
    yield f"{UNROUTABLE}:9092"


@pytest.fixture(params=[closed, silent, unroutable], ids=["closed", "silent", "unroutable"])
def nobody(request: pytest.FixtureRequest) -> Iterator[str]:
    """An address where no service answers."""
    with request.param() as address:
        yield address


@pytest.fixture(scope="module", autouse=True)
def imported() -> Iterator[None]:
    """Import every command before one is timed; hush a client that outlives its command a while."""
    for module in pkgutil.iter_modules(cli.__path__, f"{cli.__name__}."):
        importlib.import_module(module.name)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


Ask = Callable[[str, tuple[str, ...], str], Output]


@pytest.fixture
def ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Ask]:
    """Run a command in this process, whose imports are done; it fails the test if it is slow."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.jsonl").write_bytes(order("ada", 1, "2026-01-01T00:00:00Z"))

    def asked(name: str, arguments: tuple[str, ...], address: str) -> Output:
        for setting, value in settings(address).items():
            monkeypatch.setenv(f"TOUCHSTREAM_{setting}", value)
        argv = ["touchstream", *name.split(), *arguments, "--timeout", str(TIMEOUT_S)]
        monkeypatch.setattr(sys, "argv", argv)
        started_s = time.monotonic()
        code = exit_code(app)
        assert time.monotonic() - started_s < TIMEOUT_S + SLACK_S
        return Output(code, *capfd.readouterr())

    yield asked
    structlog.reset_defaults()


def said(output: Output) -> list[str]:
    """The lines of standard error but those of progress."""
    return [line for line in output.err.splitlines() if not line.startswith('{"phase":')]


def settings(address: str) -> dict[str, str]:
    """The settings of a deployment whose services are all at ``address``."""
    return {
        "NAMESPACE": "shop",
        "KAFKA__TOPIC_PREFIX": "shop.",
        "KAFKA__BOOTSTRAP": address,
        "REDIS__URL": f"redis://{address}/0",
    }


def test_every_command_is_one_of_these() -> None:
    assert set(ALL) == {*ASKS_KAFKA, *ASKS_REDIS, *ASKS_NOBODY, *RUNS_ITS_OWN}


@pytest.mark.parametrize("name", sorted({*ASKS_KAFKA, *ASKS_REDIS}))
def test_a_command_that_asks_a_service_has_the_option(name: str) -> None:
    assert "--timeout" in ALL[name]


@pytest.mark.parametrize("name", sorted(set(ASKS_KAFKA) - {"doctor"}))
def test_without_kafka_a_command_fails_in_time_and_names_address_and_topic(
    ask: Ask, nobody: str, name: str
) -> None:
    output = ask(name, ASKS_KAFKA[name], nobody)
    assert output.code == 1, output
    lines = said(output)
    assert len(lines) == 1, lines
    [line] = lines
    assert line.startswith(f"touchstream: kafka.bootstrap='{nobody}' (topic")
    assert "shop." in line
    assert "within 1 s" in line


@pytest.mark.parametrize("name", sorted(set(ASKS_REDIS) - {"doctor"}))
def test_without_redis_a_command_fails_in_time_and_names_address_and_namespace(
    ask: Ask, nobody: str, name: str
) -> None:
    output = ask(name, ASKS_REDIS[name], nobody)
    assert output.code == 1, output
    lines = said(output)
    assert len(lines) == 1, lines
    [line] = lines
    assert f"Redis at {nobody}, namespace 'shop': " in line


def test_the_doctor_waits_for_both_at_once(ask: Ask, nobody: str) -> None:
    output = ask("doctor", (), nobody)
    assert (output.code, output.err) == (1, "")
    assert f"Redis at {nobody}, namespace 'shop': " in output.out
    assert f"kafka.bootstrap='{nobody}' (topics shop.*): " in output.out


@pytest.mark.parametrize(("name", "arguments"), [("tail", ("alerts",)), ("customer", ("ada",))])
def test_nothing_keeps_the_process_from_ending(
    tmp_path: Path, name: str, arguments: tuple[str, ...]
) -> None:
    with silent() as address:
        output = touchstream(
            name, *arguments, "--timeout", TIMEOUT_S, cwd=tmp_path, settings=settings(address)
        )
    assert output.code == 1
    assert address in output.err
