"""Every feature at a low, a usual and a high value, and the sentence of each.

:mod:`tests.pages` writes them into docs/models.md.
"""

from collections.abc import Mapping, Sequence
from math import log, log1p, nan
from typing import Any, NamedTuple

from tests.make import days, event, seen
from touchstream.schemas.emissions.risk import Direction
from touchstream.schemas.envelope import Event
from touchstream.streams.emit.sentences import sentence
from touchstream.streams.features.catalogue import FEATURES

Life = tuple[Event, ...]
DIRECTIONS: tuple[Direction, ...] = ("raises", "lowers")


class Case(NamedTuple):
    """Lives in which one feature is low, usual and high at a moment, and what is told of each."""

    feature: str
    at: str
    low: Life
    usual: Life
    high: Life
    texts: tuple[str, str, str]
    """Nothing: at the usual value, or neither low nor high enough to be certain."""


def every(
    kind: str,
    first: int,
    last: int,
    step: int,
    **data: Any,  # noqa: ANN401 - fields of a type
) -> Life:
    """An event at every ``step`` days."""
    return tuple(event(kind, days(day), **data) for day in range(first, last + 1, step))


def visits(first: int, last: int, step: int) -> Life:
    return every("web.visit", first, last, step)


def tickets(*openings: str) -> Life:
    return tuple(
        event("ticket.opened", at, ticket=f"t{number}") for number, at in enumerate(openings)
    )


def reopened(*at: str) -> Life:
    return tuple(event("ticket.reopened", one, ticket="t0") for one in at)


def calls(*at: str) -> Life:
    return tuple(event("call.ended", one, call=f"call {one}") for one in at)


def call(at: str = "d297", **data: Any) -> Life:  # noqa: ANN401 - fields of a type
    return (event("call.ended", at, **data),)


def orders(first: int, last: int, step: int) -> Life:
    return every("order.placed", first, last, step, amount_minor=1_250)


def looks(*at: str) -> Life:
    return tuple(event("web.visit", one, page="/account/cancel") for one in at)


def survey(score: float) -> Life:
    return (event("survey.answered", "d295", kind="nps", score=score),)


def term(term_days: int) -> Life:
    return (event("subscription.started", "d0", term_days=term_days),)


KNOWN = (event("customer.updated", "d0"),)
"""The customer is known since day 0, and gave no sign of life."""

MEANS: Mapping[str, float] = {
    "silence_days": log1p(6),
    "returned_share": 0.05,
    "open_ticket_count": 0.1,
    "oldest_open_ticket_days": log1p(3),
    "ticket_month": log1p(0.1),
    "reopened_month": log1p(0.1),
    "call_last_s": log1p(300),
    "call_last_wait_s": log1p(80),
    "transfers_month": log1p(0.1),
    "payment_failed_month": log1p(0.1),
    "email_month": log1p(3 / log(2)),
    "content_month": log1p(3 / log(2)),
    "survey_score": 0.8,
    "subscription_days_left": 30.0,
}
"""The average customer, where the customers below are compared with them."""

HABIT = calls(*(f"d{day}" for day in range(5, 265, 28)))

