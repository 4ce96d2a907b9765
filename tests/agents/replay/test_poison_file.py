"""A file as bad as files get, through ``touchstream replay``: every line in one named place."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.integration.replayed import replayed, rows

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]


def _visit(number: int, time: str, **changes: Any) -> bytes:  # noqa: ANN401 - any attribute
    event = {
        "specversion": "1.0",
        "id": f"v-{number}",
        "source": "shop",
        "type": "web.visit",
        "subject": "ada",
        "time": time,
        "data": {"page": "/"},
    }
    return orjson.dumps({**event, **changes})


LINES = [
    _visit(0, "2099-01-01T00:00:00Z"),  # the clock of the first producer is mistaken
    _visit(1, "2026-03-01T10:00:00Z"),
    _visit(1, "2026-03-01T10:00:00Z"),  # again: a duplicate
    _visit(1, "2026-03-01T10:00:00Z", data={"page": "/other"}),  # same id, other content
    _visit(2, "2026-03-01T11:00:00Z")[:-20],  # truncated
    _visit(3, "2026-03-01T12:00:00Z").replace(b'"/"', b"NaN"),
    _visit(4, "2026-03-01T13:00:00Z", data={"page": 7}),
    _visit(5, "2026-03-01T14:00:00Z", data={"page": "x" * 10_000_000}),
    _visit(6, "2026-03-01T15:00:00Z", type="space.travelled"),
    _visit(7, "2026-03-01T16:00:00Z", subject=None),
    _visit(8, "yesterday"),
    b'["no", "event"]',
    b"\xff\xfe no text",
    _visit(9, "2026-03-20T10:00:00Z"),
    _visit(10, "2026-03-05T10:00:00Z", receivedtime="2026-03-20T10:30:00Z"),  # fifteen days late
    _visit(11, "2026-03-20T11:00:00Z", data={"page": "/", "referer": "a", "colour": "red"}),
    # Without these, less than half would be applied, and the replay would fail.
    *(_visit(20 + hour, f"2026-03-02T{hour}:00:00Z") for hour in range(10, 19)),
    # An hour later than its receipt.
    _visit(40, "2026-03-02T20:00:00Z", receivedtime="2026-03-02T19:00:00Z"),
]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return replayed(LINES, "", tmp_path_factory.mktemp("poison"))


def test_every_line_ends_in_one_named_place(out: Path) -> None:
    summary = orjson.loads((out / "summary.json").read_bytes())
    assert summary["records"] == {
        "in": 25,
        "applied": 13,
        "duplicate": 1,
        "dead": 9,
        "dropped": 2,
    }
    assert summary["dropped_by_reason"] == {"too_late": 1, "unknown_type": 1}
    assert summary["dead_by_reason"] == {
        "bad_data": 1,
        "bad_number": 1,
        "bad_string": 1,
        "bad_time": 1,
        "conflicting_id": 1,
        "missing_attribute": 1,
        "not_an_object": 1,
        "not_json": 1,
        "too_large": 1,
    }


def test_what_was_odd_about_applied_events_is_counted(out: Path) -> None:
    summary = orjson.loads((out / "summary.json").read_bytes())
    assert summary["odd_events"] == {
        "late": 0,
        "late_for_label": 0,
        "clamped": 1,
        "with_unknown_fields": 1,
        "memory_full": 0,
    }


def test_unknown_fields_are_named_and_a_misspelling_is_recognised(out: Path) -> None:
    summary = orjson.loads((out / "summary.json").read_bytes())
    assert summary["unknown_fields"] == [
        {"type": "web.visit", "field": "referer", "events": 1, "did_you_mean": "referrer"},
        {"type": "web.visit", "field": "colour", "events": 1, "did_you_mean": None},
    ]
    assert summary["outcome_faults"] == {}


def test_an_event_dated_2099_is_kept_beside_and_changes_nothing(out: Path) -> None:
    assert rows(out / "out-of-range.jsonl") == [orjson.loads(LINES[0])]
    [profile] = rows(out / "profiles.jsonl")
    assert profile["customer"] == "ada"
    assert profile["profile"]["last_seen"] == "2026-03-20T11:00:00.000Z"
    assert profile["profile"]["first_seen"] == "2026-03-01T10:00:00.000Z"
    ticks = orjson.loads((out / "summary.json").read_bytes())["ticks"]
    # From March 1 to March 21 there are 21 midnights, and at most of them nobody is due.
    assert ticks < 15


def test_a_letter_has_the_line_as_it_stood_up_to_512_kib(out: Path) -> None:
    letters = rows(out / "dead-letters.jsonl")
    [large] = [letter for letter in letters if letter["reason"] == "too_large"]
    assert large["value"] == LINES[7][: 512 * 1024].decode()
    [unreadable] = [letter for letter in letters if "value_base64" in letter]
    assert unreadable["value_base64"] == "//4gbm8gdGV4dA=="
