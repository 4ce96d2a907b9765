"""The value of a policy as ``touchstream policy evaluate`` shows it."""

from collections.abc import Iterator, Sequence

from touchstream.agents.evaluation.outcomes import RewardedLog
from touchstream.streams.decide.chance import ROUNDING
from touchstream.streams.decide.evaluation.evaluate import Evaluation, How
from touchstream.streams.decide.evaluation.logged import PolicyValue

HEAD = ("estimator", "value", "interval", "gain", "interval", "effective decisions")
LOGGED = "as logged"
MOST_CHOSEN = 8
"""Actions that fit a line."""
FEW = 100
"""Customers, or effective decisions, below which intervals are a rough guide."""
SUSPICIOUS = 1.5
"""Half intervals that the mean weight is from 1: three standard errors at a level of .95."""


def lines_of(found: Evaluation, read: RewardedLog, how: How) -> Iterator[str]:
    """A table, what it is about, and cautions."""
    rows = [HEAD, _cells(LOGGED, found.logged, None)]
    rows += [_cells(name, value, found.gains[name]) for name, value in found.values.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *numbers in rows:
        cells = [cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True)]
        yield "  ".join([name.ljust(widths[0]), *cells])
    unit = "" if read.currency is None else f"; rewards in minor units of {read.currency}"
    yield (
        f"{found.decisions:,} decisions of {found.customers:,} customers, {len(found.arms)} "
        f"actions; {100 * how.level:g} % intervals by {how.interval} over customers{unit}"
    )
    shares = sorted(found.chosen.items(), key=lambda one: -one[1])[:MOST_CHOSEN]
    yield "the policy chooses " + ", ".join(f"{arm} {100 * share:.3g} %" for arm, share in shares)
    if read.left_out:
        counts = ", ".join(f"{n:,} {why}" for why, n in sorted(read.left_out.items()))
        yield f"left out: {counts}"
    yield from (f"caution: {caution}" for caution in _cautions(found))


def _cautions(found: Evaluation) -> Iterator[str]:
    weight = found.mean_weight
    if abs(weight.estimate - 1.0) > SUSPICIOUS * (weight.high - weight.low) / 2.0 + ROUNDING:
        yield (
            f"the mean weight is {weight.estimate:.3g}, not 1: the propensities are not "
            "those of the log, or some could not be chosen"
        )
    of_policy = found.values["snips"]
    if of_policy.low == of_policy.high:
        yield (
            f"every decision of the policy had the reward {of_policy.estimate:.4g}: the intervals "
            "show none of the uncertainty"
        )
    if of_policy.effective_n < FEW or found.customers < FEW:
        yield (
            f"{of_policy.effective_n:.0f} effective decisions, {found.customers} customers: the "
            "intervals are a rough guide"
        )


def _cells(name: str, value: PolicyValue, gain: PolicyValue | None) -> tuple[str, ...]:
    of_gain = ("", "") if gain is None else (f"{gain.estimate:+.4g}", _interval(gain, "+"))
    effective = f"{value.effective_n:,.0f}"
    return (name, f"{value.estimate:.4g}", _interval(value), *of_gain, effective)


def _interval(value: PolicyValue, sign: str = "") -> str:
    return f"{value.low:{sign}.4g} to {value.high:{sign}.4g}"


def object_of(
    found: Evaluation, read: RewardedLog, how: How, more: Sequence[str] = ()
) -> dict[str, object]:
    """The same for programs."""
    return {
        "decisions": found.decisions,
        "customers": found.customers,
        "actions": found.arms,
        "chosen": found.chosen,
        "interval": how.interval,
        "level": how.level,
        "reward_model": how.reward_model,
        "currency": read.currency,
        "left_out": read.left_out,
        "mean_weight": found.mean_weight._asdict(),
        "logged": found.logged._asdict(),
        "values": {name: value._asdict() for name, value in found.values.items()},
        "gains": {name: gain._asdict() for name, gain in found.gains.items()},
        "cautions": [*_cautions(found), *more],
    }
