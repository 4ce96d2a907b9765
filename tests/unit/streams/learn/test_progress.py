import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.streams.learn.progress import Measures, Tally, average_precision


def measured(*emitted: tuple[float, int]) -> Measures:
    tally = Tally()
    for risk, label in emitted:
        tally.add(risk, label)
    return tally.measures()


def test_before_the_first_label_nothing_is_measured() -> None:
    assert measured() == Measures(0, None, None, None, None, None, None, None)


def test_a_perfect_ranking_has_an_auc_of_one() -> None:
    assert measured((0.1, 0), (0.2, 0), (0.9, 1)).roc_auc == 1.0


def test_scores_of_one_bin_are_ties_and_count_half() -> None:
    assert measured((0.5001, 0), (0.5002, 1)).roc_auc == 0.5


def test_with_one_kind_of_label_there_is_no_auc() -> None:
    found = measured((0.1, 1), (0.2, 1))
    assert (found.roc_auc, found.average_precision_stays) == (None, None)


def test_a_certain_mistake_costs_a_finite_log_loss() -> None:
    assert measured((1.0, 0)).log_loss == pytest.approx(13.8155, abs=1e-4)


def test_calibration_is_the_mean_gap_over_tenths_of_risk() -> None:
    found = measured((0.15, 0), (0.15, 1), (0.95, 1))
    assert found.ece == pytest.approx((abs(0.3 - 1) + abs(0.95 - 1)) / 3)


def test_a_rank_orders_scores_that_the_risk_does_not() -> None:
    tally = Tally()
    tally.add(0.5, 0, rank=0.2)
    tally.add(0.5, 1, rank=0.8)
    assert tally.measures().roc_auc == 1.0


def test_without_a_positive_there_is_no_precision() -> None:
    assert average_precision([(0, 3)]) is None


ROUND = st.lists(st.tuples(st.integers(0, 999), st.integers(0, 1)), min_size=1, max_size=30)


def tally(scores: list[tuple[int, int]]) -> Tally:
    """Risks in the middle of a bin: at an edge, 1 - risk may fall into the neighbour."""
    found = Tally()
    for place, label in scores:
        found.add((place + 0.5) / 1000, label)
    return found


@given(ROUND)
def test_the_opposite_question_is_1_minus_risk_with_the_other_label(
    scores: list[tuple[int, int]],
) -> None:
    opposite = tally([(999 - place, 1 - label) for place, label in scores]).measures()
    assert tally(scores).mirrored().measures() == pytest.approx(opposite)


@given(ROUND, ROUND)
def test_two_tallies_together_are_the_tally_of_all_scores(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    together = tally(one).plus(tally(other)).measures()
    assert together == pytest.approx(tally([*one, *other]).measures())


def test_adding_two_tallies_changes_neither() -> None:
    one, other = tally([(100, 1)]), tally([(200, 0)])
    one.plus(other)
    assert (one, other) == (tally([(100, 1)]), tally([(200, 0)]))
