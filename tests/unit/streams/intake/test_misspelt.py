"""Misspelt event types, counted by name within bounds."""

from hypothesis import given
from hypothesis import strategies as st

from touchstream.schemas.nearest import Suggestion
from touchstream.streams.intake.misspelt import (
    MOST_NAMES,
    Counts,
    Misspelt,
    count_misspelt,
    misspelt_in,
)

FOUND = st.lists(
    st.builds(
        Suggestion,
        st.integers(0, 2 * MOST_NAMES).map("order.placed{}".format),
        st.sampled_from(["order.placed", "order.returned"]),
    ),
    max_size=4 * MOST_NAMES,
)


def counted(found: list[Suggestion]) -> Counts:
    counts: Counts = {}
    for one in found:
        count_misspelt(counts, one)
    return counts


def test_each_name_is_counted_under_the_type_that_was_meant() -> None:
    place, canceled = (
        Suggestion("order.place", "order.placed"),
        Suggestion("subscription.canceled", "subscription.cancelled"),
    )
    assert counted([place, canceled, place]) == {
        "order.placed": {"order.place": 2},
        "subscription.cancelled": {"subscription.canceled": 1},
    }


def test_the_counts_of_shards_are_added_the_most_frequent_first() -> None:
    shards = [
        {"web.visit": {"web.vist": 1}, "order.placed": {"order.place": 1}},
        {"order.placed": {"order.place": 41}},
    ]
    assert misspelt_in(shards) == [
        Misspelt("order.place", "order.placed", 42),
        Misspelt("web.vist", "web.visit", 1),
    ]


def test_one_event_is_not_told_as_several() -> None:
    assert str(Misspelt("web.vist", "web.visit", 1)) == (
        "1 event of type web.vist: did you mean web.visit?"
    )


@given(FOUND)
def test_few_names_are_kept_each_with_its_whole_count(found: list[Suggestion]) -> None:
    kept = misspelt_in([counted(found)])
    assert len(kept) == min(MOST_NAMES, len(set(found)))
    for one in kept:
        assert one.events == found.count(Suggestion(one.type, one.did_you_mean))


@given(FOUND, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_show(found: list[Suggestion], chance: object) -> None:
    again = list(found)
    chance.shuffle(again)  # type: ignore[attr-defined]  # Hypothesis types it as Random
    assert counted(again) == counted(found)


@given(FOUND, st.integers(1, 4))
def test_the_number_of_shards_does_not_show(found: list[Suggestion], shards: int) -> None:
    parts = [counted(found[number::shards]) for number in range(shards)]
    assert misspelt_in(parts) == misspelt_in([counted(found)])
