"""`touchstream policy evaluate`: the worth of a policy from a CSV or from a replay's decisions."""

import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.agents.cli.command import Output
from touchstream.agents.cli.exits import exit_code
from touchstream.agents.cli.main import app
from touchstream.schemas.envelope import format_time
from touchstream.schemas.units import DAY_MS, Millis

CALL = 'kind = "constant"\naction = "call"\n'
HEADER = "customer,plan,action,propensity,reward\n"
LOG = HEADER + "".join(
    f"c{n},{'pro' if n % 3 else 'free'},{'call' if n % 2 else 'mail'},0.5,{int(n % 4 == 1)}\n"
    for n in range(400)
)
"""Half of the calls are accepted, and no mail."""


Row = dict[str, Any]


class Command:
    """Runs the command in this process, whose imports are done, in ``folder``."""

    def __init__(
        self, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self._patch = patch
        self._capture = capture
        patch.chdir(folder)

    def evaluate(self, *arguments: str, log: str = "log.csv", policy: str = CALL) -> Output:
        (self.folder / "policy.toml").write_text(policy)
        argv = ["touchstream", "policy", "evaluate", log, "--policy", "policy.toml", *arguments]
        self._patch.setattr(sys, "argv", argv)
        return Output(exit_code(app), *self._capture.readouterr())

    def values(self, *arguments: str, log: str = "log.csv", policy: str = CALL) -> Row:
        output = self.evaluate("--json", *arguments, log=log, policy=policy)
        assert (output.code, output.err) == (0, ""), output
        found: Row = json.loads(output.out)
        return found

    def replayed(self, *arguments: str) -> Row:
        more = ("--outcomes", "outcomes.jsonl", *arguments)
        return self.values(*more, log="decisions.jsonl", policy=CALL)


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path, monkeypatch, capfd)


@pytest.fixture
def csv(command: Command) -> Command:
    (command.folder / "log.csv").write_text(LOG)
    return command


def test_a_table_shows_every_estimator_beside_the_log_itself(csv: Command) -> None:
    output = csv.evaluate()
    assert (output.code, output.err) == (0, "")
    lines = [line.split() for line in output.out.splitlines()]
    assert [line[0] for line in lines[:6]] == ["estimator", "as", "replay", "ips", "snips", "dr"]
    assert lines[1][2] == "0.25"
    assert {line[1] for line in lines[2:5]} == {"0.5"}
    assert {line[5] for line in lines[2:5]} == {"+0.25"}
    assert output.out.splitlines()[6] == (
        "400 decisions of 400 customers, 2 actions; 95 % intervals by bootstrap over customers"
    )


def test_programs_read_one_object(csv: Command) -> None:
    found = csv.values()
    assert (found["decisions"], found["actions"]) == (400, ["call", "mail"])
    assert found["logged"]["estimate"] == 0.25
    for value in found["values"].values():
        assert value["estimate"] == pytest.approx(0.5, abs=0.001)
        assert value["low"] < 0.5 < value["high"]
        assert (value["n"], value["effective_n"]) == (400, 200.0)
    assert found["gains"]["snips"]["low"] > 0.0
    assert (found["cautions"], found["left_out"]) == ([], {})


@pytest.mark.parametrize(
    ("policy", "estimate"),
    [
        ('kind = "uniform"', 0.25),
        (
            'kind = "table"\ncolumn = "plan"\ndefault = "mail"\n[segments]\npro = "call"\n',
            132 / 400,
        ),
        (
            'kind = "table"\ncolumn = "plan"\n[segments]\nfree = "mail"\n'
            "pro = { call = 0.5, mail = 0.5 }\n",
            66 / 400,
        ),
        (
            'kind = "greedy"\n[arms.mail]\nintercept = 0.1\n'
            '[arms.call]\nweights = { "plan=pro" = 0.3 }\n',
            132 / 400,
        ),
    ],
    ids=["uniform", "table", "distribution", "greedy"],
)
def test_a_policy_of_every_kind_is_read(csv: Command, policy: str, estimate: float) -> None:
    found = csv.values(policy=policy)
    assert found["values"]["ips"]["estimate"] == pytest.approx(estimate, abs=0.01)


def test_a_gzipped_log_is_the_same_log(csv: Command) -> None:
    (csv.folder / "log.csv.gz").write_bytes(gzip.compress(LOG.encode()))
    assert csv.values(log="log.csv.gz") == csv.values()


