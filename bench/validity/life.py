"""A world run through the pure core: every prediction beside the truth."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from math import inf, isnan, log1p
from typing import NamedTuple

from touchstream.agents.history.lines import parse_line
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.envelope import decode_emission
from touchstream.schemas.examples import Example
from touchstream.schemas.rules import Rules
from touchstream.schemas.topics import NEXT_BEST_ACTION_TOPIC
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.simulator import CustomerTruth, Day, Line, Outlook, World
from touchstream.streams.emit.identity import pseudonym
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.scorer import Score
from touchstream.streams.local import LocalStream
from touchstream.streams.outbox import Entry
from touchstream.streams.records import Record

PATHS = 64
"""Futures drawn for a true probability: 0.0075 off (root mean square), see the oracle."""

_SILENCE, _RUNNING = (
    FEATURES.names.index(name) for name in ("silence_days", "subscription_running")
)
HORIZON_SILENCE = log1p(28)
"""In the unit of ``silence_days``."""

Edit = Callable[[Day], Sequence[Line]]
"""Replaces the arrivals of a day."""


class Decision(NamedTuple):
    """A recommendation, and the truth on the midnight after it, before it was carried out."""

    customer: str
    at_ms: int
    """That midnight."""
    action: str
    risk: float
    """As served."""
    oracle: float
    """P(the label is 1 if nothing is done)."""


RetentionTeam = Callable[[Decision], bool]
"""Decides if a recommendation is carried out."""


class Row(NamedTuple):
    """A row of the label ledger, and the truth at its moment."""

    example: Example
    customer: str
    left: bool
    """Left the world within the horizon, or before the row was written."""
    present: bool
    """Was a customer at the row's moment."""
    oracle: Outlook
    """P(leaves within the horizon) and P(the label is 1), given everything."""

    @property
    def open(self) -> bool:
        """Still a customer as far as touchpoints show, by the ledger's own definition.

        A subscription runs, or there never was one and the last 28 days have a sign of life.
        """
        never = isnan(self.values[_RUNNING])
        return self.running or (never and self.values[_SILENCE] < HORIZON_SILENCE)

    @property
    def running(self) -> bool:
        """True: a subscription is running, by the features."""
        return self.values[_RUNNING] == 1

    @property
    def day_ms(self) -> int:
        """The midnight of the tick that wrote it."""
        return _midnight(self.example.at_ms)

    @property
    def values(self) -> tuple[float, ...]:
        """Its features, in the order of the list."""
        return FEATURES.unpack(base64.b64decode(self.example.vector))


class Life(NamedTuple):
    """A world that has come to its end."""

    world: World
    stream: LocalStream
    versions: Mapping[int, int]
    """Midnight -> the model version that its tick put in force."""
    decisions: Sequence[Decision]
    """Of customers; those of leads are left out."""

    @property
    def horizon_days(self) -> int:
        """Of the labels."""
        return self.stream.rules.churn.horizon_days

    def risk(self, row: "Row") -> float:
        """Prediction for a row of this or another life, by the version of its day."""
        return self.score(row, self.versions[row.day_ms]).risk

    def score(self, row: "Row", version: int) -> Score:
        """The same by any of its versions, with the interval."""
        scorer = self.stream.scorers[version][row.example.target]
        return scorer.score(row.values, row.example.at_ms)


def live(
    world: World, rules: Rules, *, edit: Edit | None = None, treat: RetentionTeam | None = None
) -> Life:
    """Take a world through the core, one tick a day.

    Parameters
    ----------
    edit
        Changes the arrivals.
    treat
        Which recommended actions are carried out, on the midnight after them; None: not any.
    """
    stream, decisions = LocalStream(rules), list[Decision]()
    stream.tick(world.now_ms - 1)
    versions: dict[int, int] = {}
    offset = 0
    for day in world.days():
        lines = day.lines if edit is None else edit(day)
        stream.feed(0, [_record(offset + place, line) for place, line in enumerate(lines)])
        offset += len(lines)
        emitted = len(stream.emitted)
        versions[world.now_ms] = stream.knowledge.version
        stream.tick(world.now_ms)
        choices = list(_recommended(stream.emitted[emitted:]))
        judged_ones = list(_judged_decisions(world, choices, rules.churn.horizon_days))
        decisions += judged_ones
        if treat:
            treated = {one.customer for one in judged_ones if treat(one)}
            _carry_out(world, [choice for choice in choices if choice[0] in treated])
    return Life(world, stream, versions, decisions)


