"""``touchstream policy evaluate``: the value of a policy from a log of decisions."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar, get_args

import orjson
import typer

from touchstream.agents.cli.failures import BadUsage, Failed
from touchstream.agents.cli.histories import moment_of
from touchstream.agents.evaluation.csv_log import read_csv
from touchstream.agents.evaluation.policy_file import PolicyError, read_policy
from touchstream.agents.evaluation.replayed_log import Reward, read_replayed
from touchstream.streams.decide.chance import ROUNDING
from touchstream.streams.decide.evaluation.evaluate import Evaluation, How, Interval, evaluate
from touchstream.streams.decide.evaluation.logged import BadLog, LoggedDecision, PolicyValue
from touchstream.streams.decide.evaluation.policies import NoChoice, TargetPolicy
from touchstream.streams.decide.evaluation.rewards import RewardModel
from touchstream.streams.decide.evaluation.support import NoSupport

HEAD = ("estimator", "value", "interval", "gain", "interval", "effective decisions")
LOGGED = "as logged"
FEW = 100
"""Customers, or effective decisions, below which intervals are a rough guide."""
SUSPICIOUS = 1.5
"""Half intervals that the mean weight is from 1: three standard errors at a level of .95."""
WINDOW_DAYS = 3_650

Kind = TypeVar("Kind")


class Source(NamedTuple):
    """Where the decisions and their rewards are."""

    log: Path
    outcomes: Path | None
    reward: Reward
    window_days: float
    until: str | None = None


class _Read(NamedTuple):
    decisions: Sequence[LoggedDecision]
    left_out: Mapping[str, int]
    currency: str | None


def asked(
    interval: str | None, level: float, reward_model: str, seed: int, *, adaptive: bool
) -> How:
    """The options as they were given; raises :class:`BadUsage`."""
    if not 0.0 < level < 1.0:
        raise BadUsage(f"--level={level:g}: want a confidence, 0 < level < 1")
    usual = "always-valid" if adaptive else "bootstrap"
    return How(
        interval=_one_of("--interval", interval or usual, get_args(Interval)),
        level=level,
        reward_model=_one_of("--reward-model", reward_model, get_args(RewardModel)),
        seed=seed,
    )


def reward_of(text: str, outcomes: Path | None) -> Reward:
    """The reward asked for; raises :class:`BadUsage`."""
    reward: Reward = _one_of("--reward", text, get_args(Reward))
    if reward == "money" and outcomes is None:
        raise BadUsage("--reward money: want --outcomes as well; a CSV has its rewards in a column")
    return reward


def show(source: Source, policy_file: Path, how: How, *, as_json: bool) -> None:
    """Print the values, as a table or as one JSON object."""
    for file in (source.log, policy_file, source.outcomes):
        if file is not None and not file.exists():
            raise BadUsage(f"{file}: no such file")
    try:
        policy = read_policy(policy_file)
    except PolicyError as exc:
        raise BadUsage(f"--policy: {exc}") from exc
    read = _read(source)
    found = _evaluated(source, read.decisions, policy, how)
    if as_json:
        typer.echo(orjson.dumps(_object(found, read, how)).decode())
        return
    for line in _lines(found, read, how):
        typer.echo(line)


def _read(source: Source) -> _Read:
    if source.outcomes is None:
        return _Read(read_csv(source.log), {}, None)
    if not 0.0 < source.window_days <= WINDOW_DAYS:
        raise BadUsage(
            f"--window-days={source.window_days:g}: want days, 0 < days <= {WINDOW_DAYS}"
        )
    end_ms = None if source.until is None else moment_of("--until", source.until)
    return _Read(
        *read_replayed(source.log, source.outcomes, source.window_days, source.reward, end_ms)
    )


def _evaluated(
    source: Source, decisions: Sequence[LoggedDecision], policy: TargetPolicy, how: How
) -> Evaluation:
    if not decisions:
        raise Failed(f"{source.log}: no decision with a known reward")
    try:
        return evaluate(decisions, policy, how)
    except BadLog as exc:
        raise Failed(f"{source.log}: {exc}") from exc
    except (NoSupport, NoChoice) as exc:
        raise Failed(str(exc)) from exc


def _lines(found: Evaluation, read: _Read, how: How) -> Iterator[str]:
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


def _object(found: Evaluation, read: _Read, how: How) -> dict[str, object]:
    return {
        "decisions": found.decisions,
        "customers": found.customers,
        "actions": found.arms,
        "interval": how.interval,
        "level": how.level,
        "reward_model": how.reward_model,
        "currency": read.currency,
        "left_out": read.left_out,
        "mean_weight": found.mean_weight._asdict(),
        "logged": found.logged._asdict(),
        "values": {name: value._asdict() for name, value in found.values.items()},
        "gains": {name: gain._asdict() for name, gain in found.gains.items()},
        "cautions": list(_cautions(found)),
    }


def _one_of(option: str, text: str, wanted: tuple[Kind, ...]) -> Kind:
    for one in wanted:
        if one == text:
            return one
    raise BadUsage(f"{option}={text!r}: want {' or '.join(map(str, wanted))}")
