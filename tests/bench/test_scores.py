"""The measures of a replay against scikit-learn, ties included."""

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from bench.scores import Scored, main, matured, quality

SAID = st.builds(Scored, st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.integers(0, 1))
BOTH = st.lists(SAID, min_size=2, max_size=40).filter(
    lambda predicted: len({s.label for s in predicted}) > 1
)


@given(BOTH)
def test_roc_auc_is_that_of_scikit_learn(predicted: list[Scored]) -> None:
    expected = roc_auc_score([s.label for s in predicted], [s.risk for s in predicted])
    assert quality(predicted).roc_auc == pytest.approx(expected)


@given(BOTH)
def test_average_precision_of_leaving_is_that_of_scikit_learn(predicted: list[Scored]) -> None:
    expected = average_precision_score([s.label for s in predicted], [s.risk for s in predicted])
    assert quality(predicted).average_precision_leaves == pytest.approx(expected)


@given(BOTH)
def test_average_precision_of_buying_ranks_by_one_minus_risk(predicted: list[Scored]) -> None:
    expected = average_precision_score(
        [1 - s.label for s in predicted], [1 - s.risk for s in predicted]
    )
    assert quality(predicted).average_precision_buys == pytest.approx(expected)


def test_what_has_no_label_yet_is_left_out(tmp_path: Path) -> None:
    scores = _written(tmp_path, ("1997-10-01", 0.5, None), ("1997-10-01", 0.25, 1))
    assert list(matured(scores, "1997-01-01")) == [Scored(0.25, 1)]


def test_what_was_said_before_the_first_day_is_left_out(tmp_path: Path) -> None:
    scores = _written(tmp_path, ("1997-09-30", 0.5, 0), ("1997-10-01", 0.25, 1))
    assert list(matured(scores, "1997-10-01")) == [Scored(0.25, 1)]


def test_open_customers_come_first_and_all_of_them_are_marked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _written(tmp_path, ("1997-10-01", 0.6, 1), ("1997-10-01", 0.7, 0))
    (tmp_path / "scores.jsonl").rename(tmp_path / "open")
    _written(tmp_path, ("1997-10-01", 0.1, 0), ("1997-10-01", 0.05, 0))
    (tmp_path / "scores.jsonl").rename(tmp_path / "scores-return.jsonl")
    (tmp_path / "open").rename(tmp_path / "scores.jsonl")
    assert main([str(tmp_path)]) == 0
    remaining, everybody = map(orjson.loads, capsys.readouterr().out.splitlines())
    assert (remaining["rows"], remaining["n"], remaining["roc_auc"]) == ("open customers", 2, 0.0)
    # Two customers who did not come back, as 1 - 0.1 and 1 - 0.05, of label 1.
    assert everybody["rows"] == "all customers, flattered by those who are gone"
    assert (everybody["n"], everybody["churned"], everybody["roc_auc"]) == (4, 3, 0.6667)


def test_a_folder_without_scores_is_bad_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 2
    assert "want the folder of a replay" in capsys.readouterr().err


def _written(folder: Path, *rows: tuple[str, float, int | None]) -> Path:
    scores = folder / "scores.jsonl"
    output = [
        {"customer": "ada", "time": f"{day}T00:00:00.000Z", "risk": risk, "label": label}
        for day, risk, label in rows
    ]
    scores.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in output))
    return scores
