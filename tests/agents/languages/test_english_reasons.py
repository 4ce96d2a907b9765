"""English from the typed parts is the core's own sentence, whatever the fact."""

import gzip
from collections.abc import Iterator, Sequence
from math import inf, nan

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden.core import OUTPUTS
from tests.make import event, seen
from tests.sentences import CASES, DIRECTIONS, MEANS, Case
from touchstream.agents.languages.texts import Texts
from touchstream.schemas.emissions.risk import Direction, Reason, ReasonKind, ReasonUnit
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.emit.risk import reasons
from touchstream.streams.emit.sentences import Teller
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.features.fact import Fact, Statement, same
from touchstream.streams.features.feature import Feature, FeatureList
from touchstream.streams.features.view import View

ENGLISH = Texts("en")
DECIMALS = 10_000
"""Of a value in a reason."""
UNITS: dict[ReasonKind, ReasonUnit] = {
    "silence": "days",
    "activity_7_days": "count",
    "activity_28_days": "count",
    "activity_91_days": "count",
    "spending_91_days": "minor_units",
    "returned_share": "share",
    "open_tickets": "count",
    "open_ticket_age": "days",
    "tickets_opened_28_days": "count",
    "tickets_reopened_28_days": "count",
    "calls_28_days": "count",
    "call_duration": "seconds",
    "call_wait": "seconds",
    "call_transfers": "count",
    "payments_failed_28_days": "count",
    "web_28_days": "count",
    "leaving_views_28_days": "count",
    "emails_28_days": "count",
    "content_28_days": "count",
    "survey_score": "share",
    "subscription_started": "days",
    "subscription_renewed": "days",
    "subscription_changed": "days",
    "subscription_cancelled": "days",
    "subscription_expired": "days",
    "term_end": "days",
}
AT_MS = seen("d300", event("web.visit", "d0")).at_ms


def parts(most: int) -> st.SearchStrategy[float]:
    """Values that four decimals carry exactly, whole ones among them."""
    whole = st.integers(0, most)
    return whole.map(float) | st.integers(0, most * DECIMALS).map(lambda n: n / DECIMALS)


VALUES: dict[ReasonUnit, st.SearchStrategy[float]] = {
    "count": st.integers(0, 3) | st.integers(0, 2_000_000),
    "days": parts(3) | parts(2_000),
    "seconds": parts(200) | parts(200_000),
    "share": st.integers(0, DECIMALS).map(lambda n: n / DECIMALS),
    "minor_units": st.integers(0, 10**9),
}


@st.composite
def facts(draw: st.DrawFn) -> tuple[Fact, float]:
    """A fact of any kind, and the average customer's value of it or none."""
    kind = draw(st.sampled_from(sorted(UNITS)))
    unit = UNITS[kind]
    # The core writes transfers without separators, and nobody is transferred a thousand times.
    low = draw(st.integers(0, 999) if kind == "call_transfers" else VALUES[unit])
    high = draw(st.just(low) | st.just(inf) | VALUES[unit].filter(lambda high: high > low))
    usual = draw(st.none() | VALUES[unit])
    age_ms = draw(st.integers(-1, 90_000) | st.integers(0, 90 * DAY_MS))
    if kind.startswith("subscription_"):
        high, age_ms = low, round(low * DAY_MS)
    fact = Fact(
        kind,
        unit,
        low,
        high,
        "either",
        usual,
        Millis(AT_MS - age_ms),
        draw(st.sampled_from(["EUR", "JPY", "KWD", "TRY"])) if unit == "minor_units" else None,
        ordinary=draw(st.sampled_from([0.0, -1.0])),
    )
    return fact, draw(st.just(nan) | VALUES[unit])


def reason_of(fact: Fact, mean: float) -> list[Reason]:
    """The reason as the core emits it, if the core tells the fact at all."""

    def measured(view: View) -> float:
        return 1.0

    says = (Statement(lambda view: fact, same),)
    features = FeatureList([Feature(measured, "n", "measured", ("activity",), says=says)])
    teller = Teller(seen("d300", event("web.visit", "d0")), lambda _: mean, "repeat_contact")
    return list(reasons(features, [1.0], features.groups.sums([1.0]), None, teller, "raises"))


@given(facts())
def test_any_fact_reads_as_the_core_tells_it(drawn: tuple[Fact, float]) -> None:
    for reason in reason_of(*drawn):
        assert ENGLISH.reason(reason, AT_MS) == reason.text


@pytest.mark.parametrize("kind", sorted(UNITS))
def test_every_kind_is_told(kind: ReasonKind) -> None:
    fact = Fact(kind, UNITS[kind], 1.0, 1.0, "either", 0.2, Millis(AT_MS - DAY_MS), "EUR")
    [reason] = reason_of(fact, nan)
    assert ENGLISH.reason(reason, AT_MS) == reason.text


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.feature))
def test_the_cases_of_the_docs_read_the_same(case: Case) -> None:
    found = [
        (reason, view.at_ms)
        for life in (case.low, case.high)
        for view in [seen(case.at, *life)]
        for direction in DIRECTIONS
        for reason in emitted_of(case, view, direction)
    ]
    assert found
    for reason, now_ms in found:
        assert reason.text in readings(reason, now_ms)


def readings(reason: Reason, now_ms: Millis) -> set[str]:
    """The texts of all values that the four decimals may stand for: 2 hours are not .0833 days."""
    assert reason.value is not None
    ends = (reason.value, reason.value + 0.5 / DECIMALS)
    return {ENGLISH.reason(msgspec.structs.replace(reason, value=value), now_ms) for value in ends}


def emitted_of(case: Case, view: View, direction: Direction) -> Sequence[Reason]:
    place = FEATURES.names.index(case.feature)
    added = [0.0] * len(FEATURES.names)
    added[place] = 1.0 if direction == "raises" else -1.0
    teller = Teller(view, lambda name: MEANS.get(name, nan))
    return reasons(FEATURES, added, FEATURES.groups.sums(added), None, teller, direction)


def emitted() -> Iterator[tuple[Reason, Millis]]:
    """Every reason of the recorded world, with the moment of its score."""
    with gzip.open(OUTPUTS) as lines:
        for line in lines:
            entry = orjson.loads(line)
            if entry["topic"] == "churn-risk":
                sent = orjson.loads(entry["value"])
                for reason in sent["data"]["reasons"]:
                    yield msgspec.convert(reason, Reason), parse_time(sent["time"])


def test_every_reason_of_the_recorded_world_reads_the_same() -> None:
    found = list(emitted())
    assert len(found) > 100
    differ = [
        (reason.text, ENGLISH.reason(reason, now_ms))
        for reason, now_ms in found
        if ENGLISH.reason(reason, now_ms) != reason.text
    ]
    assert differ == []