@pytest.mark.parametrize(
    "damaged",
    [b"\x1f\x8bno gzip", gzip.compress(LOG.encode())[:-9], b"\xff\xfe\xfa"],
    ids=["magic", "cut_off", "not_text"],
)
def test_damaged_files_end_with_1_and_one_line(csv: Command, damaged: bytes) -> None:
    (csv.folder / "log.csv").write_bytes(damaged)
    output = csv.evaluate()
    assert (output.code, output.out, len(output.err.splitlines())) == (1, "", 1)
    assert output.err.startswith("touchstream: log.csv: ")


def test_the_always_valid_interval_is_wider_and_the_level_is_kept(csv: Command) -> None:
    def width(*arguments: str) -> float:
        found = csv.values(*arguments)["values"]["snips"]
        return float(found["high"] - found["low"])

    assert width("--interval", "always-valid") > width() > width("--level", "0.5")


def test_wrong_propensities_are_cautioned_against(csv: Command) -> None:
    (csv.folder / "log.csv").write_text(LOG.replace(",0.5,", ",0.9,"))
    assert csv.values()["cautions"] == [
        "the mean weight is 0.556, not 1: the propensities are not those of the log, or some "
        "could not be chosen"
    ]


def test_few_customers_and_equal_rewards_are_cautioned_against(csv: Command) -> None:
    mail = 'kind = "constant"\naction = "mail"\n'
    assert csv.values(policy=mail)["cautions"] == [
        "every decision of the policy had the reward 0: the intervals show none of the uncertainty"
    ]
    (csv.folder / "log.csv").write_text("".join(LOG.splitlines(keepends=True)[:61]))
    assert csv.evaluate().out.splitlines()[-1] == (
        "caution: 30 effective decisions, 60 customers: the intervals are a rough guide"
    )


@pytest.mark.parametrize(
    ("arguments", "policy", "line"),
    [
        (["--level", "1"], CALL, "--level=1: want a confidence, 0 < level < 1"),
        (["--interval", "t"], CALL, "--interval='t': want bootstrap or always-valid"),
        (["--reward-model", "t"], CALL, "--reward-model='t': want mean or ridge"),
        (["--reward", "t"], CALL, "--reward='t': want accepted or money"),
        (
            ["--reward", "money"],
            CALL,
            "--reward money: want --outcomes as well; a CSV has its rewards in a column",
        ),
        (["--outcomes", "none.jsonl"], CALL, "none.jsonl: no such file"),
        ([], "kind = ", "--policy: policy.toml: Invalid value (at end of document)"),
        ([], 'kind = "best"', "--policy: policy.toml: Invalid value 'best' - at `$.kind`"),
        (
            [],
            CALL + "fall_back = 1",
            "--policy: policy.toml: Object contains unknown field `fall_back`",
        ),
        (
            [],
            'kind = "table"\ncolumn = "plan"\n[segments]\npro = { call = 0.5 }\n',
            "--policy: policy.toml: segments.pro: want probabilities that sum to 1, not to 0.5",
        ),
    ],
    ids=["level", "interval", "model", "reward", "money", "file", "toml", "kind", "key", "sum"],
)
def test_a_bad_option_or_policy_ends_with_2_and_one_line(
    csv: Command, arguments: list[str], policy: str, line: str
) -> None:
    output = csv.evaluate(*arguments, policy=policy)
    assert (output.code, output.out, output.err) == (2, "", f"touchstream: {line}\n")


@pytest.mark.parametrize(
    ("log", "line"),
    [
        (
            "customer,action,reward\n",
            "log.csv: want a CSV with columns customer, action, propensity, reward (or the lines "
            "of next-best-action.jsonl, with --outcomes); missing: propensity",
        ),
        (HEADER, "log.csv: no decision with a known reward"),
        (HEADER + "a,pro,call,half,1\n", "log.csv:2: propensity='half': want a number"),
        (HEADER + "a,pro,call\n", "log.csv:2: want 5 columns, as in the header"),
        (HEADER + "a,pro,,0.5,1\n", "log.csv:2: action is empty"),
        (
            HEADER + "a,pro,call,2,1\n",
            "log.csv: decision 1: propensity=2.0: want 0 < propensity <= 1",
        ),
        (
            HEADER + "a,pro,mail,0.5,1\n",
            "no support: the policy puts 100 % of its probability on actions that the log could "
            "not choose: 'call' in 1 of 1 decisions",
        ),
    ],
    ids=["columns", "empty", "number", "short", "action", "range", "support"],
)
def test_a_log_that_cannot_tell_ends_with_1_and_one_line(
    command: Command, log: str, line: str
) -> None:
    (command.folder / "log.csv").write_text(log)
    output = command.evaluate()
    assert (output.code, output.out, output.err) == (1, "", f"touchstream: {line}\n")


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
