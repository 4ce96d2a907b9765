"""Amounts spent and returned, in the currency of most orders.

All are missing before the first order.
"""

from math import log1p

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


FEATURES = (
    Feature(spend_minor, LN_MINOR, "amount spent so far", ("order",), ages=True),
    Feature(
        spend_quarter_minor, LN_MINOR, "amount spent in the last quarter", ("order",), ages=True
    ),
    Feature(order_value_minor, LN_MINOR, "size of the usual order", ("order",), ages=True),
    Feature(returned_share, "0..1", "share of orders given back", ("order",), ages=True),
)
"""Function, unit, text, and the event families that it is derived from."""
