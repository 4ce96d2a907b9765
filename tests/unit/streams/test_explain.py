"""Reasons add up to the risk, and the customer's events verify each."""

from collections.abc import Sequence
from math import log, log1p

import msgspec
import numpy as np
import pytest

from tests.make import (
    SILENCE_KILLS,
    arrival,
    daily,
    event,
    fired,
    folded,
    last_state,
    live,
    model,
    models,
    moment,
    state_of,
)
from touchstream.schemas.envelope import Event
from touchstream.schemas.units import Millis
from touchstream.streams.decide.bands import Crossing
from touchstream.streams.explain import explain
from touchstream.streams.explanation import PLAIN, ExplainedReason, Explanation
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.history import Heard, History, Past, relive
from touchstream.streams.intake.decode import Arrival
from touchstream.streams.learn.basis import NAMES
from touchstream.streams.learn.models.recency import RecencyRule
from touchstream.streams.learn.snapshot import ModelData
from touchstream.streams.projections.projection import TimerFired
from touchstream.streams.proof import verify
from touchstream.streams.state import State

TICKETS_KILL = model(open_ticket_count=2.0, web_month=-1.0)
TICKETS = (
    event("web.visit", "d0"),
    event("ticket.opened", "d1", ticket="t1"),
    event("ticket.opened", "d2", ticket="t2"),
)


def explained(
    *happened: Event, knows: ModelData, clock: str = "d3", read: Sequence[Event] | None = None
) -> Explanation:
    """Put to the proof by the events ``read``; by default all that happened."""
    active_config, state = models(clock, knows=knows), State(profile=folded(*happened))
    emitted = explain(state, active_config)
    assert emitted is not None
    found = happened if read is None else read
    past = [Past(one, active=one.type in {"web.visit", "order.placed"}) for one in found]
    return verify(emitted, state, History(past, folded(*found) if found else None), active_config)


def reason(emitted: Explanation, feature: str) -> ExplainedReason:
    return next(one for one in emitted.reasons if one.feature == feature)


def test_every_unit_of_the_catalogue_can_be_said_in_plain_words() -> None:
    assert {feature.unit for feature in FEATURES.features} <= PLAIN.keys()


def test_a_reason_says_what_it_adds_and_the_value_as_people_count() -> None:
    emitted = explained(event("order.placed", "d0"), knows=SILENCE_KILLS, clock="d21")
    found = reason(emitted, "silence_days")
    assert (found.text, found.value, found.unit) == (
        "time since the last sign of life",
        21.0,
        "days",
    )
    assert found.contribution == pytest.approx(4 * log(22), abs=0.01)  # rounded as the ledger does
    assert found.sentence == "silent for 21 days (usual: none)"


def test_where_the_strongest_feature_cannot_be_told_the_next_one_is() -> None:
    emitted = explained(*TICKETS, knows=model(oldest_open_ticket_days=2.0, open_ticket_count=1.0))
    [found] = emitted.reasons
    assert (found.feature, found.sentence) == (
        "oldest_open_ticket_days",
        "a ticket opened 2 days ago is open (usual: none)",
    )
    young = explained(
        *TICKETS[:2],
        knows=model(oldest_open_ticket_days=2.0, open_ticket_count=1.0),
        clock="d1 12:00",
    )
    [found] = young.reasons
    assert (found.feature, found.sentence) == ("open_ticket_count", "1 ticket open (usual: none)")


def test_a_reason_that_cannot_be_told_has_no_sentence() -> None:
    [found] = explained(event("web.visit", "d0"), knows=model(known_days=1.0)).reasons
    assert (found.feature, found.sentence) == ("known_days", None)


def test_rest_and_reasons_add_up_to_the_ln_odds() -> None:
    emitted = explained(*TICKETS, knows=TICKETS_KILL)
    added = sum(one.contribution for one in emitted.reasons)
    assert emitted.rest + added == pytest.approx(emitted.log_odds, abs=1e-3)


def test_the_weightiest_reason_comes_first() -> None:
    emitted = explained(*TICKETS, knows=TICKETS_KILL)
    assert [one.feature for one in emitted.reasons] == ["open_ticket_count", "web_month"]


