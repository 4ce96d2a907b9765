"""A feature that would reveal the future, if anything of the future leaked into the ledger.

The last survey's mark is that feature. The world's own answers are taken out, and around each
midnight T on which a customer's row is written, two are put in:

- an hour before T a coin toss, which carries no information;
- after T, the departure within the horizon from T (0 or 1): for half of the customers with the true
  time, for the others written late, as if it had been known half an hour before T.

So at T the honest mark is the coin. A row that is built from anything received later (by the
events' own times, at the moment the label matures, from a state that has moved on) shows the
answer.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from math import isnan

from bench.validity.finding import Finding
from bench.validity.life import Edit, Row
from bench.validity.measures import CHANCE, auc, chance_error
from touchstream.schemas.registry import ACTIVITY_BY_DEFAULT
from touchstream.schemas.rules import ChurnRules, Rules
from touchstream.schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, Millis
from touchstream.simulator import CustomerTruth, Day, Line
from touchstream.simulator.event_log import time_text
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.snapshot_day import next_snapshot_day_ms

FEATURE = "survey_score"
ANSWERED = "survey.answered"
RULES = Rules(
    churn=ChurnRules(activity=tuple(kind for kind in ACTIVITY_BY_DEFAULT if kind != ANSWERED))
)
"""The planted event is no sign of life: otherwise it would change the labels that it reveals."""

COIN_BEFORE_MS = HOUR_MS
WRITTEN_BEFORE_MS = 30 * MINUTE_MS
TOLD_AFTER_MS = 6 * HOUR_MS
ERRORS = 3.0
"""Standard errors from 0.5 that still count as chance."""


def leakage(rows: Sequence[Row], answers: Mapping[tuple[str, int], int]) -> Finding:
    """ROC AUC of the planted feature alone, as the ledger's own vectors have it.

    Parameters
    ----------
    answers
        (customer, midnight) -> the answer planted after it; see :func:`answers_of`.
    """
    present = [row for row in rows if row.present]
    left = [int(row.left) for row in present]
    place = FEATURES.names.index(FEATURE)
    values = [row.values[place] for row in present]
    known = [CHANCE if isnan(mark) else mark for mark in values]  # no answer yet
    achieved, error = auc(known, left), chance_error(known, left)
    shown = [float(answers[row.customer, row.day_ms]) for row in present]
    return Finding(
        "leakage",
        met=abs(achieved - CHANCE) <= ERRORS * error,
        wanted=f"0.5 +- {ERRORS} standard errors",
        numbers={
            "rows": len(present),
            "left": sum(left),
            "auc": achieved,
            "standard_error": error,
            "auc_if_leaked": auc(shown, left),
            "auc_if_leaked_ledger": auc(shown, [row.example.label for row in present]),
        },
    )


def answers_of(
    truths: Sequence[CustomerTruth], until_ms: int, rules: ChurnRules
) -> dict[tuple[str, int], int]:
    """(Customer, own midnight before departure) -> 1 if they leave within the horizon."""
    answers = {}
    for truth in truths:
        end_ms = until_ms if truth.churned_at is None else truth.churned_at
        at_ms = next_snapshot_day_ms(
            truth.customer, Millis(truth.started_at), rules.snapshot_every_days
        )
        while at_ms < end_ms:
            leaves = truth.churned_at is not None
            near = end_ms <= at_ms + rules.horizon_days * DAY_MS
            answers[truth.customer, int(at_ms)] = int(leaves and near)
            at_ms = next_snapshot_day_ms(truth.customer, at_ms, rules.snapshot_every_days)
    return answers


def planted(answers: Mapping[tuple[str, int], int], seed: int) -> Edit:
    """Take the world's own answers out and put the coins and the answers in."""
    lines: dict[int, list[Line]] = {}
    for (customer, at_ms), answer in answers.items():
        coin = random.Random(f"{seed}|{customer}|{at_ms}").randrange(2)
        told_ms = at_ms + TOLD_AFTER_MS
        written_late = customer.endswith(tuple("02468"))
        time_ms = at_ms - WRITTEN_BEFORE_MS if written_late else told_ms
        for line in (
            _answered(customer, at_ms - COIN_BEFORE_MS, at_ms - COIN_BEFORE_MS, coin),
            _answered(customer, time_ms, told_ms, answer),
        ):
            lines.setdefault(line.received_ms // DAY_MS, []).append(line)

    def edit(day: Day) -> list[Line]:
        ours = lines.pop(day.start_ms // DAY_MS, [])
        return sorted([*_without_answers(day.lines), *ours], key=lambda line: line.received_ms)

    return edit


def _without_answers(lines: Sequence[Line]) -> Iterator[Line]:
    for line in lines:
        if isinstance(line.event, bytes) or line.event["type"] != ANSWERED:
            yield line


def _answered(customer: str, time_ms: int, received_ms: int, mark: int) -> Line:
    return Line(
        received_ms,
        {
            "specversion": "1.0",
            "id": f"{customer}-{time_ms}-{received_ms}",
            "source": "world/planted",
            "type": ANSWERED,
            "subject": customer,
            "time": time_text(time_ms),
            "receivedtime": time_text(received_ms),
            "data": {"survey": "planted", "kind": "csat", "score": mark, "score_max": 1},
        },
    )
