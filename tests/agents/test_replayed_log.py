"""Decisions of the core, carried out in the simulated world, are a log that can be evaluated."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson
import pytest

from tests.make import QUICK
from touchstream.agents.evaluation.outcomes import RewardedLog, Rewarding
from touchstream.agents.evaluation.replayed_log import read_replayed
from touchstream.agents.history.lines import parse_line
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.envelope import decode_emission
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.rules import DecidingRules, LearningRules
from touchstream.schemas.topics import NEXT_BEST_ACTION_TOPIC
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.simulator import START_MS, World
from touchstream.streams.decide.evaluation.evaluate import How, evaluate
from touchstream.streams.decide.evaluation.policies import Constant, Uniform
from touchstream.streams.decide.policy import DO_NOTHING
from touchstream.streams.local import LocalStream
from touchstream.streams.records import Record

WINDOW_DAYS = 14
RULES = msgspec.structs.replace(
    QUICK,
    learning=LearningRules(minimum_examples=3, minimum_of_each=1, widest=1.0),
    deciding=DecidingRules(epsilon=0.8, holdout=0.1),
)


class Files(NamedTuple):
    """What the core recommended, and all that arrived."""

    recommended: Path
    touchpoints: Path

    def read(self) -> RewardedLog:
        return read_replayed(self.recommended, self.touchpoints, Rewarding("accepted", WINDOW_DAYS))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    world, stream, arrived, recommended = World(3, 40, 60), LocalStream(RULES), [], []
    stream.tick(START_MS)
    for day in world.days():
        records = []
        for line in day.lines:
            value = line.to_bytes()
            arrived.append(value)
            records.append(Record(0, Millis(line.received_ms), parse_line(value).key, value))
        stream.feed(0, records)
        emitted = len(stream.emitted)
        stream.tick(Millis(world.now_ms))
        for entry in stream.emitted[emitted:]:
            if entry.topic == NEXT_BEST_ACTION_TOPIC:
                recommended.append(entry.event)
                emission, _ = decode_emission(entry.event)
                assert isinstance(emission.data, ActionRecommended)
                choice = emission.data
                with suppress(KeyError):  # a lead, whom nobody in the world answers
                    world.treat(emission.subject, choice.action, world.now_ms, choice.decision)
    folder = tmp_path_factory.mktemp("world")
    made = Files(folder / "next-best-action.jsonl", folder / "touchpoints.jsonl")
    made.recommended.write_bytes(b"\n".join(recommended))
    made.touchpoints.write_bytes(b"\n".join(arrived))
    return made


Row = dict[str, Any]


def rows(file: Path) -> list[Row]:
    found = []
    for line in file.read_bytes().splitlines():
        try:
            found.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            continue  # the world's noise
    return found


def recounted(files: Files) -> Mapping[str, tuple[float, float]]:
    """Decision -> propensity and reward, without the reader."""
    events = rows(files.touchpoints)
    accepted = {
        event["data"]["decision"]: parse_time(event["time"])
        for event in events
        if event["type"] == "action.outcome" and event["data"]["outcome"] == "accepted"
    }
    reached = {event["data"]["decision"] for event in events if event["type"] == "action.outcome"}
    decisions = rows(files.recommended)
    end_ms = max(
        parse_time(event["time"])
        for event in [*events, *decisions]
        if event["type"] in {"action.outcome", "action.recommended"}
    )
    found = {}
    for row in decisions:
        data, closes_ms = row["data"], parse_time(row["time"]) + WINDOW_DAYS * DAY_MS
        held = any(left["reason"] == "holdout" for left in data["left_out"])
        if held or closes_ms > end_ms:
            continue
        if data["action"] == DO_NOTHING or data["decision"] in reached:
            yes = accepted.get(data["decision"], closes_ms + 1) <= closes_ms
            found[data["decision"]] = (data["propensity"], float(yes))
    return found


def test_every_decision_is_evaluated_or_counted_as_left_out(files: Files) -> None:
    found = files.read()
    lines = len(rows(files.recommended))
    unreadable = found.left_out.get("unreadable", 0)
    assert len(found.decisions) + sum(found.left_out.values()) == lines + unreadable
    assert {"holdout", "not_sent", "window_open"} <= set(found.left_out)
    assert len(found.decisions) > 40


def test_the_rewards_are_those_of_a_recount(files: Files) -> None:
    found = sorted((one.propensity, one.reward) for one in files.read().decisions)
    assert found == sorted(recounted(files).values())
    assert 0 < sum(reward for _, reward in found) < len(found)


def test_policies_over_eligible_actions_have_values_and_others_are_refused(files: Files) -> None:
    log = files.read().decisions
    how = How(interval="always-valid")
    nothing = evaluate(log, Constant(DO_NOTHING), how)
    assert nothing.values["snips"].estimate == 0.0
    calls = evaluate(log, Constant("call_by_owner", fallback=DO_NOTHING), how)
    uniform = evaluate(log, Uniform(), how)
    for found in (nothing, calls, uniform):
        assert found.mean_weight.low < 1.0 < found.mean_weight.high
    assert calls.values["snips"].effective_n < len(log)
    assert uniform.values["snips"].estimate > 0.0
