"""The policy time machine: our own log again, and what other settings would have chosen in it.

The log runs under the settings that it was recorded with. At every decision the other settings
choose in the same situation: same profile, risk and band, and the recommendations that were really
made before. So each decision is compared where the log came to; what would have followed from
other earlier choices is not simulated.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from touchstream.agents.evaluation.outcomes import (
    HOLDOUT,
    OUTCOME,
    Dated,
    Happened,
    Joined,
    RewardedLog,
    Rewarding,
)
from touchstream.agents.evaluation.rerun import Rerun, record_of
from touchstream.agents.history.pacer import Publish
from touchstream.agents.history.reading import History
from touchstream.agents.history.recording import Recording
from touchstream.agents.history.steps import Step, steps
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.rules import Rules
from touchstream.schemas.touchpoints.actions import ActionOutcome
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.decide.arbitration import Decision
from touchstream.streams.decide.evaluation.differences import Compared
from touchstream.streams.decide.evaluation.logged import Context
from touchstream.streams.decide.policy import Situation, choose
from touchstream.streams.decide.routing import groups_of
from touchstream.streams.intake.decode import Arrival, Origin, classify

UPSTREAM = (
    "churn",
    "intake",
    "learning",
    "bands",
    "relation",
    "win_back",
    "targets",
    "event_types",
)
"""Rules that make the situation, not the choice: those of the log hold."""
_MARK = OUTCOME.encode()

OnCompared = Callable[[Compared], None]


class Trip(NamedTuple):
    """What is asked of a log."""

    rules: Rules
    """That it was recorded with."""
    other: Rules | None
    """That choose at every decision; None: a policy file does."""
    since_ms: Millis
    """Earlier decisions only lead to the states and models of then."""
    every_days: int
    """Between the ticks of a plain history."""


class TimeMachine:
    """Runs a log once, and holds its decisions with what would have been done instead."""

    def __init__(self, trip: Trip, source: Path, on_compared: OnCompared) -> None:
        """``on_compared`` is called with each decision since the day, if there are other rules."""
        self._trip = trip
        self._source = source
        self._on_compared = on_compared
        self._other = None if trip.other is None else without_holdout(trip.other)
        self._joined = Joined()
        self._early: set[str] = set()
        self._outcomes: list[Happened] = []

    def run(self, history: History, recording: Recording | None) -> None:
        """Take every line; raises :class:`LinesError` where a replay would be refused."""
        partitions = 1 if recording is None else recording.partitions
        rerun = Rerun(self._trip.rules, partitions, self._decided)
        rerun.run(map(self._noted, steps(history, self._trip.every_days)))

    def rewarded(self, how: Rewarding) -> RewardedLog:
        """The decisions since the day, joined with their outcomes."""
        for happened in self._outcomes:
            if happened.data.decision not in self._early:
                self._joined.add_outcome(happened)
        return self._joined.rewarded(how, str(self._source))

    def _decided(self, decision: Decision, emission: Emission) -> None:
        data = emission.data
        assert isinstance(data, ActionRecommended)  # as every emission of a decision
        if emission.time_ms < self._trip.since_ms:
            self._early.add(data.decision)
            return
        proposed = self._proposed(decision, data)
        context = context_of(decision.situation)
        self._joined.add_decision(
            Dated(emission.time_ms, emission.subject, data, proposed, context)
        )

    def _proposed(self, decision: Decision, data: ActionRecommended) -> Mapping[str, float] | None:
        situation, logged = decision.situation, decision.choice
        # No policy reaches the holdout, so there is nothing to compare.
        if self._other is None or HOLDOUT in logged.left_out.values():
            return None
        other = choose(situation, self._other)
        self._on_compared(Compared(data.decision, situation, logged, other))
        return other.probabilities

    def _noted(self, step: Step) -> Step:
        if isinstance(step, Publish) and _may_be_outcome(step):
            # Its partition is right: a record in a wrong one is rejected below.
            found = classify(record_of(step.line, step.received_ms), Origin(0, 1, None))
            if isinstance(found, Arrival) and isinstance(found.event.data, ActionOutcome):
                data, at_ms = found.event.data, found.event.time_ms
                place = f"{self._source}: outcome of decision {data.decision}"
                self._outcomes.append(Happened(at_ms, place, data))
        return step


def _may_be_outcome(step: Publish) -> bool:
    """Without decoding; in binary mode the type is a header."""
    line = step.line
    return _MARK in line.value or any(value == _MARK for _, value in line.headers)


def context_of(situation: Situation) -> Context:
    """Columns of a policy that only a rerun knows; none of them identifies a customer."""
    profile, now_ms = situation.profile, situation.now_ms
    subscription = profile.subscription
    return {
        **groups_of(profile, now_ms),
        "known_days": round((now_ms - profile.first_seen_ms) / DAY_MS, 2),
        "open_tickets": sum(ticket.open for ticket in profile.tickets.values()),
        "subscribed": int(subscription is not None and subscription.running(now_ms)),
    }


def without_holdout(rules: Rules) -> Rules:
    """The same choices for every customer: a holdout is no part of a policy's value."""
    deciding = msgspec.structs.replace(rules.deciding, holdout=0.0)
    return msgspec.structs.replace(rules, deciding=deciding)


def unlike_upstream(rules: Rules, other: Rules) -> list[str]:
    """Tables that differ without an effect here."""
    return [name for name in UPSTREAM if getattr(rules, name) != getattr(other, name)]
