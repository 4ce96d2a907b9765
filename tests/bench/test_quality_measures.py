"""The measures of the quality table; ``tests/agents/test_report.py`` has the oracle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.quality.measures import Measures, better, measure
from bench.quality.rows import Floats, Ints
from bench.scores import Scored, quality

SAID = st.tuples(st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.9, 1.0]), st.integers(0, 1))
BOTH = st.lists(SAID, min_size=2, max_size=60).filter(
    lambda predicted: len({y for _, y in predicted}) > 1
)


def arrays(predicted: list[tuple[float, int]]) -> tuple[Ints, Floats]:
    return np.array([y for _, y in predicted]), np.array([p for p, _ in predicted])


@given(BOTH)
def test_they_are_those_of_bench_scores(predicted: list[tuple[float, int]]) -> None:
    found = measure(*arrays(predicted))
    output = quality(Scored(risk, label) for risk, label in predicted)
    assert (found.n, found.auc, found.ap_label_1, found.ap_label_0) == (
        output.n,
        output.roc_auc,
        output.average_precision_leaves,
        output.average_precision_buys,
    )


def test_every_measure_stands_under_its_name() -> None:
    assert measure(np.array([0, 1, 1]), np.array([0.9, 0.6, 0.2])) == pytest.approx(
        Measures(
            n=3,
            base_rate=2 / 3,
            auc=0.0,
            ap_label_0=1 / 3,
            ap_label_1=7 / 12,
            log_loss=1.474283,
            brier=0.536667,
            ece=0.7,
        ),
        abs=1e-6,
    )


def test_a_certain_mistake_costs_much_but_not_everything() -> None:
    assert measure(np.array([1]), np.array([0.0])).log_loss == pytest.approx(13.8155, abs=1e-4)


def test_a_rank_orders_where_the_risk_does_not() -> None:
    label, risk = np.array([1, 0]), np.array([0.5, 0.5])
    assert measure(label, risk).auc == 0.5
    assert measure(label, risk, rank=np.array([2.0, 1.0])).auc == 1.0


def test_one_class_alone_has_no_auc() -> None:
    found = measure(np.array([0, 0]), np.array([0.2, 0.4]))
    assert (found.auc, found.ap_label_1, found.ap_label_0) == (None, None, 1.0)


def test_no_rows_have_no_measures() -> None:
    found = measure(np.array([], np.int64), np.array([]))
    assert found == Measures(0, None, None, None, None, None, None, None)


def test_the_better_of_two_is_taken_measure_by_measure() -> None:
    one = Measures(
        9, 0.5, auc=0.8, ap_label_0=0.3, ap_label_1=0.9, log_loss=0.5, brier=0.2, ece=0.01
    )
    other = Measures(
        9, 0.5, auc=0.7, ap_label_0=0.4, ap_label_1=0.9, log_loss=0.4, brier=0.3, ece=None
    )
    assert better(one, other) == Measures(
        9, 0.5, auc=0.8, ap_label_0=0.4, ap_label_1=0.9, log_loss=0.4, brier=0.2, ece=0.01
    )
