"""A notifier's core under a clock of the test's own: events in, messages out."""

from datetime import UTC, datetime
from typing import Any

from tests.make import silent
from touchstream.agents.channels.message import Delivery as Outcome
from touchstream.agents.channels.message import Message
from touchstream.agents.notifier.book import Book, Delivery
from touchstream.agents.notifier.compose import Composer
from touchstream.agents.notifier.directory import Directory
from touchstream.agents.notifier.events import apply
from touchstream.agents.notifier.outcomes import Destinations, after_attempt, ready_at
from touchstream.agents.notifier.rounds import pass_time
from touchstream.agents.settings import Settings
from touchstream.schemas.emissions.alerts import (
    AlertChange,
    AlertCleared,
    AlertRaised,
    AlertUpdated,
    ClearedBecause,
    Priority,
    Snooze,
)
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.customer_risk import LastAction
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.rules import Band
from touchstream.schemas.touchpoints.actions import Rating
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.emit.alerts import alert_emission

CONSOLE = "https://console.example.com"
DELIVERED = Outcome("delivered", 200)
SILENCE = silent()


def ms(text: str) -> Millis:
    """A moment in UTC, such as ``2026-11-30 09:00``."""
    return Millis(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000)


class NotifierUnderTest:
    """One book, its people and its clock."""

    def __init__(self, settings: Settings, now: str) -> None:
        self.directory = Directory(settings)
        self.destinations = Destinations({one.name: "d" for one in settings.channels})
        self.book = Book()
        self.stored: dict[str, bytes] = {}
        self.now_ms = ms(now)
        self.sent: list[tuple[str, Message]] = []
        """(recipient, message) of every attempt that was delivered."""
        self.answer = DELIVERED
        self._causes = 0

    def at(self, now: str) -> "NotifierUnderTest":
        """Move the clock, and let time pass."""
        self.now_ms = ms(now)
        return self.run()

    def run(self) -> "NotifierUnderTest":
        """One round: decide, attempt what is due, enter what came of it."""
        pass_time(self.book, self.directory, self.now_ms)
        composer = Composer(self.directory, CONSOLE)
        for delivery in ready_at(self.book, composer, self.destinations, self.now_ms):
            self._attempt(delivery)
        self.commit()
        return self

    def commit(self) -> None:
        """Store what changed."""
        for name, data in self.book.changes().items():
            if data is None:
                self.stored.pop(name, None)
            else:
                self.stored[name] = data

    def restart(self) -> "NotifierUnderTest":
        """Lose what is only in memory."""
        self.book = Book.read(self.stored.items())
        return self

    def _attempt(self, delivery: Delivery) -> None:
        assert delivery.message is not None  # by ready_at
        if self.answer.well:
            self.sent.append((delivery.recipient, delivery.message))
        after_attempt(
            self.book, self.directory, self.destinations, delivery, self.answer, self.now_ms
        )

    def raise_alert(
        self,
        customer: str,
        score: float = 100.0,
        *,
        owner: str | None = "ada",
        queue: str = "support",
        band: Band = "high",
    ) -> str:
        """An alert was raised; its id."""
        alert = f"alert-{customer}"
        self._enter(customer, AlertRaised(**self._facts(alert, score, owner, queue, band)))
        return alert

    def update(
        self,
        customer: str,
        *changed: AlertChange,
        score: float = 100.0,
        owner: str | None = "ada",
        band: Band = "high",
        snoozed: bool = False,
        by: str | None = None,
    ) -> None:
        """Something about it changed."""
        facts = self._facts(f"alert-{customer}", score, owner, "support", band)
        snooze = Snooze(next_touchpoint=True) if snoozed else None
        data = AlertUpdated(**facts, changed=changed, snooze=snooze, acknowledged_by=by)
        self._enter(customer, data)

    def clear(
        self, customer: str, why: ClearedBecause = "recovered", rating: Rating | None = None
    ) -> None:
        """It is over."""
        data = AlertCleared(
            alert=f"alert-{customer}",
            kind="churn",
            owner="ada",
            queue="support",
            why=why,
            rating=rating,
            raised=_datetime(self._moment()),
            cause=self._cause(),
        )
        self._enter(customer, data)

    def _enter(self, customer: str, data: AlertRaised | AlertUpdated | AlertCleared) -> None:
        self.enter(alert_emission(CustomerId(customer), data, self._moment()))

    def enter(self, emission: Emission) -> None:
        """An event of the topic arrived."""
        apply(self.book, self.directory, emission, self.now_ms)
        self.commit()

    def _moment(self) -> Millis:
        return self.now_ms

    def _cause(self) -> Cause:
        self._causes += 1
        return Cause(type="web.visit", source="shop", id=f"e{self._causes}")

    def _facts(
        self, alert: str, score: float, owner: str | None, queue: str, band: Band
    ) -> dict[str, Any]:
        now = _datetime(self._moment())
        return {
            "alert": alert,
            "kind": "churn",
            "owner": owner,
            "rep": owner,
            "queue": queue,
            "band": band,
            "risk": 0.8,
            "priority": Priority(
                score=score,
                risk=0.8,
                value_minor=125,
                currency="EUR",
                value_from="default",
                saveability=1.0,
                saveability_from="none",
            ),
            "reasons": (SILENCE,),
            "action": LastAction(action="call_by_owner", decision=None, recommended=now),
            "summary": "May leave.",
            "raised": now,
            "expires": _datetime(Millis(self._moment() + 14 * 86_400_000)),
            "cause": self._cause(),
        }

    def subjects(self, recipient: str = "ada") -> list[str]:
        """What a recipient was sent, message by message."""
        return [message.subject for name, message in self.sent if name == recipient]

    def types(self, recipient: str = "ada") -> list[str]:
        """The types of what a recipient was sent."""
        return [message.type for name, message in self.sent if name == recipient]


def _datetime(at_ms: Millis) -> datetime:
    return datetime.fromtimestamp(at_ms / 1_000, UTC)
