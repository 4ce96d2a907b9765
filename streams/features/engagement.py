"""Interest without buying, survey scores, and the state of the subscription."""

from math import log1p

from touchstream.schemas.units import DAY_MS
from touchstream.streams.features.feature import LN_COUNT, Feature
from touchstream.streams.features.view import View
from touchstream.streams.profiles.decay import lately_at


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


FEATURES = (
    Feature(web_month, LN_COUNT, "web visits in the last month", ("web",)),
    Feature(leaving_month, LN_COUNT, "looking at prices or at how to leave", ("web",)),
    Feature(email_month, LN_COUNT, "e-mails in the last month", ("email",)),
    Feature(content_month, LN_COUNT, "content used in the last month", ("content",)),
    Feature(survey_score, "0..1", "what the last survey said", ("survey",)),
    Feature(subscription_running, "0/1", "a running subscription", ("subscription",)),
    Feature(
        subscription_days_left, "d", "time left in the running term", ("subscription",), ages=True
    ),
)
"""Function, unit, text, and the event families that it is derived from."""
