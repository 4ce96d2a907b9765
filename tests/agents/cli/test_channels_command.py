"""``touchstream channels test``: exit 0 if it arrived, 1 if not, 2 if it could not be tried."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import orjson
import pytest
import standardwebhooks

from tests.agents.cli.command import Output, touchstream

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver(HTTPServer):
    """Answers every POST with ``status``."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[dict[str, str], bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((dict(self.headers.items()), body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: standard error belongs to the test."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def tried(folder: Path, port: int, *arguments: str) -> Output:
    (folder / "touchstream.toml").write_text(
        '[[channels]]\nname = "crm"\nkind = "webhook"\n'
        f'url = "http://127.0.0.1:{port}/hook"\nkeys = ["{KEY}"]\n'
        "allow_http = true\nallow_private = true\n"
        '[[channels]]\nname = "mail"\nkind = "email"\ntimeout_s = 1\n'
        f'[smtp]\nhost = "127.0.0.1"\nport = {port}\nsender = "alerts@example.com"\n'
    )
    return touchstream("channels", "test", *arguments, cwd=folder)


def test_a_test_message_that_arrives(tmp_path: Path, receiver: Receiver) -> None:
    output = tried(tmp_path, receiver.server_port, "crm")
    assert output.code == 0, output
    assert output.out.startswith("crm (webhook): delivered, status 200, ")
    [(headers, body)] = receiver.received
    assert standardwebhooks.Webhook(KEY).verify(body, headers)["type"] == "channel.test"


def test_a_test_message_that_is_refused(tmp_path: Path, receiver: Receiver) -> None:
    receiver.status = 503
    output = tried(tmp_path, receiver.server_port, "crm")
    assert output.code == 1, output
    assert output.out.startswith("crm (webhook): not delivered: HTTP status 503, ")


def test_what_came_of_it_as_json(tmp_path: Path, receiver: Receiver) -> None:
    receiver.status = 410
    output = tried(tmp_path, receiver.server_port, "crm", "--json")
    assert output.code == 1, output
    found = orjson.loads(output.out)
    assert found.pop("duration_ms") >= 0
    assert found == {
        "channel": "crm",
        "kind": "webhook",
        "status": "gone",
        "code": 410,
        "retry_after_s": None,
        "reason": "the receiver wants no further messages",
    }


def test_a_mail_server_that_is_none(tmp_path: Path, receiver: Receiver) -> None:
    output = tried(tmp_path, receiver.server_port, "mail", "--to", "ada@example.com")
    assert output.code == 1, output
    assert output.out.startswith("mail (email): not delivered: ")
    assert "ada@example.com" not in output.out + output.err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("cmr",), "NAME='cmr': want a channel of [[channels]]: crm, mail"),
        (
            ("mail",),
            "--to: want an e-mail address for 'mail', such as ada@example.com",
        ),
        (
            ("crm", "--to", "ada@example.com"),
            "--to: want none for 'crm': its address is in the settings",
        ),
    ],
    ids=["unknown", "without-address", "with-address"],
)
def test_what_cannot_be_tried(tmp_path: Path, arguments: tuple[str, ...], line: str) -> None:
    output = tried(tmp_path, 9, *arguments)
    assert (output.code, output.err) == (2, f"touchstream: {line}\n")
