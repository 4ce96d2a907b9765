"""What one event adds: a fact about one customer in literal times."""

from collections.abc import Sequence

import msgspec
from hypothesis import given

from tests.make import days, event, folded
from tests.strategies import LIVES
from touchstream.schemas.envelope import Event
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.rules import ChurnRules
from touchstream.schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, Millis
from touchstream.streams.learn.ledger import is_activity
from touchstream.streams.measures.catalogue import METRICS
from touchstream.streams.measures.metric import Measure
from touchstream.streams.measures.observe import on_event
from touchstream.streams.measures.state import MAX_BYTES, MeasuresState
from touchstream.streams.profiles.profile import Profile

Facts = list[tuple[str, tuple[str, ...], int]]


def lived(
    *happened: Event, oldest_ms: Millis | None = None
) -> tuple[MeasuresState | None, list[Measure]]:
    """The state after some events in their order of arrival, and all that they added."""
    state: MeasuresState | None = None
    profile: Profile | None = None
    added: list[Measure] = []
    for one in happened:
        by_customer = TOUCHPOINTS[one.type].by_customer(one.data)
        active = is_activity(one, by_customer, ChurnRules())
        state, more = on_event(state, one, profile, active=active, oldest_ms=oldest_ms)
        profile = folded(one, before=profile)
        added.extend(more)
    return state, added


def facts(measures: Sequence[Measure], *leaving_out: str) -> Facts:
    left = {"events", "active_customers", *leaving_out}
    return [(m.name, m.dimensions, m.value) for m in measures if m.name not in left]


def named(measures: Sequence[Measure], name: str) -> list[Measure]:
    return [measure for measure in measures if measure.name == name]


def test_a_visit_is_one_event_and_the_customers_first_activity_of_the_day() -> None:
    _, added = lived(event("web.visit", "d3 12:00"))
    assert added == [
        Measure("events", ("web.visit", "web"), 1, days(3, 12)),
        Measure("active_customers", (), 1, days(3, 12)),
    ]


def test_a_second_visit_of_the_day_is_no_second_active_customer() -> None:
    _, added = lived(*(event("web.visit", f"d3 {hour}:00") for hour in (1, 2, 3)))
    assert len(named(added, "active_customers")) == 1


