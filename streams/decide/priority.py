"""Priority of an alert: risk x value x saveability, the loss that a person can avert."""

from math import log
from typing import NamedTuple

from touchstream.schemas.emissions.alerts import ValueFrom
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.profiles.decay import QUARTER_DAYS, lately_at
from touchstream.streams.profiles.profile import Profile

YEAR_DAYS = 365
MONTH_DAYS = YEAR_DAYS / 12
UNLEARNT_SAVEABILITY = 1.0
"""Until responses to actions are learnt, nobody is taken to be easier to keep than another."""


class Value(NamedTuple):
    """The value of a customer in a year, in minor units of the catalogue's currency."""

    minor: int
    source: ValueFrom


def value_of(profile: Profile, at_ms: Millis, rules: Rules) -> Value:
    r"""The yearly value: orders of late and the subscription's price, else the default.

    Orders are a counter A with a half-life H of 91 d; at a steady rate it holds H / ln 2 days of
    them, so a year is

    .. math:: V = 365 A \ln 2 / H

    A young customer is valued low, by at most 2^(-k/91) after k days. A subscription without a term
    is taken to be monthly. Amounts in other currencies than ``deciding.currency`` do not count. The
    source is the larger part.
    """
    ordered = _ordered_in_a_year(profile, at_ms, rules.deciding.currency)
    subscribed = _subscribed_in_a_year(profile, at_ms, rules.deciding.currency)
    if not ordered and not subscribed:
        return Value(rules.alerts.default_value_minor, "default")
    return Value(ordered + subscribed, "orders" if ordered >= subscribed else "subscription")


def _ordered_in_a_year(profile: Profile, at_ms: Millis, currency: str) -> int:
    money = profile.money.get(currency)
    if money is None or money.lately is None:
        return 0
    amount = lately_at(money.lately, at_ms, QUARTER_DAYS)
    return round(YEAR_DAYS * amount * log(2) / QUARTER_DAYS)


def _subscribed_in_a_year(profile: Profile, at_ms: Millis, currency: str) -> int:
    held = profile.subscription
    if held is None or held.currency != currency or not held.running(at_ms):
        return 0
    term_days = MONTH_DAYS if held.ends_ms is None else (held.ends_ms - held.at_ms) / DAY_MS
    return round(held.amount_minor * YEAR_DAYS / max(1.0, term_days))


def score_of(millionths: int, value_minor: int, saveability: float) -> float:
    """The priority in minor units: the risk, in millionths, x the value x the saveability (0..1).

    >>> score_of(500_000, 12_000, 1.0)
    6000.0
    """
    return millionths * value_minor / 1_000_000 * saveability
