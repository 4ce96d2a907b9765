"""Laws of the two telecoms: bounded risk, a hazard that comes true, causes before departures."""

from collections import defaultdict
from typing import Any

import msgspec
import numpy as np
import pytest

from touchstream.schemas.envelope import decode_data, parse_time
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.units import DAY_MS
from touchstream.simulator import START_MS
from touchstream.simulator.noise import Noise
from touchstream.simulator.telecom import CALM, HOT, Operator, Telecom
from touchstream.simulator.telecom.law import risks, transitions
from touchstream.simulator.telecom.operator import SEGMENTS, Segment

HORIZON_DAYS = 28
Event = dict[str, Any]
SIGNS = {"ticket": "ticket.reopened", "call": "call.ended", "payment": "payment.failed"}


class Lived:
    """The hot telecom at its end, with its events by customer."""

    def __init__(self) -> None:
        self.telecom = Telecom(3, HOT)
        self.events: defaultdict[str, list[Event]] = defaultdict(list)
        for line in self.telecom.lines():
            assert isinstance(line.event, dict)
            self.events[line.event["subject"]].append(line.event)
        self.fates = {fate.customer: fate for fate in self.telecom.fates()}


@pytest.fixture(scope="module")
def lived() -> Lived:
    return Lived()


def text(telecom: Telecom, days: int) -> bytes:
    return b"".join(
        line.to_bytes()
        for _, day in zip(range(days), telecom.days(), strict=False)
        for line in day.lines
    )


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert text(Telecom(5, HOT), 40) == text(Telecom(5, HOT), 40)


def test_another_seed_gives_other_bytes() -> None:
    assert text(Telecom(5, HOT), 3) != text(Telecom(6, HOT), 3)


def test_noise_changes_the_arrivals_and_no_fate() -> None:
    quiet, noisy = Telecom(5, HOT), Telecom(5, HOT, Noise())
    assert text(quiet, 60) != text(noisy, 60)
    assert list(quiet.fates()) == list(noisy.fates())
    assert set(noisy.expected.fates) > {"applied"}


@pytest.mark.parametrize(("operator", "bound"), [(CALM, 0.35), (HOT, 0.85)])
def test_the_true_risk_never_passes_its_bound_and_comes_near(
    operator: Operator, bound: float
) -> None:
    highest = risks(operator, HORIZON_DAYS).max()
    assert bound - 0.01 < highest <= bound


@pytest.mark.parametrize("segment", SEGMENTS, ids=lambda segment: segment.name)
def test_the_states_of_the_next_day_add_up_to_one(segment: Segment) -> None:
    without, having = transitions(CALM, segment)
    assert np.allclose((without + having).sum(axis=1), 1.0)


def test_the_first_day_of_the_horizon_is_the_hazard() -> None:
    assert risks(HOT, 1)[0, :5].tolist() == pytest.approx(HOT.hazard)


def test_the_risk_of_a_day_is_the_frequency_of_leaving_within_chance(lived: Lived) -> None:
    for day in range(0, HOT.days - HORIZON_DAYS, HORIZON_DAYS):
        at_ms = START_MS + day * DAY_MS
        truths = lived.telecom.truths(at_ms, HORIZON_DAYS)
        risk = np.array([truth.risk for truth in truths])
        left = [
            (lived.fates[truth.customer].ended_at or np.inf) < at_ms + HORIZON_DAYS * DAY_MS
            for truth in truths
        ]
        assert abs(sum(left) - risk.sum()) < 3.5 * np.sqrt((risk * (1 - risk)).sum())


def test_who_left_in_trouble_had_seen_its_cause_before(lived: Lived) -> None:
    checked = 0
    for fate in lived.fates.values():
        if fate.cause is None or fate.cause == "usage" or fate.started_at == START_MS:
            continue
        first = min(
            parse_time(event["time"])
            for event in lived.events[fate.customer]
            if event["type"] == SIGNS[fate.cause] and event["data"].get("transfers", 2) >= 2
        )
        assert fate.ended_at is not None
        assert first < fate.ended_at
        checked += 1
    assert checked > 15


def test_use_falls_before_those_who_fade_leave(lived: Lived) -> None:
    month, quarter = 0, 0
    for fate in lived.fates.values():
        if fate.cause == "usage" and fate.ended_at and fate.ended_at > START_MS + 120 * DAY_MS:
            used = [
                (fate.ended_at - parse_time(event["time"])) / DAY_MS
                for event in lived.events[fate.customer]
                if event["type"] == "content.streamed"
            ]
            month += sum(0 <= days < 14 for days in used)
            quarter += sum(60 <= days < 74 for days in used)
    assert month < 0.6 * quarter


