"""The customers' own activity, day by day, in proportion to their interest.

Each habit is a Poisson process of ``rate of the segment * rhythm of the customer * interest`` a
day; calls come more often from those with open tickets.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from touchstream.simulator import words
from touchstream.simulator.customers import Floats, Ints
from touchstream.simulator.event_log import CURRENCY, Event, hours
from touchstream.simulator.segments import SEGMENTS
from touchstream.simulator.today import Today

CALLS_PER_OPEN_TICKET = 2.0
RETURN_SHARE = 0.06
RETURN_HOURS = (72.0, 240.0)
ORDER_SPREAD = 0.35
"""Standard deviation of log(amount) between the orders of one customer."""
CONTENT_MOOD = 0.5
"""Above it customers praise, below they complain."""
ERROR_SHARE = 0.01
SEARCH_SHARE = 0.05
TAGGED_SHARE = 0.1
INBOUND_SHARE = 0.9
STORE_ORDER_SHARE = 0.2
MOST_STARS = 5


class Scene(NamedTuple):
    """Customers who do it today, once per occurrence, with the moment (ms since midnight)."""

    today: Today
    who: Ints
    moments: list[int]

    def pick(self, among: Sequence[str], weights: Sequence[float] | None = None) -> list[str]:
        """Draw one for each."""
        if weights is None:
            drawn = self.today.rng.integers(0, len(among), len(self.who)).tolist()
        else:
            drawn = self.today.rng.choice(len(among), size=len(self.who), p=weights).tolist()
        return [among[index] for index in drawn]

    def durations(self, mean_s: float) -> list[int]:
        """Whole seconds, exponential."""
        lengths: list[int] = self.today.rng.exponential(mean_s, len(self.who)).astype(int).tolist()
        return lengths

    def happens(self, share: float) -> list[bool]:
        """Yes or no for each."""
        drawn: list[bool] = (self.today.rng.random(len(self.who)) < share).tolist()
        return drawn

    def amounts_minor(self) -> list[int]:
        """Money around each one's usual basket."""
        baskets = self.today.traits.basket_minor[self.who]
        spread = self.today.rng.normal(0.0, ORDER_SPREAD, len(self.who))
        amounts: list[int] = np.maximum(baskets * np.exp(spread), 1).astype(int).tolist()
        return amounts


def write_habits(today: Today) -> None:
    """Write down everything that today's customers do by habit."""
    present = np.flatnonzero(today.here)
    for kind, tell in HABITS.items():
        who = np.repeat(present, today.rng.poisson(_expected(kind, today, present)))
        if len(who):
            scene = Scene(today, who, today.moments(who).tolist())
            _note_all(kind, scene, tell(scene))


def _expected(kind: str, today: Today, present: Ints) -> Floats:
    rate = np.array([segment.habits.get(kind, 0.0) for segment in SEGMENTS])
    traits, latent = today.traits, today.latent
    expected: Floats = rate[traits.segment[present]] * traits.rhythm[present] * today.activity
    if kind == "call.ended":
        return expected * (1 + CALLS_PER_OPEN_TICKET * latent.open_tickets[present])
    return expected * latent.interest[present]


def _note_all(kind: str, scene: Scene, details: Sequence[Event]) -> None:
    names, note = scene.today.names, scene.today.event_log.note
    for index, offset_ms, data in zip(scene.who.tolist(), scene.moments, details, strict=True):
        note(kind, names[index], offset_ms, data)


def _web_visits(scene: Scene) -> list[Event]:
    fading = scene.today.latent.fading[scene.who].tolist()
    calm_pages = scene.pick(words.PAGES, words.CALM_PAGES)
    fading_pages = scene.pick(words.PAGES, words.FADING_PAGES)
    visits: list[Event] = [
        {"page": worried if fades else calm, "duration_s": seconds, "device": device}
        for fades, calm, worried, seconds, device in zip(
            fading,
            calm_pages,
            fading_pages,
            scene.durations(70.0),
            scene.pick(words.DEVICES),
            strict=True,
        )
    ]
    _embellish(scene, visits)
    return visits


def _embellish(scene: Scene, visits: list[Event]) -> None:
    extras = (
        (ERROR_SHARE, lambda: {"error": True}),
        (SEARCH_SHARE, lambda: {"search": _one(scene, words.SEARCHES)}),
        (
            TAGGED_SHARE,
            lambda: {
                "referrer": _one(scene, words.REFERRERS),
                "utm_source": "newsletter",
                "utm_medium": "email",
                "utm_campaign": f"week-{scene.today.day // 7}",
                "product": _one(scene, words.PRODUCTS),
            },
        ),
    )
    for share, extra in extras:
        for index in np.flatnonzero(scene.happens(share)).tolist():
            visits[index].update(extra())


def _one(scene: Scene, among: Sequence[str]) -> str:
    return among[int(scene.today.rng.integers(len(among)))]


def _forms(scene: Scene) -> list[Event]:
    return [
        {"form": form, "intent": intent, "text": "Please call me back."}
        for form, intent in zip(scene.pick(words.FORMS), scene.pick(words.INTENTS), strict=True)
    ]


