import pytest

from touchstream.streams.decide.chance import draw, pick


def test_a_lot_is_the_same_on_every_machine() -> None:
    assert draw(0, "ada", "web 17", "explore") == 0.7597389145331925


@pytest.mark.parametrize(
    "other",
    [
        (1, "ada", "web 17", "explore"),
        (0, "bob", "web 17", "explore"),
        (0, "ada", "web 18", "explore"),
        (0, "ada", "web 17", "other"),
    ],
)
def test_every_part_of_the_cause_counts(other: tuple[int, str, str, str]) -> None:
    assert draw(*other) != draw(0, "ada", "web 17", "explore")


def test_lots_are_spread_evenly() -> None:
    lots = [draw(0, "ada", str(number), "explore") for number in range(4_000)]
    assert sum(lots) / len(lots) == pytest.approx(0.5, abs=0.02)
    assert sum(lot < 0.05 for lot in lots) / len(lots) == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize(("lot", "arm"), [(0.0, "a"), (0.19, "a"), (0.2, "b"), (0.99, "b")])
def test_arms_lie_side_by_side(lot: float, arm: str) -> None:
    assert pick({"a": 0.2, "b": 0.8}, lot) == arm


def test_a_lot_beyond_the_rounded_sum_falls_on_the_largest_arm() -> None:
    assert pick({"a": 0.3, "b": 0.7 - 1e-10}, 1 - 1e-12) == "b"


@pytest.mark.parametrize("shares", [{"a": 0.5}, {"a": 1.5, "b": -0.5}])
def test_what_is_no_probability_mass_is_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="not a probability distribution"):
        pick(shares, 0.5)
