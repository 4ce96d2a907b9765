"""The outputs for a log full of trouble are, to the byte, those of the build that recorded them.

The log, its outputs and the states were written by the build of commit 97de66c, whose states were
of version 3. Fields that were renamed since are listed in ``RENAMES``.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
import pytest

from tests.golden import core
from tests.golden.version3 import as_version_3
from touchstream.schemas.topics import CUSTOMER_RISK_TOPIC, CUSTOMER_SIGNALS_TOPIC
from touchstream.streams.local import LocalStream
from touchstream.streams.state import State, decode, encode

RENAMES: Mapping[str, Mapping[str, str]] = {
    "next-best-action": {"policy": "rules"},
    "touchstream.examples": {"offered": "offer_probability"},
}
"""Topic -> what a field of its values was called -> what it is called now."""
ADDED = frozenset({"engagement.dropping"})
"""Types that the build of the golden log did not emit; on their topic they take up sequences."""
ADDED_TOPICS = frozenset({CUSTOMER_RISK_TOPIC})
SEQUENCE = '"sequence":"p0:{:016d}"'
VERSION3 = [orjson.loads(line) for line in core.VERSION3.read_bytes().splitlines()]

each_state = pytest.mark.parametrize("line", VERSION3, ids=map(str, range(len(VERSION3))))


@pytest.fixture(scope="module")
def stream() -> LocalStream:
    return core.run()


def test_the_golden_log_is_emitted_as_it_always_was(stream: LocalStream) -> None:
    emitted = list(_without_added(core.outputs(stream)))
    assert emitted == [_renamed(line) for line in core.read(core.OUTPUTS)]


def test_the_golden_log_leaves_the_states_that_it_always_left(stream: LocalStream) -> None:
    [shard] = stream.shards
    left = {customer: as_version_3(decode(data)) for customer, data in shard.states.items()}
    assert left == {line["customer"]: line["state"] for line in core.read(core.STATES)}


@each_state
def test_bytes_of_version_3_mean_what_they_meant(line: dict[str, Any]) -> None:
    assert as_version_3(decode(base64.b64decode(line["bytes"]))) == line["state"]


@each_state
def test_a_state_of_version_3_stays_itself_in_the_bytes_of_today(line: dict[str, Any]) -> None:
    state: State = decode(base64.b64decode(line["bytes"]))
    assert as_version_3(decode(encode(state))) == line["state"]


def _without_added(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The outputs without types that were added, and with the sequences that they had then."""
    added = 0
    for line in lines:
        if line["topic"] in ADDED_TOPICS:
            continue
        if line["topic"] == CUSTOMER_SIGNALS_TOPIC:
            said = orjson.loads(line["value"])
            if said["type"] in ADDED:
                added += 1
                continue
            shard, _, number = said["sequence"].partition(":")
            if shard == "p0":
                now, then = SEQUENCE.format(int(number)), SEQUENCE.format(int(number) - added)
                line["value"] = line["value"].replace(now, then)
        yield line


def _renamed(line: dict[str, Any]) -> dict[str, Any]:
    """A golden output with the names of today, otherwise byte for byte."""
    for old, new in RENAMES.get(line["topic"], {}).items():
        line["value"] = line["value"].replace(f'"{old}":', f'"{new}":')
    return line