def test_a_reason_is_verified_if_the_risk_falls_without_its_events() -> None:
    found = reason(explained(*TICKETS, knows=TICKETS_KILL), "open_ticket_count")
    # The visit alone is left: log-odds -ln(1 + 2^(-3/28)).
    assert (found.contribution, found.verified) == (4.0, True)
    assert found.risk_without == pytest.approx(1 / (2 + 2 ** (-3 / 28)), abs=1e-3)


def test_a_reason_for_staying_is_verified_if_the_risk_rises_without_its_events() -> None:
    emitted = explained(event("web.visit", "d0"), knows=model(web_month=-1.0))
    found = reason(emitted, "web_month")
    assert (found.contribution < 0, found.verified, found.risk_without) == (True, True, 0.5)


def test_what_is_about_the_same_events_is_one_reason_in_the_words_of_its_weightiest() -> None:
    emitted = explained(*TICKETS, knows=model(open_ticket_count=1.0, ticket_month=-3.0))
    (found,) = emitted.reasons
    assert (found.feature, found.about) == ("ticket_month", ("ticket",))
    assert [part.feature for part in found.parts] == ["ticket_month", "open_ticket_count"]
    assert found.contribution == pytest.approx(sum(part.contribution for part in found.parts))
    assert found.moved == pytest.approx(-found.contribution, abs=1e-3)
    assert found.events == 2


def test_a_reason_is_not_verified_if_its_events_say_more_against_it() -> None:
    emitted = explained(event("web.visit", "d0"), knows=model(web_month=1.0, activity_count=-3.0))
    assert reason(emitted, "web_month").verified is False
    assert reason(emitted, "activity_count").verified is True


def test_what_is_of_no_event_cannot_be_put_to_the_proof() -> None:
    emitted = explained(event("web.visit", "d0"), knows=model(known_days=1.0))
    found = reason(emitted, "known_days")
    assert (found.about, found.verified, found.risk_without) == ((), None, None)


def test_without_their_signs_of_life_a_customer_is_known_for_as_long() -> None:
    emitted = explained(event("web.visit", "d0"), knows=model(known_days=1.0, activity_count=1.0))
    # ln(1 + 3 days) is left of the log-odds, that is 4 to 1.
    assert reason(emitted, "activity_count").risk_without == pytest.approx(0.8, abs=1e-4)


def test_a_model_without_reasons_has_nothing_to_verify() -> None:
    emitted = explained(*TICKETS, knows=model())
    assert emitted.reasons == ()


def test_a_whole_history_differs_in_nothing() -> None:
    emitted = explained(*TICKETS, knows=TICKETS_KILL)
    assert emitted.proof is not None
    assert (emitted.proof.differing, emitted.proof.events, emitted.proof.first_ms) == (
        (),
        3,
        moment("d0"),
    )


def test_a_history_without_its_beginning_says_which_features_it_gets_wrong() -> None:
    emitted = explained(event("email.delivered"), *TICKETS, knows=TICKETS_KILL, read=TICKETS)
    assert emitted.proof is not None
    assert emitted.proof.differing == ("email_month",)


def test_what_the_log_has_lost_does_not_count_as_left_out() -> None:
    knows = model(email_month=9.0, open_ticket_count=-1.0)
    emitted = explained(event("email.delivered"), *TICKETS, knows=knows, read=TICKETS)
    # Else the lost e-mail would pull the log-odds down while the tickets' absence pushes them up.
    assert reason(emitted, "open_ticket_count").verified is True
    assert reason(emitted, "email_month").verified is None


def test_where_no_event_is_left_nothing_is_proved() -> None:
    emitted = explained(*TICKETS, knows=TICKETS_KILL, read=())
    assert [one.verified for one in emitted.reasons] == [None, None]


