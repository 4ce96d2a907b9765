import pytest

from touchstream.schemas.emissions.cause import Cause
from touchstream.streams.emit.identity import emission_id, pseudonym

CAUSE = Cause(type="web.visit", source="shop", id="e1")


def test_an_id_is_the_same_on_every_machine() -> None:
    assert emission_id("ada", CAUSE, "churn.risk_changed") == "a4c80cce08039b082d9345ef324c6e91"


@pytest.mark.parametrize(
    "other",
    [
        emission_id("bob", CAUSE, "churn.risk_changed"),
        emission_id("ada", CAUSE, "action.recommended"),
        emission_id("ada", CAUSE, "churn.risk_changed", index=1),
        emission_id("ada", Cause(type="web.visit", source="shop", id="e2"), "churn.risk_changed"),
        emission_id("ada", Cause(type="web.visit", source="app", id="e1"), "churn.risk_changed"),
        emission_id("ada", Cause(type="other", source="shop", id="e1"), "churn.risk_changed"),
    ],
)
def test_every_part_of_the_cause_counts(other: str) -> None:
    assert other != emission_id("ada", CAUSE, "churn.risk_changed")


def test_parts_do_not_run_into_each_other() -> None:
    one = emission_id("ada", Cause(type="t", source="ab", id="c"), "kind")
    other = emission_id("ada", Cause(type="t", source="a", id="bc"), "kind")
    assert one != other


def test_a_pseudonym_depends_on_the_deployment() -> None:
    assert len({pseudonym("ada", 0), pseudonym("ada", 1), pseudonym("bob", 0)}) == 3


def test_a_pseudonym_does_not_tell_the_name() -> None:
    assert pseudonym("ada", 0) == "7df8ca5fafd06449a8be4683"
