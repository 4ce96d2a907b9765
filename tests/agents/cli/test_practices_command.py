"""`touchstream practices`: verdicts in words, from a CSV and from our own log."""

import json
import random
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.agents.cli.command import Output
from tests.agents.cli.test_policy_outcomes import event, recommended
from touchstream.agents.cli.exits import exit_code
from touchstream.agents.cli.main import app

HEADER = "customer,plan,action,propensity,reward\n"


class Asking:
    """Runs the command in this process, in ``folder``."""

    def __init__(
        self, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
    ) -> None:
        self.folder, self._patch, self._capture = folder, patch, capture
        patch.chdir(folder)

    def ask(self, *arguments: str, log: str = "log.csv") -> Output:
        self._patch.setattr(sys, "argv", ["touchstream", "practices", log, *arguments])
        return Output(exit_code(app), *self._capture.readouterr())

    def found(self, *arguments: str, log: str = "log.csv") -> dict[str, Any]:
        output = self.ask("--json", *arguments, log=log)
        assert (output.code, output.err) == (0, ""), output
        found: dict[str, Any] = json.loads(output.out)
        return found


@pytest.fixture
def asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Asking:
    rng = random.Random(1)
    lines = []
    for number in range(3_000):
        action = rng.choice(["call", "do_nothing"])
        reward = int(rng.random() < (0.5 if action == "call" else 0.3))
        lines.append(f"c{number},{'pro' if number % 2 else 'free'},{action},0.5,{reward}\n")
    (tmp_path / "log.csv").write_text(HEADER + "".join(lines))
    return Asking(tmp_path, monkeypatch, capfd)


def test_a_manager_reads_a_verdict_and_a_reason_in_words(asking: Asking) -> None:
    output = asking.ask("--by", "plan")
    assert (output.code, output.err) == (0, "")
    lines = output.out.splitlines()
    assert lines[0].split() == [
        *["practice", "segment", "decisions", "exposed", "uplift", "interval", "verdict", "reason"]
    ]
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["call", "all"],
        ["call", "free"],
        ["call", "pro"],
    ]
    assert "keep     each decision gains more than it costs" in lines[1]
    assert any(line.startswith("programme: ") for line in lines)


def test_costs_turn_a_verdict(asking: Asking) -> None:
    (asking.folder / "costs.toml").write_text("call = 0.5\n")
    found = asking.found("--costs", "costs.toml")
    assert [one["verdict"] for one in found["practices"]] == ["drop"]
    assert found["suspended"] == []
    assert found["programme"]["roi"] < 0.0
    assert asking.found()["practices"][0]["verdict"] == "keep"


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("--by", "age"), 1, "no column 'age'"),
        (("--control", "rest"), 1, "no decision could choose 'rest'"),
        (("--costs", "no.toml"), 2, "no.toml: no such file"),
        (("--costs", "other.toml"), 2, "other.toml: no cost of call"),
        (("--reward", "revenue"), 2, "--reward: want --outcomes"),
        (("--error-rate", "2"), 2, "--error-rate=2"),
        (("--cap", "0"), 2, "--cap=0"),
    ],
    ids=["column", "control", "file", "cost", "reward", "rate", "cap"],
)
def test_a_question_without_an_answer_ends_with_one_line(
    asking: Asking, arguments: tuple[str, ...], code: int, text: str
) -> None:
    (asking.folder / "other.toml").write_text("mail = 0.5\n")
    output = asking.ask(*arguments)
    assert (output.code, output.out) == (code, "")
    assert text in output.err
    assert len(output.err.splitlines()) == 1


