"""``touchstream policy evaluate``: the value of a policy from a log of decisions."""

from pathlib import Path
from typing import NamedTuple, TypeVar, get_args

import orjson
import typer

from touchstream.agents.cli.failures import BadUsage, Failed
from touchstream.agents.cli.histories import moment_of
from touchstream.agents.cli.policy_view import lines_of, object_of
from touchstream.agents.evaluation.csv_log import read_csv
from touchstream.agents.evaluation.outcomes import Costs, Reward, RewardedLog, Rewarding
from touchstream.agents.evaluation.policy_file import PolicyError, read_policy
from touchstream.agents.evaluation.replayed_log import read_replayed
from touchstream.agents.settings import Settings
from touchstream.streams.decide.evaluation.evaluate import (
    Evaluation,
    How,
    Interval,
    Policy,
    evaluate,
)
from touchstream.streams.decide.evaluation.learnt import NothingLearnt
from touchstream.streams.decide.evaluation.logged import BadLog
from touchstream.streams.decide.evaluation.policies import NoChoice
from touchstream.streams.decide.evaluation.rewards import RewardModel
from touchstream.streams.decide.evaluation.support import NoSupport

WINDOW_DAYS = 3_650

Kind = TypeVar("Kind")


class Source(NamedTuple):
    """Where the decisions and their rewards are."""

    log: Path
    outcomes: Path | None
    reward: Reward
    window_days: float
    until: str | None = None
    costs: Path | None = None


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


def reward_of(text: str, *, own_log: bool) -> Reward:
    """The reward asked for; raises :class:`BadUsage`."""
    reward: Reward = _one_of("--reward", text, get_args(Reward))
    if reward == "money" and not own_log:
        raise BadUsage("--reward money: want --outcomes as well; a CSV has its rewards in a column")
    return reward


def require_fit(
    source: Source, policy: Path | None, differences: Path | None, *, again: bool
) -> None:
    """Raise :class:`BadUsage` for options that do not go together."""
    if again and source.outcomes is not None:
        raise BadUsage("--outcomes: want it without --since and --settings: LOG has the outcomes")
    if differences is not None and not again:
        raise BadUsage("--differences: want --settings as well, whose decisions to compare")
    if source.costs is not None and source.reward != "money":
        raise BadUsage("--costs: want --reward money as well")
    if policy is None and source.outcomes is not None:
        raise BadUsage("--policy: want the FILE of a policy; only a CSV has columns p:ACTION")


def show(source: Source, policy_file: Path | None, how: How, *, as_json: bool) -> None:
    """Print the values, as a table or as one JSON object."""
    for file in (source.log, policy_file, source.outcomes, source.costs):
        if file is not None and not file.exists():
            raise BadUsage(f"{file}: no such file")
    policy = policy_in(policy_file)
    read = _read(source)
    found = evaluated(source.log, read, policy, how)
    if as_json:
        typer.echo(orjson.dumps(object_of(found, read, how)).decode())
        return
    for line in lines_of(found, read, how):
        typer.echo(line)


def policy_in(file: Path | None) -> Policy:
    """The policy of a file; raises :class:`BadUsage`."""
    try:
        return None if file is None else read_policy(file)
    except PolicyError as exc:
        raise BadUsage(f"--policy: {exc}") from exc


def rewarding(source: Source, costs: Costs | None) -> Rewarding:
    """How decisions of our own log are rewarded; raises :class:`BadUsage`."""
    if not 0.0 < source.window_days <= WINDOW_DAYS:
        raise BadUsage(
            f"--window-days={source.window_days:g}: want days, 0 < days <= {WINDOW_DAYS}"
        )
    until_ms = None if source.until is None else moment_of("--until", source.until)
    return Rewarding(
        source.reward, source.window_days, until_ms, costs if source.reward == "money" else None
    )


def costs_in(file: Path) -> Costs:
    """The costs of a settings file."""
    return Costs.of(Settings.load(file).rules, str(file))


def _read(source: Source) -> RewardedLog:
    if source.outcomes is None:
        return RewardedLog(read_csv(source.log), {}, None)
    costs = None if source.costs is None else costs_in(source.costs)
    return read_replayed(source.log, source.outcomes, rewarding(source, costs))


def evaluated(log: Path, read: RewardedLog, policy: Policy, how: How) -> Evaluation:
    """The value of the policy; raises :class:`Failed` where the log cannot tell."""
    if not read.decisions:
        counts = ", ".join(f"{count:,} {why}" for why, count in sorted(read.left_out.items()))
        why = f" ({counts})" if counts else ""
        raise Failed(f"{log}: no decision with a known reward{why}")
    try:
        return evaluate(read.decisions, policy, how)
    except BadLog as exc:
        raise Failed(f"{log}: {exc}") from exc
    except (NoSupport, NoChoice, NothingLearnt) as exc:
        raise Failed(str(exc)) from exc


def _one_of(option: str, text: str, wanted: tuple[Kind, ...]) -> Kind:
    for one in wanted:
        if one == text:
            return one
    raise BadUsage(f"{option}={text!r}: want {' or '.join(map(str, wanted))}")
