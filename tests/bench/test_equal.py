from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.equal import LEFT_OUT, differences, main

RISK = '{"id":"r1","subject":"c1","sequence":"p0:0000000000000001"}'
LETTER = '{"reason":"bad_json","partition":0,"offset":7}'


def folder(place: Path, **files: str) -> Path:
    place.mkdir()
    given: Mapping[str, str] = {
        name.replace("_", "-") + ".jsonl": text for name, text in files.items()
    }
    for name in LEFT_OUT:
        (place / name).write_text(given.get(name, ""))
    return place


def test_lines_in_another_order_are_the_same(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", scores='{"risk":0.1}\n{"risk":0.2}\n')
    other = folder(tmp_path / "other", scores='{"risk":0.2}\n{"risk":0.1}\n')
    assert differences(one, other) == []


def test_a_line_told_twice_is_a_difference(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", scores='{"risk":0.1}\n')
    other = folder(tmp_path / "other", scores='{"risk":0.1}\n{"risk":0.1}\n')
    [output] = differences(one, other)
    assert output.startswith("scores.jsonl: 1 and 2 lines")


@pytest.mark.parametrize(
    ("name", "line", "changed"),
    [
        ("churn_risk", RISK, RISK.replace("p0:0000000000000001", "p3:0000000000000009")),
        ("dead_letters", LETTER, LETTER.replace('"offset":7', '"offset":9')),
        ("dead_letters", LETTER, LETTER.replace('"partition":0', '"partition":3')),
    ],
)
def test_what_names_the_run_is_left_out(tmp_path: Path, name: str, line: str, changed: str) -> None:
    one = folder(tmp_path / "one", **{name: line + "\n"})
    other = folder(tmp_path / "other", **{name: changed + "\n"})
    assert differences(one, other) == []


@pytest.mark.parametrize(
    ("name", "line", "changed"),
    [
        ("churn_risk", RISK, RISK.replace("r1", "r2")),
        ("dead_letters", LETTER, LETTER.replace("bad_json", "too_large")),
        ("profiles", '{"sequence":1}', '{"sequence":2}'),
    ],
)
def test_everything_else_counts(tmp_path: Path, name: str, line: str, changed: str) -> None:
    one = folder(tmp_path / "one", **{name: line + "\n"})
    other = folder(tmp_path / "other", **{name: changed + "\n"})
    assert len(differences(one, other)) == 1


@pytest.mark.parametrize("changed", ['{"risk":0.2}\n', None])
def test_the_scores_of_a_further_target_count(tmp_path: Path, changed: str | None) -> None:
    one, other = folder(tmp_path / "one"), folder(tmp_path / "other")
    (one / "scores-back.jsonl").write_text('{"risk":0.1}\n')
    if changed is not None:
        (other / "scores-back.jsonl").write_text(changed)
    [output] = differences(one, other)
    assert output.startswith("scores-back.jsonl: 1 and ")


def test_the_command_ends_with_1_where_runs_differ(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", scores='{"risk":0.1}\n')
    other = folder(tmp_path / "other")
    assert main([str(one), str(other)]) == 1
    assert main([str(one), str(one)]) == 0
