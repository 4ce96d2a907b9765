"""Amounts spent and returned, in the currency of most orders.

All are missing before the first order.
"""

from math import log1p

from touchstream.streams.features.fact import (
    Fact,
    Statement,
    days_since,
    exactly,
    incomparable,
    same,
    summed,
)
from touchstream.streams.features.feature import LN_MINOR, Feature
from touchstream.streams.features.view import View
from touchstream.streams.profiles.decay import QUARTER_DAYS, lately_at


def spend_minor(view: View) -> float | None:
    """ln(1 + minor units spent).

    >>> view = seen(
    ...     "d9",
    ...     event("order.placed", "d1", amount_minor=250),
    ...     event("order.placed", "d2", amount_minor=50),
    ... )
    >>> round(expm1(spend_minor(view)), 9)
    300.0
    """
    return None if view.money is None else log1p(view.money.ordered_minor)


def spend_quarter_minor(view: View) -> float | None:
    """ln(1 + minor units spent with a half-life of 91 d).

    >>> view = seen("d91", event("order.placed", "d0", amount_minor=250))
    >>> round(expm1(spend_quarter_minor(view)), 9)
    125.0
    """
    if view.money is None or view.money.lately is None:
        return None
    return log1p(lately_at(view.money.lately, view.at_ms, QUARTER_DAYS))


def order_value_minor(view: View) -> float | None:
    """ln(1 + mean minor units per order).

    >>> view = seen(
    ...     "d9",
    ...     event("order.placed", "d1", amount_minor=250),
    ...     event("order.placed", "d2", amount_minor=50),
    ... )
    >>> round(expm1(order_value_minor(view)), 9)
    150.0
    """
    if view.money is None:
        return None
    return log1p(view.money.ordered_minor / view.money.order_count)


def returned_share(view: View) -> float | None:
    """Returned over ordered amount, 0 to 1.

    >>> view = seen(
    ...     "d9",
    ...     event("order.placed", "d1", amount_minor=250),
    ...     event("order.returned", "d2", amount_minor=50),
    ... )
    >>> round(returned_share(view), 9)
    0.2
    """
    if view.money is None or not view.money.ordered_minor:
        return None
    return min(1.0, view.money.returned_minor / view.money.ordered_minor)


def _spending(view: View) -> Fact | None:
    """Spent in the last 91 days, against the customer's own average."""
    money = view.money
    if money is None or money.lately is None:
        return None
    return summed(
        "spending_91_days",
        "minor_units",
        lately_at(money.lately, view.at_ms, QUARTER_DAYS),
        money.ordered_minor,
        days_since(view, money.lately.at_ms),
        QUARTER_DAYS,
        view.known_days,
        currency=view.currency,
    )


def _returned(view: View) -> Fact | None:
    share = returned_share(view)
    return (
        None if share is None else exactly("returned_share", "share", share, "above", ordinary=0.0)
    )


FEATURES = (
    Feature(spend_minor, LN_MINOR, "amount spent so far", ("order",), ages=True),
    Feature(
        spend_quarter_minor,
        LN_MINOR,
        "amount spent, half-life 91 d",
        ("order",),
        ages=True,
        # Currencies of different customers do not compare.
        says=(Statement(_spending, incomparable),),
    ),
    Feature(order_value_minor, LN_MINOR, "size of the usual order", ("order",), ages=True),
    Feature(
        returned_share,
        "0..1",
        "share of orders given back",
        ("order",),
        ages=True,
        says=(Statement(_returned, same),),
    ),
)
"""Function, unit, text, and the event families that it is derived from."""
