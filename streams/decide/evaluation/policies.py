"""Policies to evaluate: a constant action, uniform, a table by segment, greedy by linear models."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from touchstream.streams.decide.evaluation.logged import Context

Distribution = Mapping[str, float]
"""Action -> probability; sums to 1."""


class NoChoice(ValueError):
    """A policy has no answer for a context; the message says which."""


class TargetPolicy(Protocol):
    """A policy whose value is asked for."""

    def probabilities(self, context: Context, arms: Sequence[str]) -> Distribution:
        """Action -> probability, which sum to 1; ``arms`` could be chosen in this context.

        A policy may name an action that is not among the arms: then it has no value there.
        """
        ...


class Constant(NamedTuple):
    """Always the same action, or ``fallback`` where that cannot be chosen."""

    action: str
    fallback: str | None = None

    def probabilities(self, context: Context, arms: Sequence[str]) -> Distribution:
        """All of it on one action."""
        return _with_fallback({self.action: 1.0}, arms, self.fallback)


class Uniform(NamedTuple):
    """Each action that could be chosen with the same probability."""

    def probabilities(self, context: Context, arms: Sequence[str]) -> Distribution:
        """1 / number of arms.

        >>> Uniform().probabilities({}, ["call", "mail"])
        {'call': 0.5, 'mail': 0.5}
        """
        return dict.fromkeys(arms, 1.0 / len(arms))


class Table(NamedTuple):
    """A distribution for each value of one column of the context."""

    column: str
    segments: Mapping[str, Distribution]
    """Value, as text -> distribution."""
    default: Distribution | None = None
    """For every other value."""
    fallback: str | None = None
    """Takes the probability of actions that cannot be chosen."""

    def probabilities(self, context: Context, arms: Sequence[str]) -> Distribution:
        """The distribution of the context's segment.

        Raises
        ------
        NoChoice
            If the column is missing, or its value has neither a segment nor a default.
        """
        if self.column not in context:
            raise NoChoice(f"no column {self.column!r} in the log: it has {sorted(context)}")
        value = str(context[self.column])
        found = self.segments.get(value, self.default)
        if found is None:
            raise NoChoice(f"no segment for {self.column}={value!r}, and no default")
        return _with_fallback(found, arms, self.fallback)


class LinearArm(NamedTuple):
    """Expected reward of an action: intercept + sum of weights x features."""

    intercept: float
    weights: Mapping[str, float] = {}
    """Of ``column`` for a number, of ``column=value`` for a text (1 where it has that value)."""

    def reward(self, context: Context) -> float:
        """The expected reward in this context.

        >>> LinearArm(0.0, {"zip=Rural": 0.25, "age": 0.5}).reward({"zip": "Rural", "age": "4"})
        2.25
        """
        total = self.intercept
        for name, weight in self.weights.items():
            column, equals, value = name.partition("=")
            if column not in context:
                raise NoChoice(f"no column {column!r} in the log: it has {sorted(context)}")
            if equals:
                total += weight * (str(context[column]) == value)
            else:
                total += weight * _number(column, context[column])
        return total


class Greedy(NamedTuple):
    """The arm with the highest expected reward; the first of the arms on ties."""

    models: Mapping[str, LinearArm]
    """Arms without a model are never chosen."""

    def probabilities(self, context: Context, arms: Sequence[str]) -> Distribution:
        """All of it on the best arm; raises :class:`NoChoice` if none of them has a model."""
        known = [arm for arm in arms if arm in self.models]
        if not known:
            raise NoChoice(f"none of {sorted(arms)} has a model")
        return {max(known, key=lambda arm: self.models[arm].reward(context)): 1.0}


def _with_fallback(wanted: Distribution, arms: Sequence[str], fallback: str | None) -> Distribution:
    if fallback is None:
        return wanted
    found = {arm: share for arm, share in wanted.items() if arm in arms}
    missing = sum(wanted.values()) - sum(found.values())
    return found | {fallback: found.get(fallback, 0.0) + missing} if missing > 0.0 else found


def _number(column: str, value: str | float) -> float:
    try:
        return float(value)
    except ValueError as exc:
        raise NoChoice(f"{column}={value!r}: want a number, or a weight of {column}=VALUE") from exc
