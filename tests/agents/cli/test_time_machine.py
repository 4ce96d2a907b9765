"""`touchstream policy evaluate --since`: other settings over our own recorded log."""

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from tests.agents.cli.command import Output
from tests.agents.treated_world import CONFIG, Recorded, recorded
from touchstream.agents.cli.exits import exit_code
from touchstream.agents.cli.main import app
from touchstream.agents.evaluation.rerun import Rerun
from touchstream.agents.history.steps import read_steps
from touchstream.agents.settings import Settings
from touchstream.schemas.emissions.envelope import Emission
from touchstream.streams.decide.arbitration import Decision

BEGIN = "1970-01-01"
CALL = """
[[actions]]
name = "call_by_owner"
channel = "phone"
bands = ["high"]
accept_probability = 0.25
value_minor = 12000
cost_minor = {cost}
"""
OTHERS = """
[[actions]]
name = "resolve_open_ticket"
channel = "support"
minimum_open_tickets = 1
accept_probability = 0.30
value_minor = 12000
cost_minor = 800
rest_days = 7
[[actions]]
name = "send_offer"
channel = "email"
consent = "marketing"
accept_probability = 0.08
value_minor = 12000
cost_minor = 400
[[actions]]
name = "send_win_back_offer"
channel = "email"
target = "return"
consent = "marketing"
accept_probability = 0.05
value_minor = 12000
cost_minor = 200
rest_days = 91
"""
NEW = '[[actions]]\nname = "gift"\nchannel = "post"\naccept_probability = 0.9\nvalue_minor = 1\n'


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded(tmp_path_factory.mktemp("world"))


class Machine:
    """Runs the command over the recorded world."""

    def __init__(
        self, world: Recorded, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
    ) -> None:
        self._world, self._patch, self._capture = world, patch, capture
        self.folder = world.log.parent

    def run(self, other: str, *arguments: str, since: str = BEGIN) -> Output:
        (self.folder / "other.toml").write_text(other)
        argv = ["touchstream", "policy", "evaluate", "log.jsonl", "--config", "own.toml"]
        argv += ["--since", since, "--settings", "other.toml", *arguments]
        self._patch.chdir(self.folder)
        self._patch.setattr(sys, "argv", argv)
        return Output(exit_code(app), *self._capture.readouterr())

    def plainly(self, *arguments: str, log: str = "log.jsonl") -> Output:
        """Without other settings."""
        argv = ["touchstream", "policy", "evaluate", log, "--config", "own.toml", *arguments]
        self._patch.chdir(self.folder)
        self._patch.setattr(sys, "argv", argv)
        return Output(exit_code(app), *self._capture.readouterr())

    def found(self, other: str, *arguments: str, since: str = BEGIN) -> dict[str, Any]:
        output = self.run(other, "--json", *arguments, since=since)
        assert output.code == 0, output
        found: dict[str, Any] = json.loads(output.out)
        return found


