from schemas.emissions.risk import Reason
from streams.emit.risk import reasons
from streams.features.feature import Feature, FeatureList, Measure
from streams.features.view import View


def named(name: str) -> Measure:
    def measure(view: View) -> float:
        return 0.0

    measure.__name__ = name
    return measure


FEATURES = FeatureList([Feature(named(f"f{n}"), "n", f"text {n}", ()) for n in range(7)])


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


def test_without_an_earlier_emission_nothing_moved() -> None:
    assert reasons(FEATURES, [0.5, 0, 0, 0, 0, 0, 0], None)[0].change is None
