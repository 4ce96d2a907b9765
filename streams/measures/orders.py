"""Orders, revenue and returns by currency."""

from collections.abc import Callable
from typing import Any

from touchstream.schemas.touchpoints.orders import OrderPlaced, OrderReturned
from touchstream.schemas.units import Millis
from touchstream.streams.measures.metric import OTHER, Dimension, Measure, Metric

_ISO_4217 = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP "
    "BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
    "GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR "
    "KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK "
    "MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR "
    "SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS "
    "UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG"
)
CURRENCIES = frozenset(_ISO_4217.split())
"""ISO 4217, currencies of countries; any other code is counted as ``other``."""

_CODES = (*sorted(CURRENCIES), OTHER)
_COUNTED = (Dimension("currency", _CODES),)
_CURRENCY = (Dimension("currency", _CODES, adds_up=False),)

METRICS = (
    Metric("orders", "counter", "orders", "Orders placed.", _COUNTED),
    Metric(
        "revenue",
        "sum",
        "minor units",
        "Amounts of the orders placed, returns not deducted; its n is the number of orders. "
        "Amounts of different currencies are never added up.",
        _CURRENCY,
    ),
    Metric("returns", "counter", "returns", "Orders, or parts of them, that came back.", _COUNTED),
    Metric(
        "refunds",
        "sum",
        "minor units",
        "Amounts paid back for returns, on the day of the return; its n is their number.",
        _CURRENCY,
    ),
)


def order_placed(at_ms: Millis, data: OrderPlaced) -> tuple[Measure, ...]:
    currency = _currency(data.currency)
    return (
        Measure("orders", currency, 1, at_ms),
        Measure("revenue", currency, data.amount_minor, at_ms),
    )


def order_returned(at_ms: Millis, data: OrderReturned) -> tuple[Measure, ...]:
    currency = _currency(data.currency)
    return (
        Measure("returns", currency, 1, at_ms),
        Measure("refunds", currency, data.amount_minor, at_ms),
    )


def _currency(code: str) -> tuple[str]:
    return (code if code in CURRENCIES else OTHER,)


BY_DATA: dict[type, Callable[[Millis, Any], tuple[Measure, ...]]] = {
    OrderPlaced: order_placed,
    OrderReturned: order_returned,
}
"""Type of an event's data -> its measures."""