def judged(life: Life, since_ms: int, paths: int = PATHS, every: int = 1) -> list[Row]:
    """The matured rows written at or after ``since_ms``, one in ``every``, with the truth.

    Customers who left continue to be scored, and labelled 1, forever: to measure how well leaving
    is *predicted*, take only the rows that are ``open``. Taking those that are ``present`` would be
    biased: a silent departure cannot be observed, and among customers who look alike those still
    there have the lower risk. Rows of leads are left out: they are not customers yet.
    """
    seed = life.stream.rules.seed
    truths = {pseudonym(truth.customer, seed): truth for truth in life.world.truth()}
    chosen = [
        (example, truth)
        for example in life.stream.examples
        if (truth := truths.get(example.customer)) is not None
        and truth.started_at < _midnight(example.at_ms) >= since_ms
    ][::every]
    asked = [(_midnight(example.at_ms), truth.customer) for example, truth in chosen]
    oracle = {
        day_ms: life.world.true_outlooks(day_ms, life.horizon_days, customers, paths)
        for day_ms, customers in _by_day(asked).items()
    }
    return [
        _row(example, truth, oracle[_midnight(example.at_ms)].get(truth.customer), life)
        for example, truth in chosen
    ]


def observed(world: World, rows: Sequence[Row], horizon_days: int) -> list[Outlook]:
    """The best possible prediction of each row from touchpoints alone.

    ``world`` is the rows' own, at its beginning; its customers are not treated. The rows are
    ``open``.
    """
    observer = world.observer()
    asked = _by_day([(row.day_ms, row.customer) for row in rows])
    outlooks: dict[tuple[int, str], Outlook] = {}
    for day in world.days():
        observer.see(
            [
                line.event
                for line in day.lines
                if line.fate == "applied" and not isinstance(line.event, bytes)
            ]
        )
        customers = asked.get(world.now_ms, [])
        for customer, outlook in observer.foresee(customers, horizon_days).items():
            outlooks[world.now_ms, customer] = outlook
    return [outlooks[row.day_ms, row.customer] for row in rows]


def _row(example: Example, truth: CustomerTruth, oracle: Outlook | None, life: Life) -> Row:
    left_ms = inf if truth.churned_at is None else truth.churned_at
    until_ms = _midnight(example.at_ms) + life.horizon_days * DAY_MS
    gone = oracle is None
    row = Row(example, truth.customer, left_ms <= until_ms, not gone, oracle or Outlook(1.0, 1.0))
    if gone and row.running:  # it will not be cancelled: the label is 0 until it has ended
        return row._replace(oracle=Outlook(1.0, 0.0))
    return row


def _by_day(asked: Sequence[tuple[int, str]]) -> dict[int, list[str]]:
    """Midnight -> customers, each once."""
    customers: dict[int, set[str]] = {}
    for day_ms, customer in asked:
        customers.setdefault(day_ms, set()).add(customer)
    return {day_ms: sorted(some) for day_ms, some in customers.items()}


def _recommended(emitted: Sequence[Entry]) -> Iterator[tuple[str, ActionRecommended]]:
    for entry in emitted:
        if entry.topic == NEXT_BEST_ACTION_TOPIC:
            emission, _ = decode_emission(entry.event)
            assert isinstance(emission.data, ActionRecommended)
            yield emission.subject, emission.data


def _judged_decisions(
    world: World, choices: Sequence[tuple[str, ActionRecommended]], horizon_days: int
) -> Iterator[Decision]:
    known = {truth.customer for truth in world.truth()}  # a lead is no customer yet
    asked = {customer for customer, _ in choices} & known
    risks = world.true_outlooks(world.now_ms, horizon_days, asked, PATHS)
    for customer, choice in choices:
        if customer in risks:
            true = risks[customer].labelled
            yield Decision(customer, world.now_ms, choice.action, choice.risk, true)


def _carry_out(world: World, choices: Sequence[tuple[str, ActionRecommended]]) -> None:
    for customer, choice in choices:
        with suppress(KeyError):  # a catalogue may have actions that the world does not know
            world.treat(customer, choice.action, world.now_ms, choice.decision)


def _record(offset: int, line: Line) -> Record:
    value = line.to_bytes()
    return Record(offset, Millis(line.received_ms), parse_line(value).key, value)


def _midnight(at_ms: int) -> int:
    """The tick that wrote a row: a clock that runs ahead may put ``at_ms`` minutes after it."""
    return at_ms // DAY_MS * DAY_MS
