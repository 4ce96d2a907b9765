"""A probable misspelling is told once, with the field that was meant and nothing personal."""

import pytest
import structlog
from structlog.testing import capture_logs

from touchstream.agents import misspelt
from touchstream.agents.misspelt import MOST_TOLD, MisspeltFields

COUNTERS = {
    "applied": 9,
    "unknown_field.web.visit.colour": 3,
    "unknown_field.web.visit.referer": 2,
    "unknown_field.web.visit.other": 1,
}


@pytest.fixture(autouse=True)
def _own_logger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another test may have cached the module's logger with a configuration of its own."""
    monkeypatch.setattr(misspelt, "log", structlog.get_logger())


def test_a_misspelling_is_told_once_however_often_it_comes() -> None:
    fields = MisspeltFields()
    with capture_logs() as lines:
        fields.tell(COUNTERS)
        fields.tell({**COUNTERS, "unknown_field.web.visit.referer": 50})
        fields.tell(COUNTERS)  # another shard
    assert lines == [
        {
            "event": "field_misspelt",
            "log_level": "warning",
            "type": "web.visit",
            "field": "referer",
            "did_you_mean": "referrer",
            "events": 2,
        }
    ]


def test_a_producer_that_invents_names_does_not_fill_the_log() -> None:
    fields = MisspeltFields()
    with capture_logs() as lines:
        for number in range(MOST_TOLD + 50):
            name = f"referer{chr(97 + number // 26)}{chr(97 + number % 26)}"
            fields.tell({f"unknown_field.web.visit.{name}": 1})
    assert len(lines) == MOST_TOLD
