"""Chapter 3. Four weeks and a day after a snapshot the truth is known, and not before."""

from tests.story.town import RULES, town_on
from touchstream.schemas.emissions.relation import RelationChanged
from touchstream.schemas.units import DAY_MS
from touchstream.streams.emit.identity import pseudonym

HORIZON_AND_GRACE_MS = 29 * DAY_MS


def test_before_the_horizon_is_over_nothing_is_learnt() -> None:
    assert town_on(29).stream.examples == []


def test_every_label_came_a_horizon_and_a_day_of_grace_after_its_snapshot() -> None:
    examples = town_on(126).stream.examples
    assert {one.matured_ms - one.at_ms for one in examples} == {HORIZON_AND_GRACE_MS}


def test_a_neighbour_whose_last_order_was_on_day_13_is_churn_from_the_next_snapshot_on() -> None:
    assert _labels("n01")[:4] == [(5, 0), (12, 0), (19, 1), (26, 1)]


def test_a_neighbour_who_stays_never_churned() -> None:
    assert {label for _, label in _labels("n00")} == {0}


def test_once_a_neighbour_has_lapsed_the_question_is_whether_they_return() -> None:
    """No customer of this town came back after five weeks."""
    [lapse] = [one.data for one in town_on(56).said_of("n01")]
    assert isinstance(lapse, RelationChanged)
    assert (lapse.before, lapse.relation, lapse.silent_days) == ("open", "lapsed", 33.58)
    assert [day for day, _ in _labels("n01")][-1] == 40
    assert _labels("n01", "return")[:3] == [(47, 0), (54, 0), (61, 0)]


def test_the_learner_never_hears_her_name() -> None:
    names = {one.customer for one in town_on(126).stream.examples}
    assert "mira" not in names
    assert pseudonym("mira", RULES.seed) in names


def _labels(customer: str, target: str = "churn") -> list[tuple[float, int]]:
    """(Day of the snapshot, label), oldest first."""
    zero_ms = town_on(0).stream.shards[0].checkpoint.watermark_ms
    assert zero_ms is not None
    name = pseudonym(customer, RULES.seed)
    examples = town_on(126).stream.examples
    found = [one for one in examples if (one.customer, one.target) == (name, target)]
    return [((one.at_ms - zero_ms) / DAY_MS, one.label) for one in found]
