"""What ``publish`` sends, and what it refuses before it is sent."""

import pytest

from tests.agents.cli.command import order
from tests.make import OWN_TYPES
from touchstream.agents.cli.publish import Bad, Sound, check_line
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.event_types import own_types

AT = "2026-01-01T00:00:00Z"
AT_MS = parse_time(AT)


def test_a_sound_line_is_keyed_by_its_subject() -> None:
    line = order("ada", 1, AT)
    assert check_line(line, "f:1") == Sound("f:1", b"ada", line, AT_MS)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (
            order("ada", 1, AT, type="touchstream.tick"),
            "reserved_type: type: touchstream.* is written by touchstream alone",
        ),
        (
            order("ada", 1, AT, type="moon.seen"),
            "unknown_type: want a type of docs/events.md or of [[event_types]]",
        ),
        (
            order("ada", 1, AT, type="web.vist"),
            "unknown_type: 'web.vist': did you mean 'web.visit'?",
        ),
        (
            order("ada", 1, AT, time="today"),
            "bad_time: time: want RFC 3339 with an offset, years 1 to 9999",
        ),
        (b'{"specversion": "1.0"}', "missing_attribute: id: want it in every event"),
        (b"[1]", "not_an_object: want one JSON object with the attributes of a CloudEvent"),
    ],
)
def test_a_line_that_workers_would_not_apply_is_bad(line: bytes, why: str) -> None:
    assert check_line(line, "f:7") == Bad("f:7", why)


def test_an_own_type_is_sound_where_the_settings_have_it() -> None:
    line = order("ada", 1, AT, type="meter.read", data={"kwh": 7})
    assert check_line(line, "f:1", own_types(OWN_TYPES)) == Sound("f:1", b"ada", line, AT_MS)


def test_an_own_type_with_a_wrong_field_is_bad_and_the_field_is_named() -> None:
    line = order("ada", 1, AT, type="meter.read", data={"kwh": "7"})
    why = "bad_data: Expected `int`, got `str` - at `$.kwh`"
    assert check_line(line, "f:1", own_types(OWN_TYPES)) == Bad("f:1", why)