def test_our_own_log_is_weighed_as_recommended_by_what_customers_paid(asking: Asking) -> None:
    """Nobody carried out the odd calls; they count all the same."""
    decisions, touchpoints = [], []
    rng = random.Random(2)
    for number in range(1_200):
        held = number % 4 == 0
        action = "do_nothing" if held else rng.choice(["call", "do_nothing"])
        decisions.append(recommended(f"d{number}", action, number / 100, holdout=held))
        pays = rng.random() < (0.8 if action == "call" else 0.2)
        order = {"order": f"o{number}", "amount_minor": 5_000, "currency": "EUR"}
        day = number / 100 + 1
        if pays:
            touchpoints.append(event("order.placed", f"of-d{number}", day, order))
        if pays and number % 10 == 0:
            touchpoints.append(event("order.returned", f"of-d{number}", day + 1, order))
        touchpoints.append(event("order.placed", f"of-d{number}", day + 20, order))
    (asking.folder / "nba.jsonl").write_bytes(b"\n".join(map(orjson.dumps, decisions)))
    (asking.folder / "all.jsonl").write_bytes(b"\n".join(map(orjson.dumps, touchpoints)))
    found = asking.found("--outcomes", "all.jsonl", "--until", "1970-03-01", log="nba.jsonl")
    (call,) = found["practices"]
    assert (call["verdict"], found["currency"], found["reward"]) == ("keep", "EUR", "revenue")
    assert 2_000 < call["low"] < call["uplift"] < call["high"] < 3_500
    whole = found["programme"]
    assert (whole["decisions"], whole["holdout_customers"]) == (900, 300)
    assert whole["compared_with"] == "holdout"
    assert whole["low"] > 0.0
    stayed = asking.found(
        "--outcomes", "all.jsonl", "--until", "1970-03-01", "--reward", "stayed", log="nba.jsonl"
    )
    assert stayed["practices"][0]["reason"] == "same_reward"


CATALOGUE = """
[[actions]]
name = "call"
channel = "phone"
cost_minor = 700

[deciding]
currency = "{currency}"
"""


@pytest.fixture
def sent(asking: Asking) -> Asking:
    """400 decisions; of 200 calls, 50 were sent, 50 failed, and nobody made the others."""
    decisions, touchpoints = [], []
    for number in range(400):
        action = ("call", "do_nothing")[number % 2]
        decisions.append(recommended(f"d{number}", action, number / 100))
        step = {0: "sent", 2: "failed"}.get(number % 8)
        if step is not None:
            data = {"decision": f"d{number}", "action": action, "outcome": step}
            touchpoints.append(event("action.outcome", f"of-d{number}", number / 100 + 1, data))
        order = {"order": f"o{number}", "amount_minor": 5_000 + number, "currency": "EUR"}
        touchpoints.append(event("order.placed", f"of-d{number}", number / 100 + 2, order))
    (asking.folder / "nba.jsonl").write_bytes(b"\n".join(map(orjson.dumps, decisions)))
    (asking.folder / "all.jsonl").write_bytes(b"\n".join(map(orjson.dumps, touchpoints)))
    return asking


OWN = ("--outcomes", "all.jsonl", "--until", "1970-03-01", "--config", "touchstream.toml")


def test_only_actions_that_were_carried_out_have_cost_anything(sent: Asking) -> None:
    (sent.folder / "touchstream.toml").write_text(CATALOGUE.format(currency="EUR"))
    found = sent.found(*OWN, log="nba.jsonl")
    assert found["programme"]["cost"] == 50 * 700


def test_costs_in_another_currency_than_the_orders_are_refused(sent: Asking) -> None:
    (sent.folder / "touchstream.toml").write_text(CATALOGUE.format(currency="USD"))
    output = sent.ask(*OWN, log="nba.jsonl")
    assert (output.code, output.err.count("\n")) == (1, 1)
    assert "want one currency, not ['EUR', 'USD']" in output.err


def test_a_carried_out_action_without_a_known_cost_is_refused(sent: Asking) -> None:
    text = CATALOGUE.format(currency="EUR").replace('"call"', '"mail"')
    (sent.folder / "touchstream.toml").write_text(text)
    output = sent.ask(*OWN, log="nba.jsonl")
    assert (output.code, output.err.count("\n")) == (1, 1)
    assert "no cost of action 'call'" in output.err
