"""A file with types of the user's own, and of a producer who cannot spell, through ``replay``."""

from pathlib import Path

import orjson
import pytest

from tests.integration.replayed import replayed, rows

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]

CONFIG = """
[[event_types]]
name = "meter.read"
family = "content"
by_customer = true
[[event_types.fields]]
name = "kwh"
type = "integer"
required = true

[[targets]]
name = "read_again"
after = ["meter.read"]
events = ["meter.read"]
horizon_hours = 48
"""


def _line(number: int, kind: str, day: int, **data: object) -> bytes:
    event = {"specversion": "1.0", "id": f"e-{number}", "source": "meters", "subject": "ada"}
    time = f"2026-03-{day:02}T10:00:00Z"
    return orjson.dumps({**event, "type": kind, "time": time, "data": data})


LINES = [
    *(_line(day, "meter.read", day, kwh=day) for day in range(1, 6)),
    _line(11, "meter.raed", 2, kwh=1),
    _line(12, "order.place", 3),
    _line(13, "order.place", 4),
    _line(14, "meter.read", 5, kwh="5"),
    _line(15, "moon.seen", 5),
    _line(16, "web.visit", 20, page="/"),
]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return replayed(LINES, CONFIG, tmp_path_factory.mktemp("own-types"))


def test_misspelt_types_are_told_with_their_counts(out: Path) -> None:
    summary = orjson.loads((out / "summary.json").read_bytes())
    assert summary["records"] == {"in": 11, "applied": 6, "duplicate": 0, "dead": 1, "dropped": 4}
    assert summary["unknown_types"] == [
        "2 events of type order.place: did you mean order.placed?",
        "1 event of type meter.raed: did you mean meter.read?",
    ]


def test_a_dead_letter_of_an_own_type_names_the_field(out: Path) -> None:
    [letter] = rows(out / "dead-letters.jsonl")
    assert (letter["reason"], letter["detail"]) == (
        "bad_data",
        "Expected `int`, got `str` - at `$.kwh`",
    )


def test_own_types_are_counted_for_their_family_and_as_signs_of_life(out: Path) -> None:
    [row] = rows(out / "profiles.jsonl")
    profile = row["profile"]
    assert {name: count["count"] for name, count in profile["families"].items()} == {
        "content": 5,
        "web": 1,
    }
    assert profile["activity"]["count"] == 6


def test_a_target_looks_from_and_for_own_types(out: Path) -> None:
    scores = rows(out / "scores-read_again.jsonl")
    assert [score["label"] for score in scores] == [1, 1, 1, 1, 0]
