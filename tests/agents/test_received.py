"""When a record was received: by the broker's stamp, or by the header of a replay."""

from typing import NamedTuple

import pytest

from touchstream.agents.received import by_header
from touchstream.streams.intake.log_phase import RECEIVED_HEADER


class Stamped(NamedTuple):
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp: int = 7


def test_a_replay_says_it_in_a_header() -> None:
    assert by_header(Stamped(((RECEIVED_HEADER, b"1767355200000"),))) == 1_767_355_200_000


@pytest.mark.parametrize("value", [None, b"", b"-5", b"soon", b"\xff", b"\xb2", b"9" * 5_000])
def test_a_header_that_is_no_moment_leaves_the_stamp_of_the_broker(value: bytes | None) -> None:
    assert by_header(Stamped(((RECEIVED_HEADER, value),))) == 7
