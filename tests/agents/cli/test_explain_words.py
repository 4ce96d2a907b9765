"""The lines of an explanation."""

import msgspec
import pytest

from touchstream.agents.cli.explain import _changes, _reasons
from touchstream.schemas.units import Millis
from touchstream.streams.explanation import Before, ExplainedReason, Explanation, Part, Proof

SILENCE = Part(
    feature="silence_days",
    text="time since the last sign of life",
    unit="days",
    value=21.0,
    typical=9.0,
    contribution=2.0,
)
COUNT = Part(
    feature="activity_count",
    text="signs of life so far",
    unit="",
    value=3.0,
    typical=None,
    contribution=-0.5,
)
ACTIVITY = ExplainedReason(
    feature="silence_days",
    text="time since the last sign of life",
    unit="days",
    value=21.0,
    typical=9.0,
    contribution=1.5,
    change=0.25,
    about=("activity",),
    parts=(SILENCE, COUNT),
)
TOLD = Explanation(
    target="churn",
    at_ms=Millis(0),
    risk=0.6,
    low=0.5,
    high=0.7,
    n=900,
    log_odds=0.4,
    rest=-1.1,
    before=Before(at_ms=Millis(0), risk=0.55),
    reasons=(ACTIVITY,),
)
PROVED = msgspec.structs.replace(TOLD, proof=Proof(events=4, first_ms=None, differing=()))


def borne_out(**found: object) -> str:
    """The text on the proof, behind the reason."""
    reason = msgspec.structs.replace(ACTIVITY, **found)
    line = list(_reasons(msgspec.structs.replace(PROVED, reasons=(reason,))))[1]
    return line.partition("; ")[2]


def test_a_reason_stands_above_what_it_is_made_of() -> None:
    assert list(_reasons(TOLD))[1:] == [
        "  +1.50  time since the last sign of life: 21 days (typical: 9)",
        "           +2.00  time since the last sign of life: 21 days (typical: 9)",
        "           -0.50  signs of life so far: 3",
    ]


def test_a_reason_with_a_sentence_is_that_sentence() -> None:
    said = msgspec.structs.replace(ACTIVITY, sentence="silent for 21 days (usual: 9 days)")
    lines = list(_reasons(msgspec.structs.replace(TOLD, reasons=(said,))))
    assert lines[1] == "  +1.50  silent for 21 days (usual: 9 days)"


@pytest.mark.parametrize(
    ("contribution", "moved", "verified", "words"),
    [
        (1.5, -1.0, True, "verified: 0.400 without the 3 events behind it (signs of life)"),
        (
            1.5,
            0.5,
            False,
            "NOT verified: 0.400 without the 3 events behind it (signs of life), higher still",
        ),
        (
            -1.5,
            -0.5,
            False,
            "NOT verified: 0.400 without the 3 events behind it (signs of life), lower still",
        ),
        (
            1.5,
            0.0,
            False,
            "NOT verified: 0.400 without the 3 events behind it (signs of life), the same",
        ),
    ],
)
def test_a_reason_says_what_the_proof_found(
    contribution: float, moved: float, verified: bool, words: str
) -> None:
    found = borne_out(
        contribution=contribution, events=3, risk_without=0.4, moved=moved, verified=verified
    )
    assert found == words


def test_what_is_of_no_event_is_said_to_be() -> None:
    assert borne_out(about=()) == "of no event, so it cannot be verified"


def test_a_change_is_from_what_was_told_to_what_is() -> None:
    assert list(_changes(TOLD))[2:] == ["  +0.25  time since the last sign of life: +1.25 -> +1.50"]
