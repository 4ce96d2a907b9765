"""Decisions that two policies would make differently in the same situation."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from touchstream.streams.decide.policy import Choice, Situation


class Compared(NamedTuple):
    """One situation, and the choice of each policy in it."""

    decision: str
    """Id of the logged decision."""
    situation: Situation
    logged: Choice
    other: Choice

    @property
    def before(self) -> str:
        """The action that the log's policy prefers."""
        return preferred(self.logged.probabilities)

    @property
    def after(self) -> str:
        """The action that the other policy prefers."""
        return preferred(self.other.probabilities)

    @property
    def differs(self) -> bool:
        """Whether the two prefer different actions; exploration makes no difference."""
        return self.before != self.after


class Tally:
    """Counts of differences; kept while a log is read."""

    def __init__(self) -> None:
        self.decisions = 0
        self.changes: Counter[tuple[str, str]] = Counter()
        """(action of the log's policy, action of the other) -> decisions that differ."""
        self.unsupported: dict[str, Counter[str]] = {}
        """Action that the other policy may choose and the log could not -> why not -> decisions."""
        self._moved = 0.0

    def add(self, compared: Compared) -> None:
        """Count a decision."""
        self.decisions += 1
        self._moved += distance(compared.logged.probabilities, compared.other.probabilities)
        for action, probability in compared.other.probabilities.items():
            if probability > 0.0 and not compared.logged.probabilities.get(action):
                why = compared.logged.left_out.get(action, "unknown")
                self.unsupported.setdefault(action, Counter())[why] += 1
        if compared.differs:
            self.changes[compared.before, compared.after] += 1

    @property
    def differ(self) -> int:
        """Decisions in which the preferred action differs."""
        return self.changes.total()

    @property
    def moved(self) -> float:
        """Mean share of probability that is on other actions, 0 to 1; exploration included."""
        return self._moved / self.decisions if self.decisions else 0.0


def preferred(probabilities: Mapping[str, float]) -> str:
    """The likeliest action; the first one on ties.

    >>> preferred({"do_nothing": 0.1, "call": 0.9})
    'call'
    """
    return max(probabilities, key=lambda action: probabilities[action])


def distance(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """Total variation: half the sum of |a - b| over all actions, 0 to 1.

    >>> distance({"call": 0.5, "mail": 0.5}, {"call": 1.0})
    0.5
    """
    actions: Sequence[str] = sorted({*a, *b})
    return sum(abs(a.get(action, 0.0) - b.get(action, 0.0)) for action in actions) / 2.0
