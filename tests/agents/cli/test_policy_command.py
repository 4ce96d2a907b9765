"""`touchstream policy evaluate`: the worth of a policy from a CSV."""

import gzip
from pathlib import Path

import pytest

from tests.agents.cli.evaluating import CALL, Command

HEADER = "customer,plan,action,propensity,reward\n"
LOG = HEADER + "".join(
    f"c{n},{'pro' if n % 3 else 'free'},{'call' if n % 2 else 'mail'},0.5,{int(n % 4 == 1)}\n"
    for n in range(400)
)
"""Half of the calls are accepted, and no mail."""


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


def test_probabilities_in_columns_are_a_policy_for_each_row(csv: Command) -> None:
    rows = LOG.splitlines()
    given = [f"{rows[0]},p:call,p:mail", *(f"{row},0.25,0.75" for row in rows[1:])]
    (csv.folder / "log.csv").write_text("\n".join(given) + "\n")
    found = csv.values(policy=None)
    assert found["values"]["snips"]["estimate"] == pytest.approx(0.125)
    assert found["actions"] == ["call", "mail"]
    named = csv.values("--reward-model", "ridge")
    assert named["values"]["snips"]["estimate"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ("", "columns p:ACTION"),
        (",p:call,p:mail", "not a probability distribution: {'call': 0.25, 'mail': 0.5}"),
        (",p:call,p:gift", "no support: the policy puts 50 % of its probability on actions"),
    ],
    ids=["none", "sum", "support"],
)
def test_columns_that_are_no_policy_are_refused(csv: Command, columns: str, error: str) -> None:
    rows = LOG.splitlines()
    shares = {"": "", ",p:call,p:mail": ",0.25,0.5", ",p:call,p:gift": ",0.5,0.5"}[columns]
    given = [rows[0] + columns, *(row + shares for row in rows[1:])]
    (csv.folder / "log.csv").write_text("\n".join(given) + "\n")
    output = csv.evaluate(policy=None)
    assert output.code == 1
    assert error in output.err


def test_a_policy_is_learnt_from_the_log(csv: Command) -> None:
    found = csv.values(policy='kind = "learnt"')
    assert found["values"]["snips"]["estimate"] == pytest.approx(0.5, abs=0.01)
    assert found["chosen"] == {"call": 1.0}
    later = csv.values("--interval", "always-valid", policy='kind = "learnt"\nfirst = 0.75')
    assert later["decisions"] == 100


def test_a_log_that_teaches_too_little_is_refused(csv: Command) -> None:
    (csv.folder / "log.csv").write_text("\n".join(LOG.splitlines()[:9]) + "\n")
    output = csv.evaluate(policy='kind = "learnt"')
    assert output.code == 1
    assert "too few decisions to learn from" in output.err
