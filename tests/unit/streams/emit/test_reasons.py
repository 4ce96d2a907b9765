"""Which facts are told of a crossing, and in which order."""

from collections.abc import Sequence
from math import log1p, nan

from tests.make import event, seen
from touchstream.schemas.emissions.risk import Direction, Reason, ReasonKind
from touchstream.schemas.envelope import Event
from touchstream.streams.emit.risk import reasons
from touchstream.streams.emit.sentences import Teller
from touchstream.streams.features.catalogue import FEATURES as CATALOGUE
from touchstream.streams.features.fact import Fact, Statement, exactly, same
from touchstream.streams.features.feature import Feature, FeatureList, Measure
from touchstream.streams.features.view import View

KINDS: tuple[ReasonKind, ...] = (
    "open_tickets",
    "calls_28_days",
    "payments_failed_28_days",
    "tickets_opened_28_days",
    "tickets_reopened_28_days",
    "leaving_views_28_days",
    "web_28_days",
)
USUAL, UNUSUAL = 1.0, 3.0
NOBODY = seen("d9", event("email.delivered"))


def named(name: str) -> Measure:
    def measure(view: View) -> float:
        return 0.0

    measure.__name__ = name
    return measure


def saying(kind: ReasonKind, value: float | None) -> Statement:
    def fact(view: View) -> Fact | None:
        return None if value is None else exactly(kind, "count", value, "either", usual=USUAL)

    return Statement(fact, same)


def listed(*values: float | None, groups: Sequence[str] | None = None) -> FeatureList:
    """Features f0, f1 ... whose facts have these values; None: there is nothing to tell."""
    names = groups or [f"kind {n}" for n in range(len(values))]
    return FeatureList(
        [
            Feature(named(f"f{n}"), "n", f"text {n}", (name,), says=(saying(KINDS[n], value),))
            for n, (value, name) in enumerate(zip(values, names, strict=True))
        ]
    )


SEVEN = listed(*[UNUSUAL] * 7)


def reasons_of(
    features: FeatureList,
    added: Sequence[float],
    direction: Direction = "raises",
    before: Sequence[float] | None = None,
) -> tuple[Reason, ...]:
    sums = features.groups.sums(added)
    return reasons(features, added, sums, before, Teller(NOBODY, lambda _: nan), direction)


def names(found: Sequence[Reason]) -> list[str]:
    return [reason.feature for reason in found]


def test_on_a_rise_only_what_raises_the_risk_is_told_the_strongest_first() -> None:
    assert names(reasons_of(SEVEN, [0.1, -0.9, 0.0, 0.5, 0.0, 0.0, 0.0])) == ["f3", "f0"]


def test_on_a_fall_only_what_lowers_it() -> None:
    assert names(reasons_of(SEVEN, [0.1, -0.5, 0.0, 0.5, -0.9, 0.0, 0.0], "lowers")) == ["f4", "f1"]


def test_of_a_fall_is_told_what_fell_though_it_still_speaks_for_leaving() -> None:
    pair = listed(UNUSUAL, UNUSUAL, groups=("visits", "visits"))
    [found] = reasons_of(pair, [1.0, -0.5], "lowers", before=[3.0])
    assert (found.feature, found.contribution, found.change, found.direction) == (
        "f1",
        0.5,
        -2.5,
        "lowers",
    )


def test_of_a_rise_is_not_told_what_still_speaks_for_staying() -> None:
    pair = listed(UNUSUAL, UNUSUAL, groups=("visits", "visits"))
    assert reasons_of(pair, [0.5, -1.0], before=[-3.0]) == ()


def test_no_more_than_five_reasons_are_given() -> None:
    assert len(reasons_of(SEVEN, [1.0] * 7)) == 5


def test_of_two_equal_reasons_the_first_feature_comes_first() -> None:
    assert names(reasons_of(SEVEN, [0.0, 0.3, 0.3, 0.0, 0.0, 0.0, 0.0])) == ["f1", "f2"]


def test_what_hardly_counts_is_no_reason() -> None:
    assert reasons_of(SEVEN, [0.009, 0.0099, 0.0, 0.0, 0.0, 0.0, 0.0]) == ()


def test_a_group_that_cannot_be_told_gives_its_place_to_the_next() -> None:
    features = listed(None, *[UNUSUAL] * 6)
    assert names(reasons_of(features, [7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0])) == [
        "f1",
        "f2",
        "f3",
        "f4",
        "f5",
    ]


def test_a_fact_at_its_usual_value_is_not_told() -> None:
    assert names(reasons_of(listed(USUAL, UNUSUAL), [2.0, 1.0])) == ["f1"]


def test_where_the_strongest_of_a_group_cannot_be_told_the_next_one_in_its_direction_is() -> None:
    group = listed(None, UNUSUAL, UNUSUAL, UNUSUAL, groups=("visits",) * 4)
    [found] = reasons_of(group, [2.0, -1.0, 0.25, 0.5])
    assert (found.feature, found.contribution) == ("f3", 1.75)


def test_where_only_what_pulls_the_other_way_could_be_told_the_group_is_left_out() -> None:
    group = listed(None, UNUSUAL, groups=("visits",) * 2)
    assert reasons_of(group, [2.0, -1.0]) == ()


def test_where_nothing_can_be_told_there_are_no_reasons() -> None:
    assert reasons_of(listed(None, USUAL), [2.0, 1.0]) == ()


