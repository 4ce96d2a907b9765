"""``touchstream explain`` against a deployment that has read two months of a small shop."""

import asyncio
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.agents.cli.command import Output, order, touchstream
from tests.make import DAY_ZERO_MS
from tests.services import require
from touchstream.agents.cli.replay import in_turn
from touchstream.agents.history.steps import read_steps
from touchstream.agents.replay.run import Replay
from touchstream.agents.replay.runtime import runtime
from touchstream.agents.replay.services import ReplayServices, services
from touchstream.agents.settings import Settings
from touchstream.schemas.envelope import format_time
from touchstream.schemas.units import DAY_MS

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

CONFIG = """
[churn]
activity = ["order.placed"]
horizon_days = 4
snapshot_every_days = 2
[learning]
minimum_examples = 200
minimum_of_each = 20
[bands]
medium_enter = 0.3
medium_leave = 0.2
high_enter = 0.6
high_leave = 0.5
"""
DAYS = 60
CUSTOMERS = 30
SILENT = "c28"
"""Stays away from day 58 on: long enough to be at risk, and not yet to be a former customer."""
LAPSED = "c14"
"""Stays away from day 44 on."""


def shop() -> dict[str, list[bytes]]:
    """Everybody comes every second day; each day one more customer of the even ones stays away."""
    return {
        f"c{number}": [
            order(f"c{number}", day, format_time(DAY_ZERO_MS + day * DAY_MS + number))
            for day in range(number % 2, DAYS, 2)
            if number % 2 or day < 30 + number
        ]
        for number in range(CUSTOMERS)
    }


async def _asked(scene: ReplayServices, folder: Path, file: Path) -> dict[str, Output]:
    commands: dict[str, list[object]] = {
        "topic": ["explain", SILENT, "--json"],
        "file": ["explain", SILENT, "--json", "--events", file],
        "alone": ["explain", SILENT, "--json", "--events", folder / "alone.jsonl"],
        "part": ["explain", SILENT, "--json", "--events", folder / "part.jsonl"],
        "words": ["explain", SILENT],
        "lapsed": ["explain", LAPSED, "--json", "--no-verify"],
        "lapsed in words": ["explain", LAPSED, "--no-verify"],
        "lapsed, churn": ["explain", LAPSED, "--json", "--no-verify", "--target", "churn"],
        "lapsed customer": ["customer", LAPSED],
        "unproved": ["explain", SILENT, "--json", "--no-verify"],
        "stranger": ["explain", "nobody"],
        "target": ["explain", SILENT, "--target", "luck"],
    }
    settings = {name.removeprefix("TOUCHSTREAM_"): text for name, text in scene.environ.items()}
    async with runtime(scene, 1) as (store, workforce):
        run = Replay(scene.settings, store, workforce, folder / "out", lambda _: None)
        await run.run(in_turn(read_steps([file], 1)))
        return {
            name: await asyncio.to_thread(touchstream, *command, cwd=folder, settings=settings)
            for name, command in commands.items()
        }


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Output]:
    """The command's output for the lapsed customer."""
    require("redis")
    folder = tmp_path_factory.mktemp("explain")
    config, file, events = folder / "touchstream.toml", folder / "shop.jsonl", shop()
    config.write_text(CONFIG)
    lines = sorted(chain(*events.values()), key=lambda line: str(orjson.loads(line)["time"]))
    file.write_bytes(b"\n".join(lines))
    (folder / "alone.jsonl").write_bytes(b"\n".join(events[SILENT]))
    (folder / "part.jsonl").write_bytes(b"\n".join(events[SILENT][-3:]))
    with services(Settings.load(config), config, "embedded", 1) as scene:
        return asyncio.run(_asked(scene, folder, file))


def shown(output: Mapping[str, Output], name: str) -> dict[str, Any]:
    assert output[name].code == 0, output[name]
    found: dict[str, Any] = orjson.loads(output[name].out)
    return found


def test_who_stays_away_is_at_risk_because_of_it(output: Mapping[str, Output]) -> None:
    found = shown(output, "topic")
    assert (found["customer"], found["band"], found["target"]) == (SILENT, "high", "churn")
    silence = next(one for one in found["reasons"] if one["feature"] == "silence_days")
    assert silence["value"] == 4.0  # from day 56 to day 60
    assert silence["contribution"] > 0
    assert found["low"] < found["risk"] < found["high"]


def test_of_a_lapsed_customer_the_return_is_explained(output: Mapping[str, Output]) -> None:
    found = shown(output, "lapsed")
    assert (found["customer"], found["band"], found["target"]) == (LAPSED, None, "return")
    silence = next(one for one in found["reasons"] if one["feature"] == "silence_days")
    assert silence["value"] == 18.0  # from day 42 to day 60
    assert silence["contribution"] < 0
    words = output["lapsed in words"].out
    assert words.startswith(f"{LAPSED}: probability of return 0.")
    assert "nothing emitted now (relation): the relation is lapsed since" in words


def test_the_question_about_churn_can_be_asked_all_the_same(output: Mapping[str, Output]) -> None:
    found = shown(output, "lapsed, churn")
    silence = next(one for one in found["reasons"] if one["feature"] == "silence_days")
    assert (found["target"], found["held_by"][0]["gate"]) == ("churn", "relation")
    assert silence["contribution"] > 0


def test_a_lapsed_customer_is_shown_with_their_relation(output: Mapping[str, Output]) -> None:
    assert output["lapsed customer"].code == 0
    out = output["lapsed customer"].out
    assert "relation:\n  status: lapsed\n  since: 1997-02-" in out
    # Nothing can raise the risk of leaving any more.
    assert "reasons:" not in out


def test_the_topic_gives_exactly_the_profile_that_is_kept(output: Mapping[str, Output]) -> None:
    proof = shown(output, "topic")["proof"]
    assert (proof["events"], proof["differing"]) == (29, [])
    assert proof["first"] == "1997-01-01T00:00:00.028Z"


def test_a_file_proves_what_the_topic_proves(output: Mapping[str, Output]) -> None:
    assert shown(output, "file") == shown(output, "topic")


def test_a_file_of_the_customers_events_alone_proves_the_same(output: Mapping[str, Output]) -> None:
    assert shown(output, "alone") == shown(output, "topic")


def test_a_part_of_the_history_is_said_to_be_one(output: Mapping[str, Output]) -> None:
    proof = shown(output, "part")["proof"]
    assert proof["events"] == 3
    assert "activity_count" in proof["differing"]


def test_the_reasons_do_not_need_the_events(output: Mapping[str, Output]) -> None:
    found, whole = shown(output, "unproved"), shown(output, "topic")
    assert found["proof"] is None
    assert [(one["feature"], one["contribution"]) for one in found["reasons"]] == [
        (one["feature"], one["contribution"]) for one in whole["reasons"]
    ]


def test_people_read_words(output: Mapping[str, Output]) -> None:
    assert output["words"].code == 0
    out = output["words"].out
    assert out.startswith(f"{SILENT}: risk of churn if nothing is done 0.")
    assert "time since the last sign of life: 4 days" in out
    assert "these events reproduce the stored profile exactly" in out


def test_a_stranger_ends_with_1_and_one_line(output: Mapping[str, Output]) -> None:
    assert output["stranger"].code == 1
    assert output["stranger"].err.startswith("touchstream: no such customer: 'nobody'")
    assert output["stranger"].err.count("\n") == 1


def test_an_unknown_target_ends_with_2(output: Mapping[str, Output]) -> None:
    assert (output["target"].code, output["target"].err) == (
        2,
        "touchstream: --target='luck': want one of churn, return\n",
    )
