from collections.abc import Sequence

from touchstream.schemas.emissions.risk import Reason
from touchstream.streams.emit.risk import reasons
from touchstream.streams.features.feature import Feature, FeatureList, Measure
from touchstream.streams.features.view import View


def named(name: str) -> Measure:
    def measure(view: View) -> float:
        return 0.0

    measure.__name__ = name
    return measure


FEATURES = FeatureList(
    [Feature(named(f"f{n}"), "n", f"text {n}", (f"kind {n}",)) for n in range(7)]
)


def test_the_weightiest_reason_comes_first_whichever_way_it_pulls() -> None:
    found = reasons(FEATURES, [0.1, -0.9, 0.0, 0.5, 0.0, 0.0, 0.0], None)
    assert [reason.feature for reason in found] == ["f1", "f3", "f0"]


def test_no_more_than_five_reasons_are_given() -> None:
    assert len(reasons(FEATURES, [1.0] * 7, None)) == 5


def test_of_two_equal_reasons_the_first_feature_comes_first() -> None:
    found = reasons(FEATURES, [0.0, 0.3, -0.3, 0.0, 0.0, 0.0, 0.0], None)
    assert [reason.feature for reason in found] == ["f1", "f2"]


def test_what_hardly_counts_is_no_reason() -> None:
    assert reasons(FEATURES, [0.009, -0.0099, 0.0, 0.0, 0.0, 0.0, 0.0], None) == ()


def test_a_reason_says_what_it_adds_and_how_it_moved() -> None:
    found = reasons(FEATURES, [0.51239, 0, 0, 0, 0, 0, 0], [0.2, 0, 0, 0, 0, 0, 0])
    assert found == (Reason(feature="f0", text="text 0", contribution=0.5124, change=0.3124),)


def paired(*now: float, before: Sequence[float] | None = None) -> tuple[Reason, ...]:
    """The reasons where the first two features are about one kind of events."""
    kinds = ("visits", "visits", "tickets")
    pairs = [Feature(named(f"f{n}"), "n", f"text {n}", (kind,)) for n, kind in enumerate(kinds)]
    return reasons(FeatureList(pairs), now, before)


def test_what_is_about_the_same_events_is_one_reason() -> None:
    found = [(one.feature, one.contribution) for one in paired(0.5, 0.25, 0.5)]
    assert found == [("f0", 0.75), ("f2", 0.5)]


def test_a_reason_is_told_in_the_words_of_what_pulls_most_where_all_pull() -> None:
    (found,) = paired(-2.0, 2.5, 0.0)
    assert (found.feature, found.text, found.contribution) == ("f1", "text 1", 0.5)


def test_what_cancels_out_is_no_reason() -> None:
    assert paired(-2.0, 2.005, 0.0) == ()


def test_a_reason_moves_as_a_whole() -> None:
    (found,) = paired(-2.0, 2.5, 0.0, before=[0.125, 0.0])
    assert (found.contribution, found.change) == (0.5, 0.375)


def test_without_an_earlier_emission_nothing_moved() -> None:
    assert reasons(FEATURES, [0.5, 0, 0, 0, 0, 0, 0], None)[0].change is None