def test_a_reason_says_how_far_it_moved_since_the_last_emission() -> None:
    active_config = models("d21", knows=SILENCE_KILLS)
    state = state_of(
        profile=folded(event("order.placed", "d0")),
        crossing=Crossing(moment("d14"), up=True),
        last_emitted_contributions=FEATURES.groups.pack([1.5] * len(FEATURES.groups.all)),
        last_emitted_risk=0.24,
    )
    emitted = explain(state, active_config)
    assert emitted is not None
    found = reason(emitted, "silence_days")
    assert found.change == pytest.approx(4 * log(22) - 1.5, abs=0.01)
    assert emitted.before is not None
    assert (emitted.before.at_ms, emitted.before.risk) == (moment("d14"), 0.24)


def test_before_the_first_emission_nothing_has_changed() -> None:
    emitted = explain(
        State(profile=folded(event("order.placed"))), models("d9", knows=SILENCE_KILLS)
    )
    assert emitted is not None
    assert (emitted.before, emitted.reasons[0].change) == (None, None)


def test_the_recency_rule_gives_its_one_reason() -> None:
    rule = RecencyRule()
    rule.widen(list(NAMES[1:]))
    for days, label in ((2, 0), (2, 0), (21, 1), (21, 1)):
        row = np.full(len(NAMES), log1p(days))
        rule.learn(row, row, label, 1.0)
    knows = msgspec.structs.replace(model(), estimator=rule.data())
    emitted = explained(event("order.placed", "d0"), knows=knows, clock="d21")
    (found,) = emitted.reasons
    assert (found.feature, found.value) == ("silence_days", 21.0)
    assert found.contribution == pytest.approx(log(3), abs=1e-4)  # 3 of 4, where all are 1 of 2
    assert emitted.log_odds == pytest.approx(found.contribution + emitted.rest)


def test_nothing_is_explained_before_the_first_tick() -> None:
    assert explain(State(profile=folded(event("order.placed"))), models(None)) is None


def test_nothing_is_explained_of_an_erased_customer() -> None:
    assert explain(State(erased_ms=moment("d1")), models("d2")) is None


def heard(*happenings: Arrival | TimerFired) -> list[Heard | TimerFired]:
    return [
        one if isinstance(one, TimerFired) else Heard(one, one.event.time_ms) for one in happenings
    ]


def counted(*happenings: Arrival | TimerFired) -> list[Millis]:
    """The moments of the events that counted."""
    return [past.event.time_ms for past in relive(heard(*happenings), models("d60")).events]


def test_an_event_sent_twice_counts_once() -> None:
    assert counted(arrival("web.visit", "d1"), arrival("web.visit", "d1")) == [moment("d1")]


def test_what_came_too_late_does_not_count() -> None:
    late, in_time = arrival("web.visit", "d1"), arrival("web.visit", "d15")
    assert counted(*daily(19, 20), late, in_time) == [moment("d15")]


def test_what_was_erased_does_not_count() -> None:
    erased = arrival("customer.erased", "d2")
    happened = (arrival("web.visit", "d1"), erased, arrival("web.visit", "d3"))
    assert counted(*happened) == [moment("d3")]


def test_ticks_that_were_passed_before_do_not_turn_the_clock_back() -> None:
    late = arrival("web.visit", "d1")
    assert counted(*daily(19, 20), *daily(1, 2), late) == []


def test_reliving_gives_the_profile_that_the_workers_keep() -> None:
    # Reopened after it was forgotten, a ticket counts from then: ticks matter, not events alone.
    first: tuple[Arrival | TimerFired, ...] = (
        arrival("ticket.opened", "d1"),
        arrival("ticket.resolved", "d2"),
        *daily(3, 30),
        arrival("ticket.reopened", "d30 12:00"),
    )
    active_config = models("d0", knows=SILENCE_KILLS)
    kept = last_state(live((wake_0(), *first), active_config)).profile
    assert kept is not None
    assert kept.tickets["t1"].opened_ms == moment("d30 12:00")
    assert relive(heard(wake_0(), *first), active_config).profile == kept


def wake_0() -> TimerFired:
    return fired("d0")


def test_an_explanation_is_data() -> None:
    emitted = explained(*TICKETS, knows=TICKETS_KILL)
    assert msgspec.json.decode(msgspec.json.encode(emitted), type=Explanation) == emitted
