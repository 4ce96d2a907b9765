"""The open alerts of every evening of a world, and the truth about their customers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from touchstream.agents.history.lines import parse_line
from touchstream.schemas.rules import AlertRules, Rules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.simulator import Day, SaveableGroup, World
from touchstream.simulator.segments import BUSINESS, HOUSEHOLD, STREAMER, Segment
from touchstream.streams.learn.ledger import MILLION
from touchstream.streams.local import LocalStream
from touchstream.streams.projections.alert_state import OpenAlert
from touchstream.streams.projections.indexes import ALERTS_INDEX
from touchstream.streams.projections.read import alerts_of
from touchstream.streams.records import Record
from touchstream.streams.state import decode

ACTION = "call_by_owner"
"""What a person does about an alert."""
CHURN = "churn"
RULES = Rules(alerts=AlertRules(kinds=(CHURN,)))
WARM_UP_DAYS = 100
"""Four weeks until the first label, and ten of learning."""
SELDOM = 0.2
"""Acceptance of everybody outside of a planted group, as a share of the group's."""


def _plans(segment: Segment) -> SaveableGroup:
    return SaveableGroup(plans=frozenset(name for name, _ in segment.plans), others=SELDOM)


GROUPS: Mapping[str, SaveableGroup] = {
    "business": _plans(BUSINESS),
    "household": _plans(HOUSEHOLD),
    "streamer": _plans(STREAMER),
    "everyone": SaveableGroup(),
}
"""The customers who can be kept: the most valuable ones, those of middling value, the least
valuable ones, and all alike."""


class Offered(NamedTuple):
    """An open alert at the end of a day."""

    customer: str
    plan: str
    """Empty: a lead, who has none."""
    risk: float
    """As the alert shows it, 0..1."""
    score: float
    """Its priority, in minor units."""
    value_minor: float
    """True worth of a year of the customer."""
    saved: Mapping[str, float]
    """Planted group -> true P(the action keeps a customer who would leave within the horizon)."""

    def acceptance(self, group: str) -> float:
        """P(accepts), as a share of that of the planted group: 1 within it."""
        return GROUPS[group].factor_of(self.plan)

    def saved_minor(self, group: str) -> float:
        """The value that is saved if a person sees to the alert, in expectation."""
        return self.saved[group] * self.value_minor


class Evening(NamedTuple):
    """The open alerts at the end of a day."""

    alerts: Sequence[Offered]
    raised: int
    """Customers among them who had none the evening before."""


def evenings(
    world: World, rules: Rules = RULES, warm_up_days: int = WARM_UP_DAYS
) -> Iterator[Evening]:
    """Run the core over the world, a tick a day; every evening after warming up.

    Nobody is treated: every way to choose is compared on the same customers, and the groups are
    those of one world, because a group shows in nothing but the answers to a treatment.
    """
    stream, offset, before = LocalStream(rules), 0, set[str]()
    for day in world.days():
        records = list(_records(day, offset))
        offset += len(records)
        stream.feed(0, records)
        stream.tick(day.start_ms + DAY_MS)
        alerts = _offered(world, stream, rules) if day.number >= warm_up_days else ()
        now = {alert.customer for alert in alerts}
        if day.number > warm_up_days:
            yield Evening(alerts, len(now - before))
        before = now


def _records(day: Day, offset: int) -> Iterator[Record]:
    for number, line in enumerate(day.lines, offset):
        value = line.to_bytes()
        yield Record(number, Millis(line.received_ms), parse_line(value).key, value)


def _offered(world: World, stream: LocalStream, rules: Rules) -> Sequence[Offered]:
    [shard] = stream.shards
    names = sorted(shard.indexes.get(ALERTS_INDEX, {}))
    horizon_days = rules.churn.horizon_days
    values, plans = world.true_yearly_values(), world.plans()
    saves = {
        name: world.true_saves(horizon_days, ACTION, names, saveable=group)
        for name, group in GROUPS.items()
    }
    return [
        Offered(
            name,
            plans.get(name, ""),
            alert.millionths / MILLION,
            alert.score,
            values.get(name, 0.0),
            {group: saved.get(name, 0.0) for group, saved in saves.items()},
        )
        for name in names
        for alert in _open(shard.states[name])
    ]


def _open(state: bytes) -> Sequence[OpenAlert]:
    alerts = alerts_of(decode(state))
    return () if alerts is None else alerts.open
