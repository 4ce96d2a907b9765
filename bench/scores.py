"""Quality of the scores of a replay: ``python -m bench.scores DIR [--from 1997-10-01]``.

The first line is of open customers (``scores.jsonl``); the second of all, with those whose relation
was over (``scores-return.jsonl``, 1 - probability as their risk). These are easy to tell, so that
the second line flatters. Every risk precedes its label. *Leaves* takes churn (label 1) as the
positive class and ranks by risk; *buys* takes label 0 and ranks by 1 - risk. Scores that are equal
are ties: average precision takes them together, ROC AUC counts them half. Predictions of the
untrained model (version 0) count too.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import orjson

from touchstream.streams.learn.progress import average_precision, roc_auc

BAD_USAGE = 2
OPEN = "open customers"
ALL = "all customers, flattered by those who are gone"
EVER = "0001-01-01"


class Quality(NamedTuple):
    """Measures over the matured scores of a file."""

    n: int
    churned: int
    roc_auc: float | None
    average_precision_leaves: float | None
    average_precision_buys: float | None


class Scored(NamedTuple):
    """A risk and its label."""

    risk: float
    label: int


def quality(scored: Iterable[Scored]) -> Quality:
    """Exact measures, no bins.

    >>> quality([Scored(0.9, 1), Scored(0.2, 0), Scored(0.6, 0), Scored(0.5, 1)]).roc_auc
    0.75
    """
    ranked = sorted(scored, reverse=True)
    leaves = [_counts(group) for _, group in groupby(ranked, key=lambda one: one.risk)]
    return Quality(
        n=len(ranked),
        churned=sum(one.label for one in ranked),
        roc_auc=roc_auc(leaves),
        average_precision_leaves=average_precision(leaves),
        average_precision_buys=average_precision([(b, a) for a, b in reversed(leaves)]),
    )


def matured(scores: Path, since: str) -> Iterable[Scored]:
    """The scores of ``since`` (RFC 3339, UTC) and later that have a label."""
    with scores.open("rb") as lines:
        for line in lines:
            row = orjson.loads(line)
            if row["label"] is not None and row["time"] >= since:
                yield Scored(row["risk"], row["label"])


def gone(scores: Path, since: str) -> Iterable[Scored]:
    """The scores of customers whose relation was over, as risks of not coming back."""
    for one in matured(scores, since):
        yield Scored(1 - one.risk, 1 - one.label)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the measures as JSON lines; 2 if there are no scores."""
    parser = argparse.ArgumentParser(prog="python -m bench.scores", description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of replay --out")
    parser.add_argument(
        "--from", dest="since", type=_day, default=EVER, help="first day, 1997-10-01"
    )
    chosen = parser.parse_args(arguments)
    try:
        remaining = list(matured(chosen.folder / "scores.jsonl", chosen.since))
    except FileNotFoundError as missing:
        print(f"{missing.filename}: want the folder of a replay", file=sys.stderr)
        return BAD_USAGE
    _print(OPEN, remaining)
    over = chosen.folder / "scores-return.jsonl"
    if over.exists():
        _print(ALL, [*remaining, *gone(over, chosen.since)])
    return 0


def _print(rows: str, scored: Iterable[Scored]) -> None:
    found = quality(scored)._asdict()
    rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in found.items()}
    print(orjson.dumps({"rows": rows, **rounded}).decode())


def _day(text: str) -> str:
    return datetime.fromisoformat(text).date().isoformat()


def _counts(group: Iterable[Scored]) -> tuple[int, int]:
    labels = [one.label for one in group]
    return sum(labels), len(labels) - sum(labels)


if __name__ == "__main__":
    sys.exit(main())