@pytest.fixture
def machine(
    world: Recorded, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Machine:
    return Machine(world, monkeypatch, capfd)


def test_a_recorded_log_makes_the_decisions_of_its_time_again(world: Recorded) -> None:
    made: list[tuple[str, Mapping[str, float]]] = []
    rules = Settings.load(world.config, {}).rules

    def note(decision: Decision, emission: Emission) -> None:
        made.append((emission.id, decision.choice.probabilities))

    rerun = Rerun(rules, 1, note)
    rerun.run(read_steps([world.log], 1))
    assert len(made) > 50
    assert made == [(one["id"], one["data"]["probabilities"]) for one in world.decisions]


def test_the_same_settings_differ_nowhere_and_gain_nothing(machine: Machine) -> None:
    found = machine.found(CONFIG)
    assert found["interval"] == "always-valid"
    assert (found["differences"]["differ"], found["differences"]["moved"]) == (0, 0.0)
    assert found["gains"]["snips"]["estimate"] == pytest.approx(0.0, abs=1e-12)


def test_a_dearer_call_is_chosen_less(machine: Machine) -> None:
    file = machine.folder / "differences.jsonl"
    other = CONFIG + CALL.format(cost=9_000) + OTHERS
    found = machine.found(other, "--differences", str(file), "--reward", "money")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(rows) == found["differences"]["differ"] > 0
    assert {row["before"] for row in rows} == {"call_by_owner"}
    assert all(row["probabilities"].keys() == row["probabilities_after"].keys() for row in rows)
    assert found["currency"] == "EUR"
    assert found["values"]["dr"]["low"] < found["values"]["dr"]["high"]


def test_the_changes_are_listed_above_the_values(machine: Machine) -> None:
    output = machine.run(CONFIG + CALL.format(cost=9_000) + OTHERS)
    lines = output.out.splitlines()
    assert " decisions differ (" in lines[0]
    assert "call_by_owner -> " in lines[1]
    assert any(line.startswith("snips") for line in lines)


def test_a_new_action_has_no_support_and_is_named(machine: Machine) -> None:
    output = machine.run(CONFIG + CALL.format(cost=1_500) + OTHERS + NEW)
    assert output.code == 1
    assert "no support" in output.err
    assert "'gift' in" in output.err
    assert "; gift is new: let it be explored first" in output.err


def test_an_action_that_was_left_out_is_named_with_the_reasons(machine: Machine) -> None:
    wider = CALL.format(cost=1_500).replace('"high"', '"medium", "high"') + "rest_days = 0\n"
    output = machine.run(CONFIG + wider + OTHERS)
    assert output.code == 1
    assert "'call_by_owner' in" in output.err
    assert "; call_by_owner was left out: " in output.err
    assert re.search(r"left out: .*band \d+", output.err)
    assert re.search(r"left out: .*resting \d+", output.err)


def test_a_policy_file_sees_what_only_a_rerun_knows_of_the_customer(machine: Machine) -> None:
    (machine.folder / "policy.toml").write_text(
        'kind = "table"\ncolumn = "plan"\ndefault = "do_nothing"\n'
        'fallback = "do_nothing"\n[segments]\nloyalty = "send_win_back_offer"\n'
    )
    output = machine.plainly("--since", BEGIN, "--policy", "policy.toml", "--json")
    assert output.code == 0, output
    found = json.loads(output.out)
    assert found["chosen"].keys() == {"send_win_back_offer", "do_nothing"}
    assert found["differences"]["decisions"] == 0


def test_decisions_before_the_day_are_not_judged(machine: Machine, world: Recorded) -> None:
    day = world.decisions[len(world.decisions) // 2]["time"][:10]
    every, later = machine.found(CONFIG), machine.found(CONFIG, since=day)
    assert 0 < later["differences"]["decisions"] < every["differences"]["decisions"]
    assert later["left_out"].get("unknown_decision", 0) == every["left_out"].get(
        "unknown_decision", 0
    )


def test_other_settings_than_those_of_the_recording_are_refused(
    machine: Machine, world: Recorded
) -> None:
    own = world.config.read_text()
    try:
        world.config.write_text(own.replace("epsilon = 0.8", "epsilon = 0.7"))
        output = machine.run(CONFIG)
    finally:
        world.config.write_text(own)
    assert output.code == 1
    assert "the log's ticks name rules" in output.err


def test_settings_that_make_other_risks_are_cautioned_against(machine: Machine) -> None:
    found = machine.found(CONFIG.replace("high_enter = 0.55", "high_enter = 0.6"))
    assert any(one.startswith("bands: the other settings differ") for one in found["cautions"])
    assert found["differences"]["differ"] == 0


def test_a_plain_history_is_paced_as_a_replay_paces_it(machine: Machine) -> None:
    plain = machine.plainly("--settings", "own.toml", "--json", log="plain.jsonl")
    assert plain.code == 0, plain
    assert json.loads(plain.out)["differences"]["decisions"] > 50


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--since", BEGIN), "--since: want --settings OTHER.toml or --policy FILE"),
        (("--settings", "own.toml", "--outcomes", "x"), "--outcomes: want it without --since"),
        (("--policy", "own.toml", "--differences", "x"), "--differences: want --settings"),
        (("--since", "soon", "--settings", "own.toml"), "--since='soon': want a day"),
    ],
    ids=["neither", "outcomes", "differences", "day"],
)
def test_options_that_do_not_go_together_are_refused(
    machine: Machine, arguments: tuple[str, ...], error: str
) -> None:
    output = machine.plainly(*arguments)
    assert output.code == 2
    assert error in output.err


@pytest.mark.parametrize("file", ["log.jsonl", "other.toml"])
def test_no_input_is_overwritten_with_the_differences(machine: Machine, file: str) -> None:
    (machine.folder / "other.toml").write_text(CONFIG)
    before = (machine.folder / file).read_bytes()
    output = machine.run(CONFIG, "--differences", f"./{file}")
    assert (output.code, output.err.count("\n")) == (2, 1)
    assert f"--differences: {file} is read: want another file" in output.err
    assert (machine.folder / file).read_bytes() == before
