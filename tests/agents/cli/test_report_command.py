"""``touchstream report``: a page, or 2 and one line."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.agents.cli.command import Output, environ, touchstream
from touchstream.agents.replay.outputs import fingerprints

WITHOUT_MATPLOTLIB = (
    "import sys; sys.modules['matplotlib'] = None; sys.argv = ['touchstream', 'report', 'out']; "
    "from touchstream.agents.cli.main import run; run()"
)


@pytest.fixture
def replayed(tmp_path: Path) -> Path:
    """The least that a replay writes, in ``out``."""
    out = tmp_path / "out"
    out.mkdir()
    ended = {
        "records": {"in": 1},
        "dead_by_reason": {},
        "dropped_by_reason": {},
        "customers": 1,
        "ticks": 1,
        "models": None,
    }
    (out / "summary.json").write_bytes(orjson.dumps(ended))
    for name in ("scores", "churn-risk", "next-best-action", "customer-signals"):
        (out / f"{name}.jsonl").touch()
    score = b'{"customer":"a","time":"2026-01-01T00:00:00.000Z","risk":0.5,"version":1,"label":1}'
    (out / "scores.jsonl").write_bytes(score)
    return tmp_path


def test_the_page_lies_in_the_folder(replayed: Path) -> None:
    output = touchstream("report", "out", cwd=replayed)
    assert output == Output(0, "out/report.html\n", "")
    assert "None of 1 stayed" in (replayed / "out" / "report.html").read_text()


def test_the_page_lies_where_it_is_wanted_and_begins_on_the_day_wanted(replayed: Path) -> None:
    output = touchstream("report", "out", "--out", "p.html", "--from", "2026-01-02", cwd=replayed)
    assert output == Output(0, "p.html\n", "")
    assert "No customer was scored in this period." in (replayed / "p.html").read_text()


def test_files_of_two_runs_are_refused(replayed: Path) -> None:
    summary = replayed / "out" / "summary.json"
    ended = orjson.loads(summary.read_bytes())
    summary.write_bytes(orjson.dumps({**ended, "files": fingerprints(replayed / "out")}))
    assert touchstream("report", "out", cwd=replayed).code == 0
    (replayed / "out" / "scores.jsonl").write_bytes(b"")
    output = touchstream("report", "out", cwd=replayed)
    assert (output.code, output.err) == (
        2,
        "touchstream: DIR='out': want the folder of a replay: scores.jsonl: not of the run that "
        "wrote summary.json\n",
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["empty"],
            "touchstream: DIR='empty': want the folder of a replay: summary.json: "
            "No such file or directory\n",
        ),
        (
            ["nowhere"],
            "touchstream: DIR='nowhere': want the folder of a replay: summary.json: "
            "No such file or directory\n",
        ),
        (
            ["foreign"],
            "touchstream: DIR='foreign': want the folder of a replay: summary.json: "
            "Object missing required field `records`\n",
        ),
        (["out", "--from", "May"], "touchstream: --from='May': want a day such as 1997-10-01\n"),
        (
            ["out", "--out", "no/p.html"],
            "touchstream: --out='no/p.html': want a file to write: No such file or directory\n",
        ),
    ],
)
def test_what_the_caller_can_mend_ends_with_2_and_one_line(
    replayed: Path, arguments: list[str], line: str
) -> None:
    (replayed / "empty").mkdir()
    (replayed / "foreign").mkdir()
    (replayed / "foreign" / "summary.json").write_bytes(b"{}")
    assert touchstream("report", *arguments, cwd=replayed) == Output(2, "", line)


def test_a_missing_library_ends_with_2_and_names_the_extra(replayed: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WITHOUT_MATPLOTLIB],
        cwd=replayed,
        env=environ(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr.decode()) == (
        2,
        "touchstream: report needs matplotlib, which is not installed: "
        "pip install 'touchstream[report]'\n",
    )
