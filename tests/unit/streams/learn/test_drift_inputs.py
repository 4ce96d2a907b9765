"""Drift is looked for where only the world can cause it."""

from math import log1p, nan

import msgspec
import pytest

from tests.make import days
from touchstream.schemas.examples import Example
from touchstream.schemas.rules import ChurnRules, LearningRules, Rules
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.drift_inputs import OF_THE_MODEL, drift_inputs
from touchstream.streams.learn.trial import log_loss

RULES = Rules(churn=ChurnRules(horizon_days=28), learning=LearningRules(established_days=91))
SEEN = Example(
    shard="p0",
    sequence=1,
    tick=30,
    customer="c1",
    at_ms=days(0),
    matured_ms=days(29),
    label=1,
    treated=False,
    probability=0.25,
    model_version=3,
    features=FEATURES.digest,
    vector="",
)


def row(known_days: float = 100.0, silent_days: float = 3.0, **named: float) -> list[float]:
    values = dict.fromkeys(FEATURES.names, nan)
    values |= {"known_days": log1p(known_days), "silence_days": log1p(silent_days), **named}
    return list(values.values())


def seen(*rows: list[float], **changed: object) -> dict[str, list[float]]:
    """Every series with something to see."""
    examples = [msgspec.structs.replace(SEEN, **changed)] * len(rows)
    found = drift_inputs(examples, rows, RULES, FEATURES)
    return {name: list(column) for name, column in found.items() if column}


def test_a_customer_shows_what_does_not_age_and_how_right_the_model_was() -> None:
    assert seen(row(web_month=1.5)) == {
        "silence_days": [log1p(3)],
        "web_month": [1.5],
        "loss": [log_loss(0.25, 1)],
        "residual": [0.75],
    }


def test_a_series_has_the_values_of_all_who_have_one() -> None:
    assert seen(row(web_month=1.5), row(), row(web_month=0.5))["web_month"] == [1.5, 0.5]


@pytest.mark.parametrize(("known_days", "is_seen"), [(90.0, False), (91.0, True)])
def test_who_is_known_for_less_than_a_quarter_is_not_looked_at(
    known_days: float, is_seen: bool
) -> None:
    assert bool(seen(row(known_days=known_days))) == is_seen


@pytest.mark.parametrize(("silent_days", "is_seen"), [(27.0, True), (28.0, False), (nan, False)])
def test_who_has_been_silent_for_the_horizon_is_not_looked_at(
    silent_days: float, is_seen: bool
) -> None:
    assert bool(seen(row(silent_days=silent_days))) == is_seen


@pytest.mark.parametrize(("running", "is_seen"), [(1.0, True), (0.0, False)])
def test_a_running_subscription_speaks_for_the_silent(running: float, is_seen: bool) -> None:
    assert bool(seen(row(silent_days=60, subscription_running=running))) == is_seen


def test_before_the_first_version_nothing_was_said_that_could_be_wrong() -> None:
    assert not set(OF_THE_MODEL) & set(seen(row(), model_version=0))


def test_what_was_said_of_the_treated_holds_if_nothing_is_done() -> None:
    assert not set(OF_THE_MODEL) & set(seen(row(web_month=1.0), treated=True))
    assert "web_month" in seen(row(web_month=1.0), treated=True)


def test_what_a_long_life_adds_up_to_is_not_looked_at() -> None:
    everything = dict.fromkeys(FEATURES.names, 5.0) | {"silence_days": 1.0}
    ageing = set(FEATURES.names) - set(seen(list(everything.values())))
    assert ageing == {
        "known_days",
        "gap_count",
        "gap_usual",
        "gap_spread",
        "activity_count",
        "activity_quarter",
        "activity_year",
        "spend_minor",
        "spend_quarter_minor",
        "order_value_minor",
        "returned_share",
        "subscription_days_left",
    }
