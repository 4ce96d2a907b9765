from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import pytest

from touchstream.schemas.envelope import decode_data, parse_time
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.units import DAY_MS
from touchstream.simulator import SILENCE, START_MS, Day, World


def shown(world: World) -> list[dict[str, Any]]:
    return [line.event for line in world.lines() if isinstance(line.event, dict)]


QUIET_DAYS = 120


def quiet() -> World:
    return World(11, 600, QUIET_DAYS, noise=SILENCE)


@pytest.fixture(scope="module")
def lived() -> World:
    return quiet()


@pytest.fixture(scope="module")
def events(lived: World) -> list[dict[str, Any]]:
    return shown(lived)


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


def test_no_two_events_share_an_id(events: list[dict[str, Any]]) -> None:
    assert len({(event["source"], event["id"]) for event in events}) == len(events)


def test_nobody_does_anything_after_leaving(lived: World, events: list[dict[str, Any]]) -> None:
    left = {truth.customer: truth.churned_at for truth in lived.truth() if truth.churned_at}
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


def test_a_cancellation_is_published_at_the_moment_of_leaving_and_by_no_other_customer(
    lived: World, events: list[dict[str, Any]]
) -> None:
    output = {
        event["subject"]: parse_time(event["time"])
        for event in events
        if event["type"] == "subscription.cancelled"
    }
    assert output == {
        truth.customer: truth.churned_at for truth in lived.truth() if truth.kind == "cancelled"
    }
    assert len(output) > 50


def test_shoppers_leave_in_silence(lived: World, events: list[dict[str, Any]]) -> None:
    shoppers = [truth for truth in lived.truth() if truth.segment == "shopper"]
    assert {truth.kind for truth in shoppers} == {None, "silent"}


def test_a_subscription_runs_at_every_midnight_until_its_customer_leaves(
    lived: World, events: list[dict[str, Any]]
) -> None:
    terms: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for event in events:
        if "term_days" in event["data"]:
            from_ms: int = parse_time(event["time"])
            until_ms = from_ms + event["data"]["term_days"] * DAY_MS
            terms[event["subject"]].append((from_ms, until_ms))
    for truth in lived.truth():
        for (_, ended_ms), (renewed_ms, _) in pairwise(terms[truth.customer]):
            midnight_after_ms = -(-ended_ms // DAY_MS) * DAY_MS
            assert renewed_ms <= midnight_after_ms
        if truth.churned_at is None and truth.segment != "shopper":
            assert terms[truth.customer][-1][1] >= START_MS + (QUIET_DAYS - 1) * DAY_MS


def test_on_the_first_day_subscriptions_are_handed_over_and_none_renews() -> None:
    first = next(quiet().days())
    kinds = Counter(line.event["type"] for line in first.lines if isinstance(line.event, dict))
    assert kinds["customer.updated"] == 600
    assert kinds["subscription.started"] > 300
    assert kinds["subscription.renewed"] + kinds["subscription.changed"] == 0


def test_erasure_comes_14_days_after_leaving_and_is_the_last_word(
    lived: World, events: list[dict[str, Any]]
) -> None:
    left = {truth.customer: truth.churned_at for truth in lived.truth()}
    erased = {event["subject"]: event for event in events if event["type"] == "customer.erased"}
    last = {event["subject"]: event for event in events}
    assert len(erased) >= 2
    for customer, event in erased.items():
        assert parse_time(event["time"]) == (left[customer] or 0) + 14 * DAY_MS
        assert last[customer] is event


def test_active_and_left_count_the_customers() -> None:
    world = World(11, 200, 60, noise=SILENCE)
    days = list(world.days())
    truths = list(world.truth())
    assert sum(day.left for day in days) == sum(truth.churned_at is not None for truth in truths)
    assert days[-1].active == sum(truth.churned_at is None for truth in truths)
    assert len(truths) > 200  # It grows.


def test_a_customer_is_asked_about_three_times_a_year_to_recommend_us(
    events: list[dict[str, Any]],
) -> None:
    asked = [
        event
        for event in events
        if event["type"] == "survey.sent" and event["data"]["kind"] == "nps"
    ]
    assert 400 < len(asked) < 650  # 600 customers, fewer by and by, once in 120 days


def test_tickets_are_resolved_after_they_were_opened(events: list[dict[str, Any]]) -> None:
    opened: dict[str, int] = {}
    for event in events:
        if event["type"] == "ticket.opened":
            opened[event["data"]["ticket"]] = parse_time(event["time"])
        elif event["type"].startswith("ticket."):
            assert opened[event["data"]["ticket"]] <= parse_time(event["time"])
    assert len(opened) > 100


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
    world = World(5, 900, 40, noise=SILENCE)
    days = world.days()
    waiting: dict[str, set[str]] = defaultdict(set)
    for day in days:
        for event in ticket_events(day):
            ticket = {event["data"]["ticket"]}
            if event["type"] == "ticket.resolved":
                waiting[event["subject"]] -= ticket
            else:
                waiting[event["subject"]] |= ticket
        if day.number == 20:
            break
    customer = max(waiting, key=lambda name: len(waiting[name]))
    assert len(waiting[customer]) > 1
    assert any(
        world.treat(customer, "resolve_open_ticket", world.now_ms, str(number))
        for number in range(9)
    )
    solved_ms = world.now_ms
    resolved = [
        event["data"]["ticket"]
        for event in ticket_events(next(days))
        if event["subject"] == customer and parse_time(event["time"]) == solved_ms
    ]
    assert set(resolved) == waiting[customer]


def ticket_events(day: Day) -> list[dict[str, Any]]:
    events = [line.event for line in day.lines if isinstance(line.event, dict)]
    return [event for event in events if event["type"].startswith("ticket.")]


def test_do_nothing_does_nothing() -> None:
    world = World(5, 10, 5)
    assert world.treat("c000001", "do_nothing", world.now_ms) is None


def test_who_has_not_come_yet_cannot_be_treated() -> None:
    world = World(5, 10, 400, growth_per_year=2.0)
    assert world.treat("c000010", "send_offer", world.now_ms) is not None
    assert world.treat("c000020", "send_offer", world.now_ms) is None


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(KeyError, match="dance"):
        World(5, 10, 5).treat("c000001", "dance", START_MS)


def test_a_world_without_customers_or_days_is_refused() -> None:
    with pytest.raises(ValueError, match="customers >= 1"):
        World(1, 0, 5)
    with pytest.raises(ValueError, match="days >= 1"):
        World(1, 5, 0)
