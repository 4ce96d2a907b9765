"""Cost of scoring and learning: ``python -m bench.learning``.

The default model, brought up on the ledger rows of a small world, then timed in this process on
one core, the best of five rounds. *score* goes from a vector as the ledger keeps it to the risk,
*learn* from a vector to the next weights, both as worker and learner do it: many rows at once.
*one by one* pays per row for the work that a batch shares. *snapshot* is the published version.
"""

import argparse
import base64
import timeit
from collections.abc import Callable, Sequence
from typing import NamedTuple

import orjson

from touchstream.agents.history.lines import parse_line
from touchstream.schemas.rules import ChurnRules, Rules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.simulator import START_MS, World
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.online import OnlineModel
from touchstream.streams.learn.scorer import Scorer
from touchstream.streams.learn.snapshot import ModelData, Version, seal
from touchstream.streams.local import LocalStream
from touchstream.streams.records import Record

MOST_SCORE_US, MOST_LEARN_US, MOST_SNAPSHOT_BYTES = 15.0, 60.0, 64 * 1024
BATCH = 500
ROUNDS = 5
RULES = Rules(churn=ChurnRules(horizon_days=14))


class Rows(NamedTuple):
    """Rows of a ledger, and the model that has learnt them."""

    model: ModelData
    vectors: Sequence[bytes]
    at_ms: Sequence[Millis]
    labels: Sequence[int]


def lived(customers: int = 300, days: int = 60) -> Rows:
    """A world through the core, a tick a day."""
    stream, offset = LocalStream(RULES), 0
    stream.tick(START_MS - 1)
    for day in World(1, customers, days).days():
        records = []
        for line in day.lines:
            value = line.to_bytes()
            key, received_ms = parse_line(value).key, Millis(line.received_ms)
            records.append(Record(offset, received_ms, key, value))
            offset += 1
        stream.feed(0, records)
        stream.tick(day.start_ms + DAY_MS)
    rows = stream.examples[-BATCH:]
    return Rows(
        stream.knowledge.churn.model,
        [base64.b64decode(row.vector) for row in rows],
        [row.at_ms for row in rows],
        [row.label for row in rows],
    )


def measure() -> dict[str, object]:
    """Microseconds a row, and bytes."""
    rows = lived()
    scorer, count = Scorer(rows.model), len(rows.vectors)
    weights = [RULES.churn.weight] * count

    def score_all() -> None:
        scorer.score_all([FEATURES.unpack(vector) for vector in rows.vectors], rows.at_ms)

    def learn_all() -> None:
        values = [FEATURES.unpack(vector) for vector in rows.vectors]
        OnlineModel(rows.model).learn_all(values, rows.at_ms, rows.labels, weights)

    def score_each() -> None:
        for vector, at_ms in zip(rows.vectors, rows.at_ms, strict=True):
            scorer.score(FEATURES.unpack(vector), at_ms)

    score_us, learn_us = _best_us(score_all, count), _best_us(learn_all, count)
    snapshot = len(seal(Version(models={"churn": rows.model})))
    return {
        "rows": count,
        "score_us": score_us,
        "score_met": score_us <= MOST_SCORE_US,
        "score_one_by_one_us": _best_us(score_each, count),
        "learn_us": learn_us,
        "learn_met": learn_us <= MOST_LEARN_US,
        "snapshot_bytes": snapshot,
        "snapshot_met": snapshot <= MOST_SNAPSHOT_BYTES,
    }


def _best_us(work: Callable[[], None], rows: int) -> float:
    return round(min(timeit.repeat(work, number=1, repeat=ROUNDS)) / rows * 1e6, 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    argparse.ArgumentParser(prog="python -m bench.learning", description=main.__doc__).parse_args(
        arguments
    )
    print(orjson.dumps(measure(), option=orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    main()
