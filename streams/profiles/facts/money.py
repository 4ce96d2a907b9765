"""Orders, returns and failed payments."""

from touchstream.schemas.touchpoints.orders import OrderPlaced, OrderReturned, PaymentFailed
from touchstream.schemas.units import Millis
from touchstream.streams.profiles.decay import QUARTER_DAYS, add_lately
from touchstream.streams.profiles.facts.facts import Changes, Facts
from touchstream.streams.profiles.profile import BOUNDS, Money, Profile
from touchstream.streams.profiles.recent import noted


def _ordered(profile: Profile, at_ms: Millis, data: OrderPlaced) -> Changes:
    held = profile.money.get(data.currency, Money())
    money = Money(
        min(BOUNDS.sum_minor, held.ordered_minor + data.amount_minor),
        held.order_count + 1,
        held.returned_minor,
        add_lately(held.lately, at_ms, float(data.amount_minor), QUARTER_DAYS),
    )
    return _with_money(profile, data.currency, money)


def _returned(profile: Profile, _: Millis, data: OrderReturned) -> Changes:
    held = profile.money.get(data.currency, Money())
    returned_minor = min(BOUNDS.sum_minor, held.returned_minor + data.amount_minor)
    money = Money(held.ordered_minor, held.order_count, returned_minor, held.lately)
    return _with_money(profile, data.currency, money)


def _with_money(profile: Profile, currency: str, money: Money) -> Changes:
    # The new one, not the oldest, whose sums would be lost.
    if currency not in profile.money and len(profile.money) >= BOUNDS.currencies:
        return {}
    return {"money": {**profile.money, currency: money}}


def _failed(profile: Profile, at_ms: Millis, _: PaymentFailed) -> Changes:
    return {"recent": noted(profile.recent, "payment_failed", at_ms)}


FACTS: Facts = {
    OrderPlaced: _ordered,
    OrderReturned: _returned,
    PaymentFailed: _failed,
}
