from math import exp

import msgspec
import numpy as np
import pytest

from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.learn.between_customer_variance import (
    LARGEST,
    MOST_CUSTOMERS,
    BetweenCustomerVariance,
)

HORIZON_MS = 28 * DAY_MS


def simulated(variance: float, customers: int = 300, windows: int = 160, seed: int = 1) -> float:
    """Customers whose own log-odds lie around what is said of them, with this variance."""
    chance, between_customer_variance = np.random.default_rng(seed), BetweenCustomerVariance()
    own = chance.normal(0, variance**0.5, size=customers)
    for window in range(windows):
        for customer in range(customers):
            predictions = float(chance.normal(0, 0.7))
            true = 1 / (1 + exp(-predictions - float(own[customer])))
            between_customer_variance.add(
                f"c{customer}",
                Millis(window * HORIZON_MS),
                1 / (1 + exp(-predictions)),
                int(chance.random() < true),
                HORIZON_MS,
            )
    return between_customer_variance.variance()


@pytest.mark.parametrize("variance", [0.1, 0.3])
def test_a_small_variance_of_customers_is_recovered(variance: float) -> None:
    assert simulated(variance) == pytest.approx(variance, rel=0.25)


def test_a_large_variance_is_told_too_small_and_never_too_large() -> None:
    assert 0.6 < simulated(1.0) < 1.0  # to first order only: a sigmoid flattens out


def test_customers_who_are_what_is_said_of_them_have_none() -> None:
    assert simulated(0.0) < 0.02


def test_a_pair_is_the_product_of_residuals_over_that_of_spreads() -> None:
    between_customer_variance = BetweenCustomerVariance()
    between_customer_variance.add("ada", Millis(0), 0.25, 1, HORIZON_MS)
    between_customer_variance.add("ada", Millis(HORIZON_MS), 0.5, 1, HORIZON_MS)
    assert (between_customer_variance.products, between_customer_variance.weights) == (
        0.75 * 0.5,
        0.1875 * 0.25,
    )
    assert between_customer_variance.variance() == pytest.approx(0.375 / (0.046875 + 5))


def test_windows_that_overlap_make_no_pair() -> None:
    between_customer_variance = BetweenCustomerVariance()
    between_customer_variance.add("ada", Millis(0), 0.25, 1, HORIZON_MS)
    between_customer_variance.add("ada", Millis(HORIZON_MS - 1), 0.5, 1, HORIZON_MS)
    assert (between_customer_variance.products, between_customer_variance.weights) == (0.0, 0.0)
    assert between_customer_variance.last["ada"][0] == 0


def test_two_customers_make_no_pair() -> None:
    between_customer_variance = BetweenCustomerVariance()
    between_customer_variance.add("ada", Millis(0), 0.25, 1, HORIZON_MS)
    between_customer_variance.add("bob", Millis(HORIZON_MS), 0.5, 1, HORIZON_MS)
    assert between_customer_variance.weights == 0.0


def test_a_thousand_customers_are_remembered_at_a_time() -> None:
    between_customer_variance = BetweenCustomerVariance()
    for number in range(MOST_CUSTOMERS + 1):
        between_customer_variance.add(f"c{number}", Millis(0), 0.5, 1, HORIZON_MS)
    assert len(between_customer_variance.last) == 1_000


def full() -> BetweenCustomerVariance:
    between_customer_variance = BetweenCustomerVariance()
    for number in range(MOST_CUSTOMERS):
        between_customer_variance.add(f"c{number}", Millis(0), 0.5, 1, HORIZON_MS)
    return between_customer_variance


def test_a_customer_with_a_pair_gives_the_place_to_the_next() -> None:
    between_customer_variance = full()
    between_customer_variance.add("c7", Millis(HORIZON_MS), 0.5, 1, HORIZON_MS)
    assert between_customer_variance.products == 0.25
    between_customer_variance.add("new", Millis(HORIZON_MS), 0.5, 1, HORIZON_MS)
    assert len(between_customer_variance.last) == MOST_CUSTOMERS
    assert "c7" not in between_customer_variance.last
    assert between_customer_variance.last["new"] == (HORIZON_MS, 0.5, 0.25)


def test_as_long_as_there_is_room_every_customer_keeps_the_place() -> None:
    between_customer_variance = BetweenCustomerVariance()
    for window in range(3):
        between_customer_variance.add("ada", Millis(window * HORIZON_MS), 0.5, 1, HORIZON_MS)
    assert between_customer_variance.products == 0.25 + 0.25
    assert list(between_customer_variance.last) == ["ada"]


def test_who_never_comes_again_makes_room_after_two_horizons() -> None:
    between_customer_variance = full()
    between_customer_variance.add("early", Millis(2 * HORIZON_MS - 1), 0.5, 1, HORIZON_MS)
    assert "early" not in between_customer_variance.last
    between_customer_variance.add("new", Millis(2 * HORIZON_MS), 0.5, 1, HORIZON_MS)
    assert next(iter(between_customer_variance.last)) == "c1"
    assert list(between_customer_variance.last)[-1] == "new"


def test_opposite_surprises_are_no_negative_variance() -> None:
    between_customer_variance = BetweenCustomerVariance()
    for window in range(40):
        between_customer_variance.add(
            "ada", Millis(window * HORIZON_MS), 0.5, window % 2, HORIZON_MS
        )
    assert between_customer_variance.products < 0
    assert between_customer_variance.variance() == 0.0


def test_it_is_never_more_than_four() -> None:
    between_customer_variance = BetweenCustomerVariance()
    for window in range(4_000):
        between_customer_variance.add("ada", Millis(window * HORIZON_MS), 0.1, 1, HORIZON_MS)
    assert between_customer_variance.variance() == LARGEST == 4.0


def test_read_back_it_knows_who_came_first() -> None:
    between_customer_variance = BetweenCustomerVariance()
    for name in ("zoe", "ada"):
        between_customer_variance.add(name, Millis(0), 0.25, 1, HORIZON_MS)
    again = msgspec.msgpack.decode(
        msgspec.msgpack.encode(between_customer_variance), type=BetweenCustomerVariance
    )
    assert list(again.last) == ["zoe", "ada"]


def test_it_goes_on_exactly_from_data() -> None:
    between_customer_variance = BetweenCustomerVariance()
    between_customer_variance.add("ada", Millis(0), 0.25, 1, HORIZON_MS)
    again = msgspec.msgpack.decode(
        msgspec.msgpack.encode(between_customer_variance), type=BetweenCustomerVariance
    )
    for one in (between_customer_variance, again):
        one.add("ada", Millis(2 * HORIZON_MS), 0.3, 0, HORIZON_MS)
    assert again == between_customer_variance
