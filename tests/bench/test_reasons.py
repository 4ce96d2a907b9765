"""The share of reasons that the customers' own events bear out."""

import orjson
import pytest

from bench import reasons
from bench.reasons import explained, lived, of_world, shares
from touchstream.schemas.rules import ChurnRules, Rules
from touchstream.schemas.units import Millis
from touchstream.streams.explanation import ExplainedReason, Explanation, Part, Proof


def part(contribution: float) -> Part:
    return Part(feature="f", text="t", unit="", value=None, typical=None, contribution=contribution)


def reason(*parts: float, moved: float | None) -> ExplainedReason:
    """One whose parts add these, and whose removal moved the log-odds so far."""
    added = sum(parts)
    return ExplainedReason(
        **{name: getattr(part(added), name) for name in Part.__struct_fields__},
        change=None,
        about=("web",),
        parts=tuple(part(one) for one in parts),
        moved=moved,
        verified=None if moved is None else moved * added < 0,
    )


def output(*reasons: ExplainedReason) -> Explanation:
    return Explanation(
        target="churn",
        at_ms=Millis(0),
        risk=0.5,
        low=0.4,
        high=0.6,
        n=900,
        log_odds=0.0,
        rest=0.0,
        before=None,
        reasons=reasons,
        proof=Proof(events=1, first_ms=None, differing=()),
    )


def test_a_topic_counts_once_and_each_of_its_measurements_too() -> None:
    found = shares([output(reason(2.0, -1.0, moved=-1.0), reason(0.5, moved=0.25))])
    assert found == {
        "customers": 1,
        "whole": 1,
        "topics": 2,
        "topics_verified": 0.5,
        "first_topic": 1,
        "first_topic_verified": 1.0,
        "features": 3,
        "features_verified": 0.333,
        "first_feature": 1,
        "first_feature_verified": 1.0,
    }


def test_what_has_no_events_takes_its_place_among_the_five_but_does_not_count() -> None:
    ageless = reason(9.0, moved=None)
    found = shares([output(ageless, *[reason(1.0, moved=-1.0)] * 5)])
    assert (found["topics"], found["features"], found["first_topic"]) == (4, 4, 1)


def test_a_customer_relived_is_the_customer_who_is_kept() -> None:
    rules = Rules(churn=ChurnRules(horizon_days=7, snapshot_every_days=2))
    found = shares(list(explained(lived(of_world(40, 30), rules), most=40)))
    assert found["customers"] == found["whole"]
    assert int(str(found["topics"])) > 80


def test_the_command_says_it_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    reasons.main(["--customers", "3", "--days", "3"])
    assert orjson.loads(capsys.readouterr().out)["customers"] == 3
