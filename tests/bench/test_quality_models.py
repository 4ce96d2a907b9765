"""No model learns a label before it is known.

The planted leak: every four weeks each customer draws a new coin, and all labels of those weeks
equal it. The features name the customer and the coin, and nothing else. A model that
knows a label of these four weeks can predict the others; one that waits can only guess.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bench.quality.batch import LEAST_LABELS, REFIT_MS, Estimator, logistic, refitted, trees
from bench.quality.measures import measure
from bench.quality.models import ENSEMBLE, LOGISTIC, MODELS, OURS, PAIR, TREES, evaluate
from bench.quality.online import prequential, silence_rank
from bench.quality.rows import Floats, Ints, Rows
from touchstream.schemas.units import DAY_MS

CUSTOMERS, COIN_DAYS, COINS, ROWS_A_DAY = 16, 28, 4, 4
SINCE_MS = 42 * DAY_MS
"""In the middle of a coin's life: half of its labels lie before a refit, half after it."""
LEARNERS = [name for name in MODELS if name not in {OURS, "base-rate"}]


def coins(matures_after_days: int) -> Rows:
    chance = np.random.default_rng(7)
    moment, customer = np.divmod(
        np.arange(COINS * COIN_DAYS * ROWS_A_DAY * CUSTOMERS, dtype=np.int64), CUSTOMERS
    )
    at_ms = moment * (DAY_MS // ROWS_A_DAY)
    drawn = moment // (COIN_DAYS * ROWS_A_DAY) * CUSTOMERS + customer
    shows = chance.permuted(np.tile(np.arange(CUSTOMERS) % 2, (COINS, 1)), axis=1).ravel()
    named = chance.permutation(CUSTOMERS * COINS)[drawn]
    silence = (named / len(shows) * 8).astype(np.float32)  # a bin of the recency rule for each coin
    return Rows(
        customer=customer,
        at_ms=at_ms,
        matured_ms=at_ms + matures_after_days * DAY_MS,
        label=shows[drawn],
        probability=np.full(len(drawn), 0.5),
        version=np.ones(len(drawn), np.int64),
        open=np.ones(len(drawn), np.bool_),
        vector=np.column_stack([silence, np.eye(len(shows), dtype=np.float32)[drawn]]),
        names=("silence_days", *(f"coin_{number}" for number in range(len(shows)))),
        customers=tuple(map(str, range(CUSTOMERS))),
        seconds=0.0,
    )


def auc(name: str, rows: Rows) -> float:
    """Over the second half of each coin's life."""
    judged = (rows.at_ms >= SINCE_MS) & (rows.at_ms // DAY_MS % COIN_DAYS >= COIN_DAYS // 2)
    found = measure(rows.label[judged], MODELS[name](rows, SINCE_MS)[judged]).auc
    assert found is not None
    return found


@pytest.mark.parametrize("name", LEARNERS)
def test_a_label_that_has_not_matured_helps_nobody(name: str) -> None:
    assert auc(name, coins(matures_after_days=COIN_DAYS + 1)) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("name", LEARNERS)
def test_the_same_labels_known_at_once_give_the_coin_away(name: str) -> None:
    assert auc(name, coins(matures_after_days=0)) > 0.9


class Recording:
    """Remembers the rows (numbered by their first value) that it was shown."""

    def __init__(self, seen: list[tuple[list[float], list[float]]]) -> None:
        self._seen = seen

    def fit(self, x: Floats, y: Ints) -> "Recording":
        self._fitted = x[:, 0].tolist()
        return self

    def predict_proba(self, x: Floats) -> Floats:
        self._seen.append((self._fitted, x[:, 0].tolist()))
        return np.full((len(x), 2), 0.5)


def test_each_refit_learns_all_that_is_known_and_speaks_for_four_weeks() -> None:
    rows = coins(matures_after_days=7)
    rows = replace(rows, vector=np.arange(len(rows), dtype=np.float32)[:, None])
    seen: list[tuple[list[float], list[float]]] = []
    refitted(rows, SINCE_MS, lambda: Recording(seen))
    moments = range(SINCE_MS, int(rows.at_ms.max()) + 1, REFIT_MS)
    assert seen == [
        (
            np.flatnonzero(rows.matured_ms <= at).tolist(),
            np.flatnonzero((rows.at_ms >= at) & (rows.at_ms < at + REFIT_MS)).tolist(),
        )
        for at in moments
    ]
    assert len(seen) == 3


def test_rows_before_the_first_moment_are_not_said() -> None:
    rows = coins(matures_after_days=7)
    for name in LEARNERS:
        unsaid = np.isnan(MODELS[name](rows, SINCE_MS))
        assert unsaid.tolist() == (rows.at_ms < SINCE_MS).tolist(), name


@pytest.mark.parametrize("make", [logistic, trees])
def test_a_column_that_was_never_filled_is_left_out(make: Callable[[], Estimator]) -> None:
    rows = coins(matures_after_days=0)
    empty = np.full((len(rows), 1), np.nan, np.float32)
    wider = replace(rows, vector=np.column_stack([rows.vector, empty]))
    np.testing.assert_array_equal(refitted(wider, SINCE_MS, make), refitted(rows, SINCE_MS, make))


def test_with_too_few_labels_the_base_rate_is_said() -> None:
    rows = coins(matures_after_days=0)
    few = rows.take(np.arange(2 * LEAST_LABELS - 1))
    predicted = refitted(few, int(few.at_ms[-1]), logistic)
    known = few.label[few.matured_ms <= few.at_ms[-1]]
    assert predicted[-1] == pytest.approx((known.sum() + 1) / (len(known) + 2))


def test_rows_are_learnt_in_the_order_of_maturing_between_the_scores() -> None:
    a_day = CUSTOMERS * ROWS_A_DAY
    rows = coins(matures_after_days=1).take(np.array([0, a_day, 2 * a_day]))
    story: list[tuple[str, int]] = []

    def say(row: int) -> float:
        story.append(("say", row))
        return 0.5

    prequential(rows, 0, lambda row: story.append(("learn", row)), say)
    assert story == [("say", 0), ("learn", 0), ("say", 1), ("learn", 1), ("say", 2)]


def test_silence_ranks_who_was_never_active_highest() -> None:
    rows = coins(matures_after_days=0).take(np.arange(3))
    rows.vector[:, 0] = [np.nan, 1.0, 2.0]
    assert silence_rank(rows).argsort().tolist() == [1, 2, 0]


def test_the_pair_takes_the_better_and_the_ensemble_the_mean() -> None:
    rows = coins(matures_after_days=COIN_DAYS)
    judged = rows.at_ms >= SINCE_MS
    found = {one.model: one.measures for one in evaluate(rows, SINCE_MS, (OURS, PAIR, ENSEMBLE))}
    assert found[PAIR].auc == max(found[LOGISTIC].auc or 0, found[TREES].auc or 0)
    assert found[PAIR].ece == min(found[LOGISTIC].ece or 1, found[TREES].ece or 1)
    both = [refitted(rows, SINCE_MS, make)[judged] for make in (logistic, trees)]
    assert found[ENSEMBLE] == measure(rows.label[judged], (both[0] + both[1]) / 2)
