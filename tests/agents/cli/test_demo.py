"""The demo ends by itself, and its counts are what the world knows it has sent."""

from pathlib import Path

import orjson
import pytest

from tests.agents.cli.command import touchstream

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_the_counts_of_a_short_demo_add_up_to_what_the_world_has_sent(tmp_path: Path) -> None:
    output = touchstream("demo", "--seconds", "5", cwd=tmp_path)
    assert output.code == 0, output.err
    summary = orjson.loads(output.out[output.out.index("\n{\n") :])
    found, sent = summary["records"], summary["expected"]
    assert found["in"] == sent["lines"] > 0
    assert found == {
        "in": sent["lines"],
        "applied": sent["applied"],
        "duplicate": sent.get("duplicate", 0),
        "dead": sent.get("dead_letter", 0),
        "dropped": sent.get("unknown_type", 0) + sent.get("too_late", 0),
    }