def _streams(scene: Scene) -> list[Event]:
    return [
        {"content": content, "seconds": seconds}
        for content, seconds in zip(
            scene.pick(words.CONTENTS), scene.durations(1500.0), strict=True
        )
    ]


def _gatherings(scene: Scene) -> list[Event]:
    return [{"name": name} for name in scene.pick(words.GATHERINGS)]


def _store_visits(scene: Scene) -> list[Event]:
    return [
        {"store": store, "duration_s": seconds}
        for store, seconds in zip(scene.pick(words.STORES), scene.durations(900.0), strict=True)
    ]


def _carts(scene: Scene) -> list[Event]:
    return [{"amount_minor": amount, "currency": CURRENCY} for amount in scene.amounts_minor()]


def _orders(scene: Scene) -> list[Event]:
    numbers = [scene.today.event_log.number() for _ in scene.moments]
    orders = [
        {
            "order": f"o{number}",
            "amount_minor": amount,
            "currency": CURRENCY,
            "channel": "store" if in_store else "online",
            "items": [{"sku": product, "category": category, "quantity": 1, "price_minor": amount}],
        }
        for number, amount, in_store, product, category in zip(
            numbers,
            scene.amounts_minor(),
            scene.happens(STORE_ORDER_SHARE),
            scene.pick(words.PRODUCTS),
            scene.pick(words.CATEGORIES),
            strict=True,
        )
    ]
    _plan_returns(scene, orders)
    return orders


def _plan_returns(scene: Scene, orders: Sequence[Event]) -> None:
    for index in np.flatnonzero(scene.happens(RETURN_SHARE)).tolist():
        back_ms = scene.moments[index] + hours(scene.today.rng.uniform(*RETURN_HOURS))
        order = orders[index]
        scene.today.event_log.note(
            "order.returned",
            scene.today.names[int(scene.who[index])],
            back_ms,
            {
                "order": order["order"],
                "amount_minor": order["amount_minor"],
                "currency": CURRENCY,
                "reason": _one(scene, words.RETURN_REASONS),
            },
        )


def _refused_payments(scene: Scene) -> list[Event]:
    return [
        {"amount_minor": amount, "currency": CURRENCY, "reason": reason}
        for amount, reason in zip(scene.amounts_minor(), scene.pick(words.REFUSALS), strict=True)
    ]


def _calls(scene: Scene) -> list[Event]:
    rows = zip(
        scene.happens(INBOUND_SHARE),
        scene.durations(240.0),
        scene.durations(45.0),
        scene.durations(20.0),
        scene.pick(words.TOPICS, words.TOPIC_WEIGHTS),
        scene.pick(words.CALL_PURPOSES, (0.8, 0.1, 0.1)),
        scene.pick(words.CALL_OUTCOMES, (0.7, 0.2, 0.1)),
        strict=True,
    )
    return [
        {
            "call": f"call-{scene.today.event_log.number()}",
            "direction": "inbound" if inbound else "outbound",
            "duration_s": duration,
            "queue_s": queue if inbound else 0,
            "hold_s": hold,
            "transfers": hold // 30,
            "topic": topic,
            "purpose": purpose,
            "outcome": outcome,
            "cost_minor": 200 + duration,
            "currency": CURRENCY,
        }
        for inbound, duration, queue, hold, topic, purpose, outcome in rows
    ]


def _reviews(scene: Scene) -> list[Event]:
    mood = scene.today.mood()[scene.who]
    stars = np.clip(np.rint(1 + 4 * mood + scene.today.rng.normal(0, 0.7, len(mood))), 1, 5)
    return [
        {
            "rating": int(rating),
            "rating_max": MOST_STARS,
            "product": product,
            "text": praise if rating > MOST_STARS / 2 else grumble,
        }
        for rating, product, praise, grumble in zip(
            stars.tolist(),
            scene.pick(words.PRODUCTS),
            scene.pick(words.PRAISE),
            scene.pick(words.GRUMBLES),
            strict=True,
        )
    ]


def _mentions(scene: Scene) -> list[Event]:
    pleased = (scene.today.mood()[scene.who] > CONTENT_MOOD).tolist()
    return [
        {"network": network, "text": praise if is_pleased else grumble}
        for network, is_pleased, praise, grumble in zip(
            scene.pick(words.NETWORKS),
            pleased,
            scene.pick(words.PRAISE),
            scene.pick(words.GRUMBLES),
            strict=True,
        )
    ]


HABITS: dict[str, Callable[[Scene], list[Event]]] = {
    "web.visit": _web_visits,
    "web.form_submitted": _forms,
    "content.streamed": _streams,
    "event.attended": _gatherings,
    "store.visited": _store_visits,
    "cart.abandoned": _carts,
    "order.placed": _orders,
    "payment.failed": _refused_payments,
    "call.ended": _calls,
    "review.posted": _reviews,
    "social.mentioned": _mentions,
}
"""Event type -> its data, in the order in which random numbers are drawn."""