def test_days_that_come_late_count_once_each_in_their_own_day() -> None:
    at = ("d9", "d3", "d3 05:00", "d4", "d9 01:00", "d3 23:00")
    _, added = lived(*(event("web.visit", moment) for moment in at))
    marked = [measure.time_ms // DAY_MS for measure in named(added, "active_customers")]
    assert marked == [days(number) // DAY_MS for number in (9, 3, 4)]


def test_a_mail_that_we_sent_makes_nobody_active() -> None:
    state, added = lived(event("email.delivered", "d3"))
    assert (state, [measure.name for measure in added]) == (None, ["events"])


def test_days_older_than_any_event_can_be_are_forgotten() -> None:
    visits = [event("web.visit", f"d{number}") for number in range(30)]
    state, _ = lived(*visits, oldest_ms=days(22))
    assert state is not None
    assert state.days is not None
    assert state.days.earlier == bytes([0b0111_1111])


def test_an_event_of_the_year_1_beside_one_of_today_costs_no_room_and_counts_nobody() -> None:
    state, added = lived(event("web.visit", "d3"), event("web.visit", "0001-01-01T00:00Z"))
    assert state == lived(event("web.visit", "d3"))[0]
    assert len(named(added, "active_customers")) == 1


def test_a_customer_who_comes_after_two_thousand_years_is_active_again() -> None:
    _, added = lived(event("web.visit", "0001-01-01T00:00Z"), event("web.visit", "d3"))
    assert len(named(added, "active_customers")) == 2


def test_an_order_in_a_store_is_revenue_in_its_currency() -> None:
    order = event("order.placed", amount_minor=1_999, currency="CHF", channel="store")
    _, added = lived(order)
    assert added[0].dimensions == ("order.placed", "store")
    assert facts(added) == [("orders", ("CHF",), 1), ("revenue", ("CHF",), 1_999)]


def test_a_currency_that_is_none_is_other() -> None:
    _, added = lived(event("order.returned", amount_minor=5, currency="XXX"))
    assert facts(added) == [("returns", ("other",), 1), ("refunds", ("other",), 5)]


def test_the_first_reply_of_an_agent_ends_the_wait_for_a_response() -> None:
    _, added = lived(
        event("ticket.opened", "d0 10:00", channel="E-mail"),
        event("ticket.replied", "d0 10:10", by="customer"),
        event("ticket.replied", "d0 11:00", by="agent"),
        event("ticket.replied", "d0 12:00", by="agent"),
    )
    assert facts(added) == [
        ("tickets_opened", ("other",), 1),
        ("first_response_time", (), HOUR_MS),
    ]


def test_a_ticket_is_timed_to_its_first_solution_only() -> None:
    state, added = lived(
        event("ticket.opened", "d0", channel="chat"),
        event("ticket.resolved", "d2"),
        event("ticket.reopened", "d3"),
        event("ticket.replied", "d3 01:00", by="agent"),
        event("ticket.resolved", "d4"),
    )
    assert facts(added) == [
        ("tickets_opened", ("chat",), 1),
        ("tickets_resolved", (), 1),
        ("resolution_time", (), 2 * DAY_MS),
        ("tickets_reopened", (), 1),
        ("tickets_resolved", (), 1),
    ]
    assert state is not None
    assert state.tickets == ()


def test_a_reply_that_arrives_before_the_opening_is_not_timed() -> None:
    _, added = lived(
        event("ticket.replied", "d0 01:00", by="agent"),
        event("ticket.opened", "d0"),
        event("ticket.replied", "d0 03:00", by="agent"),
    )
    assert [m.value for m in named(added, "first_response_time")] == [3 * HOUR_MS]


def test_a_reply_stamped_before_the_opening_answers_nothing() -> None:
    _, added = lived(event("ticket.opened", "d1"), event("ticket.replied", "d0", by="agent"))
    assert named(added, "first_response_time") == []


def test_a_ticket_opened_again_under_its_number_keeps_its_first_opening() -> None:
    _, added = lived(
        event("ticket.opened", "d0"),
        event("ticket.opened", "d1"),
        event("ticket.resolved", "d2"),
    )
    assert [m.value for m in named(added, "resolution_time")] == [2 * DAY_MS]


def test_a_customer_whose_last_ticket_is_solved_needs_no_state() -> None:
    opened = event("ticket.opened", "d0")
    state, _ = on_event(None, opened, None, active=False, oldest_ms=None)
    assert state is not None
    solved = event("ticket.resolved", "d1")
    assert on_event(state, solved, folded(opened), active=False, oldest_ms=None)[0] is None


def test_a_call_counts_its_wait_only_if_it_says_so() -> None:
    whole = event("call.ended", "d0", duration_s=90.5, queue_s=30.0, transfers=0)
    _, added = lived(whole, event("call.ended", "d1", call="c2"))
    assert facts(added) == [
        ("calls", ("inbound",), 1),
        ("call_duration", ("inbound",), 90_500),
        ("call_wait", ("inbound",), 30_000),
        ("call_transfers", ("inbound",), 0),
        ("calls", ("inbound",), 1),
        ("call_duration", ("inbound",), MINUTE_MS),
    ]


def test_nps_adds_a_hundred_for_a_promoter_and_takes_it_for_a_detractor() -> None:
    _, added = lived(
        *(
            event("survey.answered", f"d{day}", kind="nps", score=float(score))
            for day, score in enumerate((10, 9, 8, 7, 6, 0))
        )
    )
    assert [(m.dimensions[0], m.value) for m in named(added, "nps")] == [
        ("promoter", 100),
        ("promoter", 100),
        ("passive", 0),
        ("passive", 0),
        ("detractor", -100),
        ("detractor", -100),
    ]


def test_scores_are_thousandths_of_the_best_mark_of_their_scale() -> None:
    _, added = lived(
        event("survey.sent", "d0", survey="s", kind="csat"),
        event("survey.answered", "d1", kind="csat", score=4.0),
        event("survey.answered", "d2", kind="csat", score=4.0, score_max=10.0),
        event("survey.answered", "d3", kind="csat"),
        event("survey.answered", "d4", kind="profile", score=4.0),
    )
    assert facts(added) == [
        ("surveys_sent", ("csat",), 1),
        ("surveys_answered", ("csat",), 1),
        ("survey_score", ("csat",), 800),
        ("surveys_answered", ("csat",), 1),
        ("survey_score", ("csat",), 400),
        ("surveys_answered", ("csat",), 1),
        ("surveys_answered", ("profile",), 1),
    ]


@given(LIVES)
def test_everything_that_is_measured_is_in_the_catalogue(life: list[Event]) -> None:
    for measure in lived(*life)[1]:
        metric = METRICS[measure.name]
        assert len(measure.dimensions) == len(metric.dimensions)
        for value, dimension in zip(measure.dimensions, metric.dimensions, strict=True):
            assert value in dimension.values
        assert measure.value == 1 or metric.kind not in {"counter", "distinct"}


@given(LIVES)
def test_active_days_do_not_depend_on_the_order_of_arrival(life: list[Event]) -> None:
    def active_days(happened: Sequence[Event]) -> list[int]:
        marked = named(lived(*happened)[1], "active_customers")
        return sorted(measure.time_ms // DAY_MS for measure in marked)

    assert active_days(life) == active_days(life[::-1])


def test_the_busiest_state_keeps_within_its_bound() -> None:
    visits = [event("web.visit", f"d{number}") for number in range(1_100)]
    tickets = [
        event("ticket.opened", f"d{number}", ticket="t" * 200 + str(number)) for number in range(40)
    ]
    state, _ = lived(*visits, *tickets)
    data = msgspec.msgpack.encode(state)
    assert len(data) <= MAX_BYTES
    assert msgspec.msgpack.decode(data, type=MeasuresState) == state
