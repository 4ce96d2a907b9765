"""Features by what they are about, and what a state keeps of that."""

import pytest

from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.features.groups import FeatureGroup, FeatureGroups

TOPICS = FeatureGroups([("silence", ("activity",)), ("age", ()), ("count", ("activity",))])


def test_what_is_made_of_the_same_events_is_one_topic() -> None:
    assert TOPICS.all == (FeatureGroup(("activity",), (0, 2)), FeatureGroup((), (1,)))


def test_every_feature_is_of_one_topic() -> None:
    places = [place for group in FEATURES.groups.all for place in group.places]
    assert sorted(places) == list(range(len(FEATURES.names)))


def test_a_topic_adds_what_its_features_add_together() -> None:
    assert TOPICS.sums([1.0, 0.25, -3.0]) == [-2.0, 0.25]


@pytest.mark.parametrize(
    ("added", "lead"), [([3.0, 9.0, -1.0], 0), ([1.0, 9.0, -3.0], 2), ([1.0, 9.0, 1.0], 0)]
)
def test_a_topic_is_led_by_what_pulls_most_where_it_pulls(added: list[float], lead: int) -> None:
    assert TOPICS.all[0].lead(added) == lead


def test_what_is_kept_is_read_back_to_three_digits() -> None:
    assert TOPICS.unpack(TOPICS.pack([-2.0, 0.2501])) == pytest.approx((-2.0, 0.2501), rel=1e-3)


def test_what_is_kept_costs_two_bytes_a_topic_and_three() -> None:
    assert len(TOPICS.pack([0.0, 0.0])) == 7


def test_no_sum_is_too_large_to_be_kept() -> None:
    assert TOPICS.unpack(TOPICS.pack([1e9, -1e9])) == (1_000.0, -1_000.0)


@pytest.mark.parametrize(
    "others",
    [
        [("age", ()), ("silence", ("activity",)), ("count", ("activity",))],
        [("silence", ("activity",)), ("age", ()), ("visits", ("activity",))],
        [("silence", ("order",)), ("age", ()), ("count", ("order",))],
    ],
)
def test_what_was_kept_of_other_topics_is_not_read(
    others: list[tuple[str, tuple[str, ...]]],
) -> None:
    assert FeatureGroups(others).unpack(TOPICS.pack([1.0, 2.0])) is None


@pytest.mark.parametrize(
    "emitted", [b"", TOPICS.pack([1.0, 2.0])[:-1], TOPICS.pack([1.0, 2.0]) * 2]
)
def test_what_is_cut_or_too_long_is_not_read(emitted: bytes) -> None:
    assert TOPICS.unpack(emitted) is None
