"""The segments of customers in the world, and their rates of activity."""

from types import MappingProxyType

from msgspec import Struct


class Segment(Struct, frozen=True, kw_only=True):
    """Common traits of one segment; rates are per day at full interest."""

    name: str
    share: float
    """Share of all customers, 0..1; the shares of all segments add up to 1."""
    churn_per_day: float
    """Hazard of a content customer of long standing: exp(b0) in ``simulator/hazard.py``."""
    fading_per_day: float
    """Chance that interest begins to fade."""
    tickets_per_day: float
    payment_failure: float
    """Chance at each renewal."""
    repricing: float
    """Chance at each renewal that it costs more from there on."""
    term_days: int
    """Term of the subscription; 0: buys without one."""
    plans: tuple[tuple[str, int], ...]
    """(name, price of a term in minor units); for a shopper the plan is the loyalty card."""
    silent_share: float
    """Share of departures that are silent instead of a cancellation."""
    basket_minor: int
    """Median order."""
    sales_led: bool
    """Comes as a lead and signs a deal."""
    habits: MappingProxyType[str, float]
    """Event type -> rate; ``simulator/habits.py`` has the data of each."""


def _habits(**rates: float) -> MappingProxyType[str, float]:
    return MappingProxyType({name.replace("__", "."): rate for name, rate in rates.items()})


STREAMER = Segment(
    name="streamer",
    share=0.40,
    churn_per_day=0.0004,
    fading_per_day=0.0030,
    tickets_per_day=0.004,
    payment_failure=0.04,
    repricing=0.05,
    term_days=30,
    plans=(("basic", 799), ("standard", 1299), ("family", 1799)),
    silent_share=0.10,
    basket_minor=1_500,
    sales_led=False,
    habits=_habits(
        content__streamed=0.50,
        web__visit=0.12,
        web__form_submitted=0.002,
        order__placed=0.004,
        cart__abandoned=0.004,
        call__ended=0.003,
        review__posted=0.002,
        social__mentioned=0.003,
    ),
)

SHOPPER = Segment(
    name="shopper",
    share=0.30,
    churn_per_day=0.0007,
    fading_per_day=0.0035,
    tickets_per_day=0.003,
    payment_failure=0.0,
    repricing=0.0,
    term_days=0,
    plans=(("loyalty", 0),),
    silent_share=1.0,
    basket_minor=4_200,
    sales_led=False,
    habits=_habits(
        web__visit=0.30,
        order__placed=0.045,
        cart__abandoned=0.03,
        store__visited=0.04,
        web__form_submitted=0.003,
        call__ended=0.004,
        payment__failed=0.001,
        review__posted=0.004,
        social__mentioned=0.002,
    ),
)

HOUSEHOLD = Segment(
    name="household",
    share=0.22,
    churn_per_day=0.0004,
    fading_per_day=0.0020,
    tickets_per_day=0.010,
    payment_failure=0.05,
    repricing=0.06,
    term_days=30,
    plans=(("fibre_100", 2490), ("fibre_500", 3490), ("mobile", 1490)),
    silent_share=0.05,
    basket_minor=6_000,
    sales_led=False,
    habits=_habits(
        web__visit=0.20,
        content__streamed=0.15,
        web__form_submitted=0.006,
        order__placed=0.003,
        cart__abandoned=0.002,
        store__visited=0.006,
        call__ended=0.015,
        review__posted=0.001,
        social__mentioned=0.002,
    ),
)

BUSINESS = Segment(
    name="business",
    share=0.08,
    churn_per_day=0.0003,
    fading_per_day=0.0020,
    tickets_per_day=0.012,
    payment_failure=0.03,
    repricing=0.10,
    term_days=90,
    plans=(("team", 45_000), ("company", 150_000)),
    silent_share=0.05,
    basket_minor=80_000,
    sales_led=True,
    habits=_habits(
        web__visit=0.70,
        content__streamed=0.05,
        event__attended=0.02,
        web__form_submitted=0.010,
        order__placed=0.006,
        call__ended=0.025,
        review__posted=0.001,
        social__mentioned=0.002,
    ),
)

SEGMENTS = (STREAMER, SHOPPER, HOUSEHOLD, BUSINESS)
