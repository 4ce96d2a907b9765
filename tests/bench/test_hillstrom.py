"""The e-mail test as a log of decisions: what `touchstream policy evaluate` makes of it."""

import csv
import io
from functools import cache
from pathlib import Path

import pytest

from bench.datasets.__main__ import main
from bench.datasets.folder import FOLDER_VARIABLE, DataMissing, data_folder
from bench.datasets.hillstrom import write_decisions
from touchstream.agents.evaluation.csv_log import read_csv
from touchstream.streams.decide.evaluation.evaluate import Evaluation, How, Policy, evaluate
from touchstream.streams.decide.evaluation.learnt import Learnt
from touchstream.streams.decide.evaluation.policies import Constant, Uniform

NAME = "hillstrom/hillstrom.csv.gz"
MENS, WOMENS, NONE = "Mens E-Mail", "Womens E-Mail", "No E-Mail"


@cache
def written() -> str:
    if not (data_folder() / NAME).is_file():
        pytest.skip(f"{data_folder() / NAME} is missing; set {FOLDER_VARIABLE}")
    out = io.StringIO()
    assert write_decisions("visit", out) == 31_776
    return out.getvalue()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("hillstrom") / "log.csv"
    file.write_text(written())
    return file


def evaluated(log: Path, policy: Policy) -> Evaluation:
    return evaluate(read_csv(log), policy)


def visit_rate(arm: str) -> float:
    """Counted without the estimators."""
    rows = [row for row in csv.DictReader(io.StringIO(written())) if row["action"] == arm]
    return sum(int(row["reward"]) for row in rows) / len(rows)


def test_a_row_is_a_customer_with_an_arm_of_probability_one_third() -> None:
    assert written().splitlines()[:2] == [
        "customer,recency,history_segment,history,mens,womens,zip_code,newbie,channel,action,"
        "propensity,reward",
        "1,6,3) $200 - $350,329.08,1,1,Rural,1,Web,No E-Mail,0.3333333333333333,0",
    ]


def test_the_mens_email_is_worth_it_and_no_email_is_not(log: Path) -> None:
    mens = evaluated(log, Constant(MENS))
    assert mens.logged.estimate == pytest.approx(0.1436, abs=1e-4)
    assert mens.values["replay"].estimate == pytest.approx(visit_rate(MENS))
    assert all(0.17 < value.low < 0.18 < value.high < 0.19 for value in mens.values.values())
    assert all(gain.low > 0.025 for gain in mens.gains.values())
    none = evaluated(log, Constant(NONE))
    assert none.values["snips"].estimate == pytest.approx(visit_rate(NONE))
    assert all(gain.high < -0.025 for gain in none.gains.values())


def test_the_womens_email_is_not_known_to_be_better_than_the_mixture(log: Path) -> None:
    gains = evaluated(log, Constant(WOMENS)).gains
    assert all(gain.low < 0.0 < gain.high for gain in gains.values())


def test_uniform_is_the_log_itself(log: Path) -> None:
    found = evaluated(log, Uniform())
    assert found.values["replay"] == found.logged
    assert found.mean_weight.estimate == pytest.approx(1.0)
    assert found.values["dr"].estimate == pytest.approx(found.logged.estimate, abs=5e-4)


def test_a_learnt_policy_is_no_worse_than_the_best_arm_by_more_than_two_standard_errors(
    log: Path,
) -> None:
    learnt = evaluate(read_csv(log), Learnt(), How(reward_model="ridge"))
    replay = learnt.values["replay"]
    standard_error = (replay.high - replay.low) / (2 * 1.96)
    assert replay.estimate > visit_rate(MENS) - 2 * standard_error
    assert all(gain.low > 0.025 for gain in learnt.gains.values())


def test_the_missing_data_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(DataMissing, match=r"hillstrom\.csv\.gz.*MineThatData.*TOUCHSTREAM_DATA"):
        write_decisions("visit", io.StringIO())
    assert main(["hillstrom"]) == 2