def test_a_contract_is_cancelled_at_the_moment_of_leaving(lived: Lived) -> None:
    cancelled = {
        customer: parse_time(event["time"])
        for customer, events in lived.events.items()
        for event in events
        if event["type"] == "subscription.cancelled"
    }
    kinds = [fate.kind for fate in lived.fates.values()]
    assert cancelled == {
        fate.customer: fate.ended_at for fate in lived.fates.values() if fate.kind == "cancelled"
    }
    assert min(kinds.count(kind) for kind in ("cancelled", "expired", "silent")) > 5


def test_prepaid_customers_have_no_contract_and_leave_in_silence(lived: Lived) -> None:
    for fate in lived.fates.values():
        kinds = {event["type"].partition(".")[0] for event in lived.events[fate.customer]}
        assert fate.contract == ("subscription" in kinds)
        assert fate.kind in ((None, "cancelled", "expired") if fate.contract else (None, "silent"))


def test_after_the_end_only_the_final_bill_and_the_newsletter_follow(lived: Lived) -> None:
    after = [
        (event["type"], fate.kind)
        for fate in lived.fates.values()
        for event in lived.events[fate.customer]
        if parse_time(event["time"]) > (fate.ended_at or np.inf)
    ]
    assert ("call.ended", "cancelled") in after
    assert ("call.ended", "silent") not in after
    assert {kind for kind, _ in after} <= {
        "call.ended",
        "email.delivered",
        "ticket.resolved",
    }


def test_every_event_is_one_that_touchstream_takes(lived: Lived) -> None:
    for events in lived.events.values():
        for event in events:
            assert decode_data(event["type"], event["data"]) is not None
            assert event["type"] in TOUCHPOINTS


def test_a_subscription_runs_at_every_midnight_until_the_end(lived: Lived) -> None:
    for fate in lived.fates.values():
        until_ms = 0
        for event in lived.events[fate.customer]:
            if "term_days" not in event["data"]:
                continue
            at_ms = parse_time(event["time"])
            # Renewals are booked at night, after the midnight on which nothing has ended yet.
            assert until_ms == 0 or at_ms // DAY_MS == until_ms // DAY_MS
            until_ms = at_ms // DAY_MS * DAY_MS + event["data"]["term_days"] * DAY_MS
        if fate.kind is None and fate.contract:
            assert until_ms >= START_MS + (HOT.days - 1) * DAY_MS


def test_a_moment_that_is_no_midnight_of_the_past_is_refused(lived: Lived) -> None:
    with pytest.raises(ValueError, match="want a midnight of the past"):
        lived.telecom.truths(START_MS + 1, HORIZON_DAYS)
    with pytest.raises(ValueError, match="want a midnight of the past"):
        Telecom(1, HOT).truths(START_MS + DAY_MS, HORIZON_DAYS)


WEEK = 7


@pytest.fixture(scope="module")
def foreseen() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The observer's risks, the true ones, and departures, of those with a contract."""
    telecom = Telecom(4, msgspec.structs.replace(HOT, customers=500, days=170))
    observer, rows = telecom.observer(), []
    for day in telecom.days():
        observer.see([line.event for line in day.lines if isinstance(line.event, dict)])
        if day.number > 40 and day.number % WEEK == 0 and day.number < 170 - HORIZON_DAYS:
            names = [truth.customer for truth in telecom.truths(telecom.now_ms, HORIZON_DAYS)]
            risk = observer.foresee(names, HORIZON_DAYS)
            true = telecom.outlooks(telecom.now_ms, HORIZON_DAYS, names)
            rows += [(name, telecom.now_ms, risk[name].leaves, true[name].leaves) for name in names]
    fates = {fate.customer: fate for fate in telecom.fates()}
    chosen = [row for row in rows if fates[row[0]].contract and fates[row[0]].kind != "expired"]
    left = [
        (fates[name].ended_at or np.inf) < at_ms + HORIZON_DAYS * DAY_MS
        for name, at_ms, _, _ in chosen
    ]
    return (
        np.array([row[2] for row in chosen]),
        np.array([row[3] for row in chosen]),
        np.array(left),
    )


def test_the_observer_is_right_on_average_about_true_risks(
    foreseen: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    observed, true, _ = foreseen
    for fifth in np.array_split(np.argsort(observed, kind="stable"), 5):
        assert observed[fifth].mean() == pytest.approx(true[fifth].mean(), rel=0.15, abs=0.01)


def test_the_observer_ranks_leavers_and_the_truth_ranks_them_better(
    foreseen: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    observed, true, left = foreseen

    def auc(risk: np.ndarray) -> float:
        higher = risk[left][:, None] - risk[~left][None, :]
        return float(((higher > 0) + 0.5 * (higher == 0)).mean())

    assert 0.7 < auc(observed) < auc(true) < 0.95
