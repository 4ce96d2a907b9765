"""The town of the story: forty neighbours, and Mira, whose life the chapters follow.

Everybody orders every few days. Half of the neighbours leave one after the other, without a word;
from them the model learns what silence means. Mira falls silent on day 72, comes back on day 97
and asks to be forgotten on day 125. The rules are the defaults, but for a bolder
house: a town has few labels.
"""

from collections.abc import Iterator
from copy import deepcopy
from functools import cache

from tests.make import days, event, record
from touchstream.schemas.emissions.envelope import Emission, decode_emission
from touchstream.schemas.emissions.risk import RiskChanged
from touchstream.schemas.envelope import Event
from touchstream.schemas.rules import BandRules, LearningRules, Rules
from touchstream.schemas.topics import DEAD_LETTERS_TOPIC
from touchstream.streams.local import LocalStream
from touchstream.streams.records import Record
from touchstream.streams.state import State
from touchstream.streams.state import decode as decode_state

RULES = Rules(
    learning=LearningRules(minimum_examples=100, minimum_of_each=10, widest=1.0),
    bands=BandRules(medium_enter=0.6, high_enter=0.6, high_leave=0.6),
)
NEIGHBOURS = 40
LAST_DAY = 126
STRIDE = 7  # a town is grown from that of a week before, which is at hand
MIRA_FALLS_SILENT = 72
COMES_BACK = event(
    "web.visit", "d97 09:30", "mira", id="v-97", source="shop", page="/pricing", duration_s=42.0
)
"""The event that docs/walkthrough.md follows."""

ASKS = event("customer.erased", "d125 12:00", "mira", id="forget-me", source="shop")


class Town:
    """The pure core, fed day by day; a tick at every midnight."""

    def __init__(self) -> None:
        self.stream = LocalStream(RULES)
        self.day = 0
        self.last_emitted_contributions: list[Emission] = []
        """All that was emitted, in order."""
        self._events = sorted(_events(), key=lambda one: (one.time_ms, one.subject))
        self.stream.tick(days(0))

    def live_until(self, day: int) -> "Town":
        """Let days pass, up to and with the tick that begins ``day``."""
        while self.day < day:
            self.stream.feed(0, self.todays())
            self.day += 1
            self.stream.tick(days(self.day))
            self._listen()
        return self

    def state(self, customer: str) -> State | None:
        """The stored state of a customer."""
        data = self.stream.shards[0].states.get(customer)
        return None if data is None else decode_state(data)

    def said_of(self, customer: str) -> list[Emission]:
        """The emissions about a customer so far."""
        return [
            emission for emission in self.last_emitted_contributions if emission.subject == customer
        ]

    def crossings(self, customer: str) -> list[RiskChanged]:
        """Their changes of band so far."""
        predictions = self.said_of(customer)
        return [one.data for one in predictions if isinstance(one.data, RiskChanged)]

    def todays(self) -> list[Record]:
        """The records of the day that has begun, up to the next midnight."""
        after_ms, upto_ms = days(self.day), days(self.day + 1)
        return [record(one) for one in self._events if after_ms < one.time_ms <= upto_ms]

    def _listen(self) -> None:
        for entry in self.stream.emitted:
            if entry.topic != DEAD_LETTERS_TOPIC:
                self.last_emitted_contributions.append(decode_emission(entry.event)[0])
        self.stream.emitted.clear()


def town_on(day: int) -> Town:
    """The town at the beginning of ``day``, one of your own to go on with."""
    return deepcopy(_town_on(day))


@cache
def _town_on(day: int) -> Town:
    return town_on(day - STRIDE).live_until(day) if day > STRIDE else Town().live_until(day)


def _events() -> Iterator[Event]:
    for number in range(NEIGHBOURS):
        leaves = 15 + number if number % 2 else LAST_DAY
        yield from _orders(f"n{number:02d}", number % 5, 3 + number % 4, leaves, 9 + number % 9)
    yield from _orders("mira", 1, 4, MIRA_FALLS_SILENT, 10)
    yield COMES_BACK
    yield ASKS


def _orders(customer: str, first: int, every: int, leaves: int, hour: int) -> Iterator[Event]:
    for day in range(first, leaves, every):
        order = f"{customer}-{day}"
        yield event(
            "order.placed",
            days(day, hour),
            customer,
            id=order,
            order=order,
            amount_minor=2_500,
            currency="EUR",
        )
