"""Interest without buying, survey scores, and the state of the subscription."""

from math import log1p

from touchstream.schemas.emissions.risk import ReasonKind
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.features.fact import (
    NEWS_DAYS,
    Fact,
    Statement,
    counted,
    days_since,
    exactly,
    incomparable,
    of_window,
    same,
    summed,
)
from touchstream.streams.features.feature import LN_COUNT, Feature
from touchstream.streams.features.view import View
from touchstream.streams.profiles.decay import MONTH_DAYS, lately_at
from touchstream.streams.profiles.profile import Subscription


def web_month(view: View) -> float:
    """ln(1 + web events with a half-life of 28 d).

    >>> view = seen("d28", event("web.visit", "d0"))
    >>> round(expm1(web_month(view)), 9)
    0.5
    """
    return view.lately("web")


def leaving_month(view: View) -> float:
    """ln(1 + views of prices and of how to leave, with a half-life of 28 d).

    >>> view = seen(
    ...     "d28",
    ...     event("web.visit", "d0", page="/account/cancel"),
    ...     event("web.visit", "d1"),
    ... )
    >>> round(expm1(leaving_month(view)), 9)
    0.5
    """
    held = view.profile.leaving
    return 0.0 if held is None else log1p(lately_at(held, view.at_ms))


def email_month(view: View) -> float:
    """ln(1 + e-mail events with a half-life of 28 d).

    >>> view = seen("d28", event("email.delivered", "d0"))
    >>> round(expm1(email_month(view)), 9)
    0.5
    """
    return view.lately("email")


def content_month(view: View) -> float:
    """ln(1 + content events with a half-life of 28 d).

    >>> view = seen("d28", event("content.streamed", "d0"))
    >>> round(expm1(content_month(view)), 9)
    0.5
    """
    return view.lately("content")


def survey_score(view: View) -> float | None:
    """The newest survey score, 0 worst to 1 best; missing before the first answer.

    >>> view = seen("d9", event("survey.answered", "d1", kind="nps", score=3.0))
    >>> round(survey_score(view), 9)
    0.3
    """
    surveys = view.profile.surveys
    if not surveys:
        return None
    return max((answer.at_ms, answer.score) for answer in surveys.values())[1]


def subscription_running(view: View) -> float | None:
    """1 while a subscription runs, 0 after its end; missing before the first one.

    >>> view = seen("d9", event("subscription.started", "d1", term_days=30))
    >>> round(subscription_running(view), 9)
    1.0
    """
    subscription = view.profile.subscription
    return None if subscription is None else float(subscription.running(view.at_ms))


def subscription_days_left(view: View) -> float | None:
    """Days to the end of the running term, up to 365; missing without an end.

    >>> view = seen("d9", event("subscription.started", "d1", term_days=30))
    >>> round(subscription_days_left(view), 9)
    22.0
    """
    subscription = view.profile.subscription
    if subscription is None or subscription.ends_ms is None or not subscription.running(view.at_ms):
        return None
    return min(365.0, (subscription.ends_ms - view.at_ms) / DAY_MS)


SURVEY_NEWS_DAYS = 91
"""Customers are asked about once a quarter; an older answer is no news."""

SOON_DAYS = 56
"""An end of the term that is farther away calls for nothing yet."""

_RENEWALS: tuple[ReasonKind, ...] = (
    "subscription_started",
    "subscription_renewed",
    "subscription_changed",
)
"""By :attr:`Subscription.rank`."""


def _family(view: View, kind: ReasonKind, family: str) -> Fact | None:
    """Events of a family in the last 28 days, against the customer's own average."""
    held = view.profile.families.get(family)
    if held is None:
        return None
    return summed(
        kind,
        "count",
        lately_at(held, view.at_ms),
        held.count,
        days_since(view, held.at_ms),
        MONTH_DAYS,
        view.known_days,
        "either",
    )


def _web(view: View) -> Fact | None:
    return _family(view, "web_28_days", "web")


def _emails(view: View) -> Fact | None:
    return _family(view, "emails_28_days", "email")


def _content(view: View) -> Fact | None:
    return _family(view, "content_28_days", "content")


def _leaving(view: View) -> Fact:
    held = view.profile.leaving
    count = 0 if held is None else held.count
    return counted(view, "leaving_views_28_days", "leaving", count=count)


def _survey(view: View) -> Fact | None:
    surveys = view.profile.surveys
    if not surveys:
        return None
    at_ms, score = max((answer.at_ms, answer.score) for answer in surveys.values())
    if days_since(view, at_ms) >= SURVEY_NEWS_DAYS:
        return None
    return exactly("survey_score", "share", score, "below", at_ms=at_ms)


def _subscription(view: View) -> Fact | None:
    """The newest change of the subscription, if it is news."""
    subscription = view.profile.subscription
    if subscription is None:
        return None
    kind, at_ms = _change(subscription, view.at_ms)
    if days_since(view, at_ms) >= NEWS_DAYS:
        return None
    running = subscription.running(view.at_ms)
    # The moment counts, not a comparison, so it is always above what is ordinary.
    return exactly(
        kind,
        "days",
        days_since(view, at_ms),
        "below" if running else "above",
        at_ms=at_ms,
        ordinary=-1.0,
    )


def _change(subscription: Subscription, now_ms: Millis) -> tuple[ReasonKind, Millis]:
    if subscription.cancelled:
        return "subscription_cancelled", subscription.at_ms
    if subscription.ends_ms is not None and not subscription.running(now_ms):
        return "subscription_expired", subscription.ends_ms
    return _RENEWALS[subscription.rank], subscription.at_ms


def _term_end(view: View) -> Fact | None:
    subscription = view.profile.subscription
    if subscription is None or subscription.ends_ms is None or not subscription.running(view.at_ms):
        return None
    left_days = (subscription.ends_ms - view.at_ms) / DAY_MS
    if left_days > SOON_DAYS:
        return None
    return exactly("term_end", "days", left_days, "below")


FEATURES = (
    Feature(
        web_month,
        LN_COUNT,
        "web events, half-life 28 d",
        ("web",),
        says=(Statement(_web, of_window),),
    ),
    Feature(
        leaving_month,
        LN_COUNT,
        "looks at prices or at how to leave, half-life 28 d",
        ("web",),
        says=(Statement(_leaving, of_window),),
    ),
    Feature(
        email_month,
        LN_COUNT,
        "e-mail events, half-life 28 d",
        ("email",),
        says=(Statement(_emails, of_window),),
    ),
    Feature(
        content_month,
        LN_COUNT,
        "content used, half-life 28 d",
        ("content",),
        says=(Statement(_content, of_window),),
    ),
    Feature(
        survey_score,
        "0..1",
        "score of the last survey",
        ("survey",),
        says=(Statement(_survey, same),),
    ),
    Feature(
        subscription_running,
        "0/1",
        "a running subscription",
        ("subscription",),
        says=(Statement(_subscription, incomparable),),
    ),
    Feature(
        subscription_days_left,
        "d",
        "time left in the running term",
        ("subscription",),
        ages=True,
        says=(Statement(_term_end, same),),
    ),
)
"""Function, unit, text, event families that it is derived from, and how it is told."""
