"""Nobody sends the console more than a form holds, signed in or not."""

from collections.abc import AsyncIterator, Mapping

import pytest

from tests.web.console_client import ADA_KEY, browser, ports, settings_with_reps, sign_in
from touchstream.web.console.app import console_app
from touchstream.web.console.body_limit import MOST_BYTES

PIECE = 16_384
FORM = {"content-type": "application/x-www-form-urlencoded"}
FILE = {"content-type": "multipart/form-data; boundary=b"}
FILE_HEAD = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n'


async def in_pieces(body: bytes, sent: list[int]) -> AsyncIterator[bytes]:
    """A body without an announced length; ``sent`` says how much of it was taken."""
    for first in range(0, len(body), PIECE):
        piece = body[first : first + PIECE]
        sent.append(len(piece))
        yield piece


@pytest.mark.parametrize(
    ("headers", "head"), [(FORM, b"key="), (FILE, FILE_HEAD)], ids=["form", "file"]
)
async def test_a_body_above_the_limit_is_refused_before_it_is_read(
    headers: Mapping[str, str], head: bytes
) -> None:
    body = head + b"x" * 1_000_000
    sent: list[int] = []
    async with browser(console_app(settings_with_reps(), ports())) as client:
        announced = await client.post("/sign-in", content=body, headers=headers)
        streamed = await client.post("/sign-in", content=in_pieces(body, sent), headers=headers)
    assert [announced.status_code, streamed.status_code] == [413, 413]
    assert sum(sent) <= MOST_BYTES + PIECE
    assert announced.text == "want a request of at most 64 KiB\n"
    # No header of the others is missing.
    assert announced.headers["x-content-type-options"] == "nosniff"


async def test_a_body_at_the_limit_is_read() -> None:
    async with browser(console_app(settings_with_reps(), ports())) as client:
        for size, status in ((MOST_BYTES, 403), (MOST_BYTES + 1, 413)):
            body = b"to=/" + b"&" * (size - 4)
            for content in (body, in_pieces(body, [])):
                answer = await client.post("/sign-in", content=content, headers=FORM)
                assert answer.status_code == status
        assert (await sign_in(client, ADA_KEY)).status_code == 303
