from math import log1p, nan

import pytest

from touchstream.streams.learn.baselines import Baselines, recency_rank


def test_before_the_first_label_the_base_rate_is_one_half() -> None:
    assert Baselines().base_rate() == 0.5


def test_the_base_rate_counts_one_imagined_churner_and_one_stayer() -> None:
    baselines = Baselines()
    for label in (1, 0, 0, 0):
        baselines.learn(1.0, label)
    assert baselines.base_rate() == 2 / 6


def test_recency_speaks_of_those_who_were_silent_as_long() -> None:
    baselines = Baselines()
    for _ in range(3):
        baselines.learn(log1p(2), 0)
        baselines.learn(log1p(90), 1)
    assert baselines.recency(log1p(2)) == pytest.approx((0 + 1) / (3 + 2))
    assert baselines.recency(log1p(90)) == pytest.approx((3 + 1) / (3 + 2))


def test_where_nothing_is_known_recency_is_the_base_rate() -> None:
    baselines = Baselines()
    baselines.learn(0.0, 1)
    assert baselines.recency(log1p(400)) == baselines.base_rate()


def test_who_never_gave_a_sign_of_life_is_the_longest_silent() -> None:
    assert recency_rank(nan) == recency_rank(99.0) == 1.0


def test_the_longer_silent_the_higher_the_rank() -> None:
    assert [recency_rank(silence) for silence in (-1.0, 0.0, 2.0, 8.0)] == [0.0, 0.0, 0.25, 1.0]
