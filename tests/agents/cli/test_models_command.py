"""What `touchstream models` refuses at the command line, and how it tells what it found."""

from pathlib import Path

import pytest

from tests.agents.cli.command import touchstream
from touchstream.agents.cli.models import _lines
from touchstream.agents.views.models import Contest, Kept, Overview, Standoff

OVERVIEW = Overview(
    newest=9,
    served=5,
    wanted=5,
    tick=40,
    versions=[
        Kept(5, "00aa", 31, 1_200, served=True, shards=["p0", "p1"]),
        Kept(9, "00bb", 40, 1_500, served=False, shards=[]),
    ],
    more=3,
    targets={
        "churn": Contest(
            champion="bayes",
            served="recency",
            fallen_back=True,
            examples=1_500,
            trials=[
                Standoff("logistic", 0, 0, None, 1.0, 1.0),
                Standoff("recency", 12, 900, 0.0123, 1.0, 0.04),
            ],
        ),
        "return": Contest("bayes", "bayes", fallen_back=False, examples=1_700, trials=[], own=900),
    },
)


def test_the_overview_in_lines() -> None:
    assert list(_lines(OVERVIEW)) == [
        "churn: bayes of 1,500 examples, fallen back to recency",
        "  against logistic: no round is closed yet",
        "  against recency: log loss +0.01230 over 12 rounds (900 examples), p 1 that it is not "
        "better, 0.04 that the rival is not",
        "return: bayes of 1,700 examples, 900 of them its own",
        "wanted: 5; newest: 9, learnt up to tick 40",
        "  (3 older ones: --limit)",
        "       5  00aa  tick 31, 1,200 examples  served  active on p0, p1",
        "       9  00bb  tick 40, 1,500 examples",
    ]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["serve", "latest"], "touchstream: VERSION='latest': want a number above 0, or newest\n"),
        (["serve", "0"], "touchstream: VERSION='0': want a number above 0, or newest\n"),
        (
            ["rebuild"],
            "touchstream: --without: want at least one customer, by the subject of their events\n",
        ),
        (["--json", "serve", "3"], "touchstream: options go behind serve\n"),
    ],
)
def test_bad_usage_ends_with_2_and_one_line(
    tmp_path: Path, arguments: list[str], line: str
) -> None:
    output = touchstream("models", *arguments, cwd=tmp_path)
    assert (output.code, output.err) == (2, line)
