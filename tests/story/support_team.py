"""The support team of chapter 8: Ada, a rep in Istanbul, and Lale, the lead.

The pure core gets touchpoints and emits alerts, the notifier's core turns them into messages, and
the answers of the reps are touchpoints again. There is no service and no clock but ``at``, in local
time. The model is made by hand: an open ticket or a long silence is a high risk.
"""

from datetime import UTC, datetime, timedelta

from tests.agents.notifier.harness import NotifierUnderTest
from tests.make import event, knowing, model, record
from touchstream.agents.channels.message import Message
from touchstream.agents.settings import Settings
from touchstream.schemas.emissions.alerts import AlertCleared, AlertRaised
from touchstream.schemas.emissions.envelope import Emission, decode_emission
from touchstream.schemas.rules import (
    AlertRules,
    BandRules,
    ChurnRules,
    DecidingRules,
    LearningRules,
    RoutingRules,
    Rules,
)
from touchstream.schemas.tick import ActiveConfig, Tick
from touchstream.schemas.topics import ALERTS_TOPIC
from touchstream.schemas.units import DAY_MS, MINUTE_MS, Millis
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.scorer import compile_version
from touchstream.streams.local import LocalStream

RULES = Rules(
    churn=ChurnRules(horizon_days=91),
    bands=BandRules(
        medium_enter=0.7, medium_leave=0.6, high_enter=0.75, high_leave=0.7, cooldown_days=0
    ),
    learning=LearningRules(minimum_examples=100),
    deciding=DecidingRules(epsilon=0.0, holdout=0.0),
    alerts=AlertRules(),
    routing=(RoutingRules(queue="business", plan=("business",)),),
)
HOURS = {"time_zone": "Europe/Istanbul", "quiet_hours": "18:00-08:30", "channels": ("chat",)}
SETTINGS = Settings.model_validate(
    {
        "channels": [{"name": "chat", "kind": "slack", "url": "https://chat.example.com/x"}],
        "reps": [
            {
                **HOURS,
                "id": "ada",
                "name": "Ada",
                "capacity_per_day": 4,
                "digest_hours": [17],
                "answer_within_minutes": 120,
                "escalate_to": "lale",
            },
            {
                **HOURS,
                "id": "lale",
                "name": "Lale",
                "role": "lead",
                "quiet_hours": "19:00-08:30",
                "digest_hours": [18],
            },
        ],
        "queues": [{**HOURS, "id": "support"}, {**HOURS, "id": "business"}],
    }
)
ROUND_MINUTES = 5
UTC_OFFSET = timedelta(hours=3)


def local_ms(at: str) -> Millis:
    """A moment of the team's wall clock, such as ``2026-12-01 09:00``."""
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC) - UTC_OFFSET
    return Millis(int(moment.timestamp()) * 1_000)


class SupportTeam:
    """Core and notifier, one after the other, under one clock."""

    def __init__(self, begins: str) -> None:
        self.stream = LocalStream(RULES)
        known = knowing(model(intercept=-12.0, silence_days=4.0, open_ticket_count=14.0))
        self.stream.scorers[0] = compile_version(known, RULES, FEATURES.digest)
        self.notifier = NotifierUnderTest(SETTINGS, "2026-01-01 00:00")
        self.emissions: list[Emission] = []
        self._ticks = 0
        self._midnight_ms = Millis(local_ms(begins) // DAY_MS * DAY_MS)
        self.notifier.now_ms = self._midnight_ms
        self._tick()

    def happens(self, at: str, kind: str, *customers: str, **data: object) -> None:
        """A touchpoint of each reaches the core, and the notifier what the core makes of them."""
        self.wait_until(at)
        happened = [event(kind, local_ms(at), one, None, "team", **data) for one in customers]
        self.stream.feed(0, [record(one) for one in happened])
        self._pass_on()
        self.notifier.run()

    def answers(self, at: str, rep: str, customer: str, answer: str, **more: object) -> None:
        """A rep answers the newest alert about a customer."""
        self.wait_until(at)
        alert = self.raised(customer)[-1].alert
        facts = {"alert": alert, "verdict": answer, "rep": rep, **more}
        self.happens(at, "alert.feedback", customer, **facts)

    def wait_until(self, at: str) -> "SupportTeam":
        """Let time pass: a tick of the core at midnight UTC, a round of the notifier often."""
        end_ms = local_ms(at)
        while self._midnight_ms + DAY_MS <= end_ms:
            self._rounds_until(Millis(self._midnight_ms + DAY_MS))
            self._midnight_ms = Millis(self._midnight_ms + DAY_MS)
            self._tick()
        self._rounds_until(end_ms)
        return self

    def received(self, recipient: str, since: str, until: str) -> list[Message]:
        """The messages to a recipient from ``since`` on and before ``until``."""
        first_ms, end_ms = local_ms(since), local_ms(until)
        return [
            message
            for name, message in self.notifier.sent
            if name == recipient and first_ms <= message.time_ms < end_ms
        ]

    def carries_out(self, at: str, customer: str, outcome: str) -> None:
        """The action that was recommended with the newest alert about a customer has an outcome."""
        self.wait_until(at)
        action = self.raised(customer)[-1].action
        assert action is not None
        facts = {"decision": action.decision, "action": action.action, "outcome": outcome}
        self.happens(at, "action.outcome", customer, **facts)

    def raised(self, customer: str) -> list[AlertRaised]:
        """The alerts about a customer, in order."""
        return [
            one.data
            for one in self.emissions
            if one.subject == customer and type(one.data) is AlertRaised
        ]

    def endings(self) -> dict[str, str]:
        """Customer -> why their alert is over."""
        return {
            one.subject: one.data.why
            for one in self.emissions
            if isinstance(one.data, AlertCleared)
        }

    def waiting_in(self, index: str) -> list[str]:
        """The customers of an index of the store, the highest priority first."""
        members = self.stream.shards[0].indexes.get(index, {})
        return sorted(members, key=lambda name: -members[name])

    def _rounds_until(self, end_ms: Millis) -> None:
        while self.notifier.now_ms + ROUND_MINUTES * MINUTE_MS <= end_ms:
            self.notifier.now_ms = Millis(self.notifier.now_ms + ROUND_MINUTES * MINUTE_MS)
            self.notifier.run()
        self.notifier.now_ms = end_ms
        self.notifier.run()

    def _tick(self) -> None:
        self._ticks += 1
        config = ActiveConfig(model_version=0, rules=RULES.digest(), features=FEATURES.digest)
        tick = Tick(number=self._ticks, time_ms=self._midnight_ms, active_config=config)
        self.stream.turn(self.stream.shards[0], tick)
        self._pass_on()

    def _pass_on(self) -> None:
        outbox = self.stream.shards[0].outbox
        for entry in outbox:
            if entry.topic == ALERTS_TOPIC:
                emission, _ = decode_emission(entry.event)
                self.emissions.append(emission)
                self.notifier.enter(emission)
        outbox.clear()
