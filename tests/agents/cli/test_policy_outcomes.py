"""`touchstream policy evaluate` on the decisions of a replay, joined with their outcomes."""

from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from tests.agents.cli.evaluating import Command, Row
from touchstream.schemas.envelope import format_time
from touchstream.schemas.units import DAY_MS, Millis


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capfd)


def at(day: float) -> str:
    return format_time(Millis(int(day * DAY_MS)))


def recommended(decision: str, action: str, day: float = 0.0, *, holdout: bool = False) -> Row:
    arms = {"do_nothing": 1.0} if holdout else {"call": 0.5, "do_nothing": 0.5}
    left_out = [{"action": "call", "reason": "holdout"}] if holdout else []
    data = {
        "decision": decision,
        "action": action,
        "channel": None,
        "propensity": arms[action],
        "probabilities": arms,
        "values_minor": dict.fromkeys(arms, 0.0),
        "currency": "EUR",
        "left_out": left_out,
        "risk": 0.4,
        "band": "high",
        "epsilon": 0.1,
        "seed": 0,
        "rules": "r",
        "model_version": 1,
        "cause": {"source": "web", "id": "1", "type": "order.placed"},
    }
    return event("action.recommended", f"of-{decision}", day, data)


def outcome(decision: str, step: str, day: float, **more: object) -> Row:
    data = {"decision": decision, "action": "call", "outcome": step, **more}
    return event("action.outcome", decision, day, data)


def event(kind: str, customer: str, day: float, data: object) -> Row:
    return {"type": kind, "subject": customer, "time": at(day), "data": data}


END = outcome("yes", "seen", 60.0)
"""The log goes on until then."""
WRONG_CLOCK = event("order.placed", "zoe", 900.0, {})


def write(folder: Path, decisions: Sequence[Row], outcomes: Sequence[Row]) -> None:
    (folder / "decisions.jsonl").write_bytes(b"\n".join(map(orjson.dumps, decisions)))
    (folder / "outcomes.jsonl").write_bytes(b"\n".join(map(orjson.dumps, outcomes)))


def test_an_acceptance_in_the_window_is_1_and_silence_after_sending_is_0(command: Command) -> None:
    write(
        command.folder,
        [recommended(name, "call") for name in ("yes", "late", "no", "silent")]
        + [recommended("other", "do_nothing")],
        [
            outcome("yes", "accepted", 3.0),
            outcome("late", "sent", 1.0),
            outcome("late", "accepted", 15.0),
            outcome("no", "declined", 1.0),
            outcome("silent", "sent", 1.0),
            END,
        ],
    )
    found = command.replayed()
    assert (found["decisions"], found["left_out"], found["interval"]) == (5, {}, "always-valid")
    assert found["values"]["snips"]["estimate"] == pytest.approx(1 / 4)
    assert found["logged"]["estimate"] == pytest.approx(1 / 5)
    assert command.replayed("--window-days", "20")["values"]["snips"]["estimate"] == 0.5


def test_what_has_no_reward_is_left_out_and_counted(command: Command) -> None:
    write(
        command.folder,
        [
            recommended("yes", "call"),
            recommended("yes", "call"),  # again, after a crash
            recommended("never", "call"),
            recommended("bounced", "call"),
            recommended("open", "call", 50.0),
            recommended("held", "do_nothing", holdout=True),
        ],
        [
            outcome("yes", "accepted", 3.0),
            outcome("yes", "accepted", 4.0),
            outcome("bounced", "sent", 1.0),
            outcome("bounced", "failed", 1.0),
            outcome("open", "accepted", 51.0),
            outcome("foreign", "accepted", 51.0),
            outcome("held", "accepted", 1.0),
            {"type": "action.outcome", "data": "broken"},
            WRONG_CLOCK,
            END,
        ],
    )
    found = command.replayed()
    assert (found["decisions"], found["logged"]["estimate"]) == (1, 1.0)
    assert found["left_out"] == {
        "failed": 1,
        "holdout": 1,
        "not_sent": 1,
        "other_action": 1,
        "unknown_decision": 1,
        "unreadable": 1,
        "window_open": 1,
    }
    later = command.replayed("--until", "1970-03-06")
    assert (later["decisions"], later["left_out"].get("window_open")) == (2, None)


