"""A customer's state as people and programs read it."""

from tests.make import moment, state_of
from touchstream.agents.cli.customer import ODD, _lines
from touchstream.agents.state_view import as_json
from touchstream.streams.learn.ledger import ACTIVE, RECOMMENDED, SUBSCRIBED, Snapshot
from touchstream.streams.state import IntakeCounts, State

ROW = Snapshot(moment("d3"), 250_000, 4, "f1", b"\x00\x3c", SUBSCRIBED | ACTIVE)
OFFERED = Snapshot(moment("d4"), 500_000, 5, "f1", b"\x00\x3c", RECOMMENDED, 0.5)


def lines(state: State) -> list[str]:
    return list(_lines(as_json("ada", state), ""))


def test_a_row_of_any_label_ledger_is_read_in_words() -> None:
    row = "- 1997-01-04T00:00:00.000Z  risk 0.250  model 4  subscribed  active since"
    shown = lines(state_of(ledger=(ROW,), targets={"repeat_contact": (ROW,)}))
    assert shown[shown.index("  ledger:") + 1] == f"    {row}"
    assert shown[shown.index("targets:") + 1 :][:2] == ["  repeat_contact:", f"    {row}"]


def test_a_row_says_with_what_chance_an_action_was_offered() -> None:
    assert lines(state_of(ledger=(OFFERED,)))[4] == (
        "    - 1997-01-05T00:00:00.000Z  risk 0.500  model 5  recommended since  "
        "offered an action with probability 0.500"
    )


def test_a_program_reads_all_of_a_row() -> None:
    assert as_json("ada", state_of(ledger=(ROW,)))["churn"]["ledger"] == [
        {
            "at": "1997-01-04T00:00:00.000Z",
            "risk": 0.25,
            "model_version": 4,
            "features": "f1",
            "vector": "003c",
            "outcome_flags": 3,
            "offer_probability": 0.0,
        }
    ]


def test_when_each_action_was_recommended_is_a_moment() -> None:
    shown = as_json("ada", state_of(recommended_ms={"call": moment("d2")}))
    assert shown["decisions"]["recommended"] == {"call": "1997-01-03T00:00:00.000Z"}


def test_what_was_odd_about_a_customers_events_is_told() -> None:
    odd = State(counts=IntakeCounts(clamped=2, memory_full=144))
    assert as_json("ada", odd)["intake"] == {
        "late": 0,
        "clamped": 2,
        "memory_full": 144,
        "with_unknown_fields": 0,
    }
    shown = lines(odd)
    assert "  clamped: 2  events were dated in the future" in shown
    assert any(line.startswith("  memory_full: 144  older ids were forgotten") for line in shown)


def test_of_a_customer_without_oddities_none_is_told() -> None:
    assert not [line for line in lines(State()) if "intake" in line]


def test_every_count_has_words() -> None:
    assert ODD.keys() == as_json("ada", State())["intake"].keys()
