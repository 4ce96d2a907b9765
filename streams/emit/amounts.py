"""Values as people read them: how precise, in which unit, rounded which way.

The words are the languages'; the rules of rounding are here alone:

- Durations are rounded down, so that "silent for 19 days" stays true: whole seconds, minutes and
  seconds below an hour, hours below two days, then days.
- Shares are per cent, rounded down to one decimal; counts are whole.
- Amounts of money have as many decimals as their currency has minor units.
- A usual value is as precise as a person needs it: half up to whole days, seconds and units; shares
  and less than two days as above.
"""

from decimal import Decimal
from math import floor
from typing import Literal, NamedTuple

from touchstream.schemas.emissions.risk import ReasonUnit

AmountUnit = Literal["count", "seconds", "minutes", "hours", "days", "percent", "money"]

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_LEAST_DAYS = 2
"""Less is told in hours: "1 day" would be anything from 24 to 47 of them."""
_CAN_BE_NOTHING = frozenset({"count", "seconds", "percent"})


class Amount(NamedTuple):
    """A value as shown, without words."""

    unit: AmountUnit
    number: int | float | Decimal
    """Whole; per cent with at most one decimal; money with the decimals of its currency."""
    seconds: int = 0
    """Beside minutes: 0 to 59."""
    currency: str = ""

    @property
    def is_nothing(self) -> bool:
        """Whether a language says "none": no count, no time, no share."""
        return self.unit in _CAN_BE_NOTHING and not self.number


def amount(value: float, unit: ReasonUnit, currency: str = "") -> Amount:
    """A value of a reason, in ``unit``, as it is shown.

    >>> amount(0.1239, "share").number, amount(1.6, "days")[:2]
    (12.3, ('hours', 38))
    """
    match unit:
        case "count":
            return Amount("count", int(value))
        case "days":
            return duration_amount(value * _DAY_S)
        case "seconds":
            return duration_amount(value)
        case "share":
            return Amount("percent", floor(round(1_000 * value, 6)) / 10)
        case "minor_units":
            return money_amount(value, currency)


def usual_amount(usual: float, unit: ReasonUnit, currency: str = "") -> Amount:
    """A usual value, as precise as a person needs it.

    >>> usual_amount(3.5, "days")[:2], usual_amount(1.5, "days")[:2]
    (('days', 4), ('hours', 36))
    """
    exact = unit == "share" or (unit == "days" and usual < _LEAST_DAYS)
    return amount(usual if exact else floor(usual + 0.5), unit, currency)


def duration_amount(seconds: float) -> Amount:
    """A duration, rounded down to what a person needs.

    >>> duration_amount(400)[:3], duration_amount(30 * 3_600)[:2]
    (('minutes', 6, 40), ('hours', 30))
    """
    # The product of days and seconds may fall just short of a second.
    whole = floor(seconds + 1e-6)
    if whole < _MINUTE_S:
        return Amount("seconds", whole)
    if whole < _HOUR_S:
        return Amount("minutes", *divmod(whole, _MINUTE_S))
    if whole < _LEAST_DAYS * _DAY_S:
        return Amount("hours", whole // _HOUR_S)
    return Amount("days", whole // _DAY_S)


def is_just_now(seconds: float) -> bool:
    """Whether an event is too young for an age."""
    return seconds < _MINUTE_S


def money_amount(minor: float, currency: str) -> Amount:
    """An amount in minor units of an ISO 4217 currency.

    >>> money_amount(1_250, "EUR").number, money_amount(1_250, "JPY").number
    (Decimal('12.50'), Decimal('1250'))
    """
    digits = 0 if currency in _WITHOUT_MINOR else 3 if currency in _IN_THOUSANDTHS else 2
    return Amount("money", Decimal(f"{minor / 10**digits:.{digits}f}"), currency=currency)


_WITHOUT_MINOR = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"}
    | {"RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"}
)
_IN_THOUSANDTHS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
"""ISO 4217; all other currencies have hundredths."""