def test_a_line_that_is_no_recommendation_is_refused(command: Command) -> None:
    write(command.folder, [recommended("yes", "call"), END], [END])
    output = command.evaluate("--outcomes", "outcomes.jsonl", log="decisions.jsonl")
    assert (output.code, output.err) == (
        1,
        "touchstream: decisions.jsonl:2: want action.recommended, not 'action.outcome'\n",
    )


def test_money_is_the_value_of_the_first_acceptance(command: Command) -> None:
    money = {"value_minor": 4_900, "currency": "EUR"}
    write(
        command.folder,
        [recommended("yes", "call"), recommended("no", "call")],
        [
            outcome("yes", "accepted", 1.0, **money),
            outcome("yes", "accepted", 2.0, value_minor=100, currency="EUR"),
            outcome("no", "declined", 1.0),
            END,
        ],
    )
    found = command.replayed("--reward", "money")
    assert (found["currency"], found["values"]["snips"]["estimate"]) == ("EUR", 2_450.0)


COSTS = """
[[actions]]
name = "call"
channel = "phone"
value_minor = 1
cost_minor = 900
"""


def test_costs_are_subtracted_from_what_was_sent(command: Command) -> None:
    (command.folder / "own.toml").write_text(COSTS)
    write(
        command.folder,
        [recommended("yes", "call"), recommended("no", "call"), recommended("not", "do_nothing")],
        [
            outcome("yes", "accepted", 1.0, value_minor=4_900, currency="EUR"),
            outcome("no", "sent", 1.0),
            END,
        ],
    )
    found = command.replayed("--reward", "money", "--costs", "own.toml")
    assert found["values"]["snips"]["estimate"] == pytest.approx((4_900 - 900 - 900) / 2)
    assert found["logged"]["estimate"] == pytest.approx((4_900 - 900 - 900) / 3)


def test_an_action_without_a_cost_is_refused(command: Command) -> None:
    (command.folder / "own.toml").write_text(COSTS.replace('"call"', '"mail"'))
    write(command.folder, [recommended("yes", "call")], [outcome("yes", "sent", 1.0), END])
    more = ("--outcomes", "outcomes.jsonl", "--reward", "money", "--costs", "own.toml")
    output = command.evaluate(*more, log="decisions.jsonl")
    assert (output.code, output.err) == (
        1,
        "touchstream: own.toml: no cost of action 'call', which the log has\n",
    )


def test_costs_in_another_currency_are_refused(command: Command) -> None:
    (command.folder / "own.toml").write_text(COSTS + '[deciding]\ncurrency = "TRY"\n')
    yes = outcome("yes", "accepted", 1.0, value_minor=1, currency="EUR")
    write(command.folder, [recommended("yes", "call")], [yes, END])
    more = ("--outcomes", "outcomes.jsonl", "--reward", "money", "--costs", "own.toml")
    output = command.evaluate(*more, log="decisions.jsonl")
    assert output.code == 1
    assert "want values in one currency, not ['EUR', 'TRY']" in output.err


@pytest.mark.parametrize(
    ("outcomes", "line"),
    [
        (
            [outcome("yes", "accepted", 1.0), END],
            "outcomes.jsonl:1: accepted without value_minor and currency: --reward money needs "
            "both",
        ),
        (
            [
                outcome("yes", "accepted", 1.0, value_minor=1, currency="EUR"),
                outcome("no", "accepted", 1.0, value_minor=1, currency="USD"),
                END,
            ],
            "outcomes.jsonl: want values in one currency, not ['EUR', 'USD']",
        ),
    ],
    ids=["no_value", "currencies"],
)
def test_outcomes_without_a_value_are_refused(
    command: Command, outcomes: list[Row], line: str
) -> None:
    write(command.folder, [recommended("yes", "call"), recommended("no", "call")], outcomes)
    more = ("--outcomes", "outcomes.jsonl", "--reward", "money")
    output = command.evaluate(*more, log="decisions.jsonl")
    assert (output.code, output.out, output.err) == (1, "", f"touchstream: {line}\n")