CASES = (
    Case(
        "silence_days",
        "d300",
        (*visits(1, 297, 4), event("web.visit", "d299 22:00")),
        visits(0, 296, 4),
        visits(1, 281, 4),
        (
            "lowers: last seen 2 h ago, usually comes every 4 days",
            "",
            "raises: silent for 19 days, usually comes every 4",
        ),
    ),
    Case(
        "activity_week",
        "d30",
        visits(0, 22, 1),
        visits(0, 29, 1),
        (*visits(0, 0, 1), *(event("web.visit", f"d29 {hour}:00") for hour in range(6))),
        (
            "raises: no sign of life in the last 7 days, usually 5",
            "",
            "lowers: at least 5 signs of life in the last 7 days, usually 2",
        ),
    ),
    Case(
        "activity_month",
        "d250",
        (*visits(0, 120, 1), *visits(240, 240, 1)),
        visits(0, 249, 1),
        (*visits(0, 0, 1), *visits(241, 249, 1)),
        (
            "raises: at most 4 signs of life in the last 28 days, usually 14",
            "",
            "lowers: at least 6 signs of life in the last 28 days, usually 1",
        ),
    ),
    Case(
        "activity_quarter",
        "d400",
        visits(0, 300, 1),
        visits(0, 399, 1),
        (*visits(0, 0, 1), *visits(380, 399, 1)),
        (
            "raises: no sign of life in the last 91 days, usually 68",
            "",
            "lowers: at least 17 signs of life in the last 91 days, usually 5",
        ),
    ),
    Case(
        "spend_quarter_minor",
        "d400",
        orders(0, 300, 20),
        orders(0, 399, 20),
        (*orders(0, 0, 1), *orders(380, 399, 4)),
        (
            "raises: nothing spent in the last 91 days, usually 45.50 EUR",
            "",
            "lowers: at least 40.38 EUR spent in the last 91 days, usually 17.06 EUR",
        ),
    ),
    Case(
        "returned_share",
        "d300",
        orders(1, 281, 20),
        (*orders(1, 281, 20), event("order.returned", "d200", amount_minor=938)),
        (*orders(1, 281, 20), event("order.returned", "d200", amount_minor=7_500)),
        (
            "lowers: 0 % of the amount ordered was returned (usual: 5 %)",
            "",
            "raises: 40 % of the amount ordered was returned (usual: 5 %)",
        ),
    ),
    Case(
        "open_ticket_count",
        "d300",
        KNOWN,
        KNOWN,
        tickets("d290", "d299"),
        ("", "", "raises: 2 tickets open (usual: none)"),
    ),
    Case(
        "oldest_open_ticket_days",
        "d300",
        tickets("d298 12:00"),
        tickets("d297"),
        tickets("d288", "d299"),
        (
            "lowers: a ticket opened 36 h ago is open (usual: 3 days)",
            "",
            "raises: a ticket opened 12 days ago is open (usual: 3 days)",
        ),
    ),
    Case(
        "ticket_month",
        "d300",
        tickets("d200"),
        tickets("d271"),
        tickets("d273", "d290", "d299"),
        ("", "", "raises: 3 tickets opened in the last 28 days (usual: none)"),
    ),
    Case(
        "reopened_month",
        "d300",
        tickets("d290"),
        reopened("d272"),
        reopened("d273", "d299"),
        ("", "", "raises: tickets reopened 2 times in the last 28 days (usual: none)"),
    ),
    Case(
        "call_month",
        "d300",
        (*KNOWN, *HABIT),
        (*KNOWN, *HABIT, *calls("d290")),
        (*KNOWN, *HABIT, *calls("d280", "d290", "d299")),
        (
            "lowers: no call in the last 28 days, usually 1",
            "",
            "raises: 3 calls in the last 28 days, usually 1",
        ),
    ),
    Case(
        "call_last_s",
        "d300",
        call(duration_s=0.0),
        call(duration_s=300.0),
        call(duration_s=725.0),
        (
            "either: nobody spoke in the last call, 3 days ago (usual: 5 min)",
            "",
            "either: the last call took 12 min 5 s, 3 days ago (usual: 5 min)",
        ),
    ),
    Case(
        "call_last_wait_s",
        "d300",
        call(queue_s=0.0),
        call(queue_s=80.0),
        call(queue_s=400.0),
        (
            "lowers: did not wait in the last call, 3 days ago (usual: 1 min 20 s)",
            "",
            "raises: waited 6 min 40 s in the last call, 3 days ago (usual: 1 min 20 s)",
        ),
    ),
    Case(
        "transfers_month",
        "d300",
        call("d270", transfers=3),
        call(transfers=0),
        call(transfers=3),
        ("", "", "raises: transferred 3 times in the last call, 3 days ago (usual: none)"),
    ),
    Case(
        "wait_month_s",
        "d300",
        call(hold_s=10.0),
        call(hold_s=80.0),
        call(queue_s=60.0, hold_s=60.0),
        (
            "lowers: waited 10 s in the last call, 3 days ago (usual: 1 min 20 s)",
            "",
            "raises: waited 2 min in the last call, 3 days ago (usual: 1 min 20 s)",
        ),
    ),
    Case(
        "payment_failed_month",
        "d300",
        KNOWN,
        (*KNOWN, *every("payment.failed", 10, 10, 1)),
        (*KNOWN, *every("payment.failed", 280, 280, 1)),
        ("", "", "raises: 1 payment failed in the last 28 days, usually none"),
    ),
    Case(
        "web_month",
        "d140",
        visits(0, 100, 1),
        visits(0, 139, 1),
        (*visits(0, 0, 1), *visits(131, 139, 1)),
        (
            "either: no visit or form on the web in the last 28 days, usually 20",
            "",
            "either: at least 6 visits and forms on the web in the last 28 days, usually 2",
        ),
    ),
    Case(
        "leaving_month",
        "d300",
        KNOWN,
        (*KNOWN, *looks("d10")),
        (*KNOWN, *looks("d10", "d290", "d299", "d299 12:00")),
        (
            "",
            "",
            "raises: 3 looks at prices or at how to leave in the last 28 days, usually none",
        ),
    ),
    Case(
        "email_month",
        "d300",
        every("email.delivered", 0, 270, 7),
        every("email.delivered", 0, 299, 7),
        every("email.delivered", 290, 299, 1),
        (
            "either: no e-mail event in the last 28 days, usually 4",
            "",
            "either: 10 e-mail events in the last 28 days (usual: 3)",
        ),
    ),
    Case(
        "content_month",
        "d300",
        every("content.streamed", 250, 270, 1),
        every("content.streamed", 290, 294, 2),
        every("content.streamed", 290, 299, 1),
        (
            "either: no use of content in the last 28 days (usual: 3)",
            "",
            "either: 10 uses of content in the last 28 days (usual: 3)",
        ),
    ),
    Case(
        "survey_score",
        "d300",
        survey(3.0),
        survey(8.0),
        survey(10.0),
        (
            "raises: scored 30 % in the last survey, 5 days ago (usual: 80 %)",
            "",
            "lowers: scored 100 % in the last survey, 5 days ago (usual: 80 %)",
        ),
    ),
    Case(
        "subscription_running",
        "d300",
        term(297),
        term(365),
        (*term(297), event("subscription.renewed", "d296")),
        (
            "raises: the term of the subscription ended 3 days ago",
            "",
            "lowers: subscription renewed 4 days ago",
        ),
    ),
    Case(
        "subscription_days_left",
        "d300",
        term(312),
        term(330),
        term(350),
        (
            "raises: the term ends in 12 days (usual: 30 days)",
            "",
            "lowers: the term ends in 50 days (usual: 30 days)",
        ),
    ),
)