def test_what_is_about_the_same_events_is_one_reason() -> None:
    trio = listed(UNUSUAL, UNUSUAL, UNUSUAL, groups=("visits", "visits", "tickets"))
    found = [(one.feature, one.contribution) for one in reasons_of(trio, [0.5, 0.25, 0.5])]
    assert found == [("f0", 0.75), ("f2", 0.5)]


def test_what_cancels_out_is_no_reason() -> None:
    assert reasons_of(listed(UNUSUAL, UNUSUAL, groups=("visits",) * 2), [-2.0, 2.005]) == ()


def test_a_reason_is_a_sentence_and_its_parts() -> None:
    [found] = reasons_of(listed(UNUSUAL), [0.51239], before=[0.2])
    assert found == Reason(
        feature="f0",
        text="3 tickets open, usually 1",
        contribution=0.5124,
        change=0.3124,
        kind="open_tickets",
        value=3.0,
        bound="exactly",
        unit="count",
        usual=1.0,
        compared_with="own",
        direction="raises",
    )


def test_without_an_earlier_emission_nothing_moved() -> None:
    assert reasons_of(SEVEN, [0.5, 0, 0, 0, 0, 0, 0])[0].change is None


def sentences(
    at: str, *happened: Event, pulls: str, means: float = 0.0, direction: Direction = "raises"
) -> list[str]:
    """The texts for a customer, where one feature contributes to the risk."""
    added = [float(name == pulls) for name in CATALOGUE.names]
    if direction == "lowers":
        added = [-one for one in added]
    sums, view = CATALOGUE.groups.sums(added), seen(at, *happened)
    found = reasons(CATALOGUE, added, sums, None, Teller(view, lambda _: means), direction)
    return [reason.text for reason in found]


def test_a_ticket_opened_this_second_has_not_been_open_for_long() -> None:
    ticket = event("ticket.opened", "d9")
    assert sentences("d9", ticket, pulls="oldest_open_ticket_days") == []
    assert sentences("d11", ticket, pulls="oldest_open_ticket_days") == [
        "a ticket opened 2 days ago is open (usual: none)"
    ]


def test_a_running_subscription_is_no_reason_to_leave() -> None:
    started = event("subscription.started", "d0")
    assert sentences("d9", started, pulls="subscription_running") == []
    assert sentences("d9", started, pulls="subscription_running", direction="lowers") == [
        "subscription started 9 days ago"
    ]


def test_what_happened_in_the_last_28_days_leaves_the_sentence_one_by_one() -> None:
    calls = [event("call.ended", f"d{day}", call=f"c{day}") for day in (1, 10)]
    found = [sentences(at, *calls, pulls="call_month") for at in ("d28", "d29", "d37", "d38")]
    assert found == [
        ["2 calls in the last 28 days (usual: none)"],
        ["1 call in the last 28 days (usual: none)"],
        ["1 call in the last 28 days (usual: none)"],
        [],
    ]


def test_a_wait_that_is_long_over_is_no_news() -> None:
    call = event("call.ended", "d0", queue_s=400.0)
    assert sentences("d27", call, pulls="wait_month_s") == [
        "waited 6 min 40 s in the last call, 27 days ago (usual: none)"
    ]
    assert sentences("d28", call, pulls="wait_month_s") == []


def test_more_than_can_be_counted_is_at_least_that() -> None:
    looks = [event("web.visit", f"d9 {hour}:00", page="/pricing") for hour in range(20)]
    assert sentences("d10", *looks, pulls="leaving_month") == [
        "at least 15 looks at prices or at how to leave in the last 28 days (usual: none)"
    ]


def test_compared_with_nobody_a_fact_stands_alone() -> None:
    ticket = event("ticket.opened", "d9")
    assert sentences("d9", ticket, pulls="open_ticket_count", means=nan) == ["1 ticket open"]


def test_long_silence_speaks_for_leaving_only() -> None:
    visit = event("web.visit", "d0")
    usual = log1p(4)
    assert sentences("d9", visit, pulls="silence_days", means=usual) == [
        "silent for 9 days (usual: 4 days)"
    ]
    assert sentences("d9", visit, pulls="silence_days", means=usual, direction="lowers") == []
    assert sentences("d1", visit, pulls="silence_days", means=usual) == []


def test_before_the_first_sign_of_life_the_customer_is_silent_since_they_are_known() -> None:
    known = event("email.delivered", "d0")
    assert sentences("d44", known, pulls="silence_days", means=log1p(2)) == [
        "no sign of life yet, known for 44 days (usual: 2 days)"
    ]


def test_where_a_fading_count_proves_nothing_the_silence_behind_it_is_told() -> None:
    visits = [event("web.visit", f"d{day}") for day in range(0, 100, 2)]
    assert sentences("d103", *visits, pulls="activity_week") == [
        "silent for 5 days, usually comes every 2"
    ]


def test_a_value_next_to_the_usual_one_is_not_told() -> None:
    answer = event("survey.answered", "d8", kind="nps", score=9.0)
    assert sentences("d9", answer, pulls="survey_score", means=0.91) == []
    assert sentences("d9", answer, pulls="survey_score", means=1.0) == [
        "scored 90 % in the last survey, 24 h ago (usual: 100 %)"
    ]
