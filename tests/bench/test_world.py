from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import pytest

from bench.world import SILENCE, START_MS, Line, World
from schemas.envelope import decode_data, parse_time
from schemas.registry import TOUCHPOINTS
from schemas.units import DAY_MS


def told(world: World) -> list[dict[str, Any]]:
    return [line.event for line in world.lines() if isinstance(line.event, dict)]


def quiet(seed: int = 11, customers: int = 600, days: int = 150) -> World:
    return World(seed, customers, days, noise=SILENCE)


def text(world: World) -> bytes:
    return b"\n".join(line.to_bytes() for line in world.lines())


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert text(World(3, 80, 40)) == text(World(3, 80, 40))


def test_another_seed_gives_other_bytes() -> None:
    assert text(World(3, 20, 5)) != text(World(4, 20, 5))


def test_lines_come_in_order_of_arrival_across_days() -> None:
    arrivals = [line.received_ms for line in World(3, 200, 40).lines()]
    assert arrivals == sorted(arrivals)


def test_a_day_holds_what_arrived_in_it() -> None:
    *days, _ = World(3, 200, 20).days()
    for day in days:
        assert {(line.received_ms - day.start_ms) // DAY_MS for line in day.lines} == {0}


def test_without_a_receivedtime_an_event_arrived_when_it_happened() -> None:
    for line in World(3, 200, 40).lines():
        if isinstance(line.event, dict) and "receivedtime" not in line.event:
            assert line.received_ms == parse_time(line.event["time"])
        elif isinstance(line.event, dict):
            assert line.received_ms == parse_time(line.event["receivedtime"])


def test_every_touchpoint_type_occurs() -> None:
    world = quiet()
    seen: Counter[str] = Counter()
    for day in world.days():
        seen.update(line.event["type"] for line in day.lines if isinstance(line.event, dict))
        if day.number == 0:
            world.treat("c000001", "send_offer", world.now_ms)
    assert set(seen) == set(TOUCHPOINTS)


def test_no_two_events_share_an_id() -> None:
    events = told(quiet(days=30))
    assert len({(event["source"], event["id"]) for event in events}) == len(events)


def test_nobody_does_anything_after_leaving() -> None:
    world = quiet()
    events = told(world)
    left = {truth.customer: truth.churned_at for truth in world.truth() if truth.churned_at}
    after = [
        event
        for event in events
        if parse_time(event["time"]) > left.get(event["subject"], float("inf"))
    ]
    assert len(left) > 100
    assert after  # The newsletter goes on: silence is told from activity alone.
    for event in after:
        data = decode_data(event["type"], event["data"])
        assert not TOUCHPOINTS[event["type"]].by_customer(data)


def test_who_cancels_says_so_in_the_moment_he_leaves_and_nobody_else_does() -> None:
    world = quiet()
    said = {
        event["subject"]: parse_time(event["time"])
        for event in told(world)
        if event["type"] == "subscription.cancelled"
    }
    assert said == {
        truth.customer: truth.churned_at for truth in world.truth() if truth.kind == "cancelled"
    }
    assert len(said) > 60


def test_shoppers_leave_in_silence() -> None:
    world = quiet()
    told(world)
    shoppers = [truth for truth in world.truth() if truth.segment == "shopper"]
    assert {truth.kind for truth in shoppers} == {None, "silent"}


def test_a_subscription_runs_at_every_midnight_until_its_customer_leaves() -> None:
    world = quiet(days=100)
    terms: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for event in told(world):
        if "term_days" in event["data"]:
            from_ms = parse_time(event["time"])
            until_ms = from_ms + event["data"]["term_days"] * DAY_MS
            terms[event["subject"]].append((from_ms, until_ms))
    for truth in world.truth():
        for (_, until_ms), (from_ms, _) in pairwise(terms[truth.customer]):
            assert -(-until_ms // DAY_MS) >= from_ms / DAY_MS
        if truth.churned_at is None and truth.segment != "shopper":
            assert terms[truth.customer][-1][1] >= START_MS + 100 * DAY_MS


def test_erasure_comes_14_days_after_leaving_and_is_the_last_word() -> None:
    world = quiet()
    events = told(world)
    left = {truth.customer: truth.churned_at for truth in world.truth()}
    erased = {event["subject"]: event for event in events if event["type"] == "customer.erased"}
    last = {event["subject"]: event for event in events}
    assert len(erased) >= 3
    for customer, event in erased.items():
        assert parse_time(event["time"]) == (left[customer] or 0) + 14 * DAY_MS
        assert last[customer] is event


def test_active_and_left_count_the_customers() -> None:
    world = quiet(days=60)
    days = list(world.days())
    truths = list(world.truth())
    assert sum(day.left for day in days) == sum(truth.churned_at is not None for truth in truths)
    assert days[-1].active == sum(truth.churned_at is None for truth in truths)
    assert len(truths) > 600  # It grows.


def test_tickets_are_resolved_after_they_were_opened() -> None:
    opened: dict[str, int] = {}
    for event in told(quiet(days=90)):
        if event["type"] == "ticket.opened":
            opened[event["data"]["ticket"]] = parse_time(event["time"])
        elif event["type"].startswith("ticket."):
            assert opened[event["data"]["ticket"]] <= parse_time(event["time"])
    assert len(opened) > 50


def test_an_accepted_action_tells_its_steps_and_lowers_the_risk() -> None:
    world = World(5, 200, 60, noise=SILENCE)
    next(days := world.days())
    customer, before = max(
        world.true_churn_probabilities(world.now_ms, 28).items(), key=lambda pair: pair[1]
    )
    decision = next(
        name
        for name in map(str, range(100))
        if world.treat(customer, "call_by_owner", world.now_ms, decision=name)
    )
    after = world.true_churn_probability(customer, world.now_ms, 28)
    assert after < 0.6 * before
    outcomes = [
        line.event["data"]["outcome"]
        for day in days
        for line in day.lines
        if isinstance(line.event, dict)
        and line.event["type"] == "action.outcome"
        and line.event["data"]["decision"] == decision
    ]
    assert outcomes == ["sent", "delivered", "seen", "accepted"]


def test_a_declined_action_changes_no_risk() -> None:
    world = World(5, 50, 60, noise=SILENCE)
    next(world.days())
    before = world.true_churn_probabilities(world.now_ms, 28)
    tried = [world.treat(customer, "send_offer", world.now_ms, "no") for customer in before]
    assert not any(tried)
    assert world.true_churn_probabilities(world.now_ms, 28) == before


def test_resolving_closes_the_open_tickets() -> None:
    world = World(5, 300, 40, noise=SILENCE)
    days = world.days()
    waiting: Counter[str] = Counter()
    for day in days:
        waiting.update(_ticket_change(line) for line in day.lines)
        if day.number == 20:
            break
    customer = max(waiting, key=lambda name: waiting[name] if name else 0)
    assert waiting[customer] >= 1
    accepted = any(
        world.treat(customer, "resolve_open_ticket", world.now_ms, str(number))
        for number in range(9)
    )
    assert accepted
    resolved = [
        line.event["data"]
        for line in next(days).lines
        if isinstance(line.event, dict)
        and line.event["subject"] == customer
        and line.event["type"] == "ticket.resolved"
        and line.received_ms == day.start_ms + DAY_MS
    ]
    assert len(resolved) == waiting[customer]


def _ticket_change(line: Line) -> str:
    assert isinstance(line.event, dict)
    return line.event["subject"] if line.event["type"] == "ticket.opened" else ""


def test_do_nothing_does_nothing() -> None:
    world = World(5, 10, 5)
    assert world.treat("c000001", "do_nothing", world.now_ms) is None


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(KeyError, match="dance"):
        World(5, 10, 5).treat("c000001", "dance", START_MS)


def test_a_world_without_customers_or_days_is_refused() -> None:
    with pytest.raises(ValueError, match="customers >= 1"):
        World(1, 0, 5)
    with pytest.raises(ValueError, match="days >= 1"):
        World(1, 5, 0)