NEVER = {
    "known_days": "a fact of the past that nobody can change",
    "gap_count": "the silence and the counts say what changed",
    "gap_usual": "it is the usual value of `silence_days`",
    "gap_spread": "no person compares variances",
    "gap_last": "over, and a late event may fall into the gap",
    "activity_count": "a fact of the past that nobody can change",
    "activity_year": "a fact of the past that nobody can change",
    "spend_minor": "a fact of the past that nobody can change",
    "order_value_minor": "a fact of the past that nobody can change",
}
"""Features without a sentence, and why."""


def texts(case: Case) -> tuple[str, ...]:
    """What is told at the low, the usual and the high value."""
    return tuple(_text(case, life) for life in (case.low, case.usual, case.high))


def _text(case: Case, life: Sequence[Event]) -> str:
    """The sentence and the directions in which it may speak."""
    feature, view = FEATURES.features[FEATURES.names.index(case.feature)], seen(case.at, *life)
    found = {
        direction: words.text
        for direction in DIRECTIONS
        if (words := sentence(feature, view, _mean, direction)) is not None
    }
    if not found:
        return ""
    [text] = set(found.values())
    return f"{'either' if len(found) > 1 else next(iter(found))}: {text}"


def _mean(feature: str) -> float:
    return MEANS.get(feature, nan)
