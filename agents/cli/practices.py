"""``touchstream practices``: which actions are worth keeping, in words for a manager."""

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

import orjson
import typer

from touchstream.agents.cli.failures import BadUsage, Failed
from touchstream.agents.cli.histories import moment_of
from touchstream.agents.evaluation.as_recommended import Followed, Reward, read_followed
from touchstream.agents.evaluation.csv_log import read_csv
from touchstream.agents.evaluation.outcomes import Costs
from touchstream.agents.settings import Settings
from touchstream.schemas.rules import Rules
from touchstream.streams.decide.evaluation.logged import BadLog, LoggedDecision
from touchstream.streams.decide.practices.harm import suspended
from touchstream.streams.decide.practices.practices import (
    Finding,
    How,
    NotAnswerable,
    Practice,
    Weighed,
    weigh,
)
from touchstream.streams.decide.practices.programme import Programme, programme

HEAD = ("practice", "segment", "decisions", "exposed", "uplift", "interval", "verdict", "reason")
IN_MONEY = {"revenue", "money"}
WINDOW_DAYS = 3_650
REASONS = {
    "gains": "each decision gains more than it costs",
    "loses": "doing nothing would have been better",
    "too_few": "too few customers with it, or without any action",
    "same_reward": "every decision had the same reward",
    "no_difference": "no difference is certain yet",
    "one_of_many": "certain alone, but not as one of so many practices",
    "wrong_propensities": "blocked: the log's propensities are wrong",
}


class Source(NamedTuple):
    """The options that say what is read."""

    log: Path
    outcomes: Path | None
    reward: str | None
    window_days: float
    until: str | None
    costs: Path | None


class _Answer(NamedTuple):
    weighed: Weighed
    suspended: Sequence[Practice]
    programme: Programme
    read: Followed
    reward: str
    how: How


def show(settings: Settings, source: Source, how: How, *, as_json: bool) -> None:
    """Print the practices, as a table or as one JSON object."""
    _check(source, how)
    reward = _reward(source)
    read = _read(source, reward, settings.rules, how.control)
    if not read.decisions:
        raise Failed(f"{source.log}: no decision with a closed window")
    try:
        weighed = weigh(read.decisions, how)
        free = [one._replace(cost=0.0) for one in read.decisions]
        gross = weigh(free, how) if free != read.decisions else weighed
        whole = programme(read.decisions, read.held_out, how)
    except (BadLog, NotAnswerable) as exc:
        raise Failed(f"{source.log}: {exc}") from exc
    answer = _Answer(weighed, suspended(gross.findings), whole, read, reward, how)
    if as_json:
        typer.echo(orjson.dumps(_object(answer)).decode())
        return
    for line in _lines(answer):
        typer.echo(line)


def _check(source: Source, how: How) -> None:
    for file in (source.log, source.outcomes, source.costs):
        if file is not None and not file.exists():
            raise BadUsage(f"{file}: no such file")
    if not 0.0 < how.alpha < 1.0:
        raise BadUsage(f"--error-rate={how.alpha:g}: want 0 < rate < 1")
    if not 0.0 < how.cap_quantile <= 1.0:
        raise BadUsage(f"--cap={how.cap_quantile:g}: want a quantile, 0 < quantile <= 1")
    if not 0.0 < source.window_days <= WINDOW_DAYS:
        raise BadUsage(
            f"--window-days={source.window_days:g}: want days, 0 < days <= {WINDOW_DAYS}"
        )


def _reward(source: Source) -> str:
    if source.outcomes is None:
        if source.reward is not None:
            raise BadUsage("--reward: want --outcomes as well; a CSV has its rewards in a column")
        return "reward"
    reward = source.reward or "revenue"
    if reward not in get_args(Reward):
        raise BadUsage(f"--reward={reward!r}: want {' or '.join(get_args(Reward))}")
    if source.costs is not None:
        raise BadUsage("--costs: want it for a CSV; our own log has the costs of --config")
    return reward


def _read(source: Source, reward: str, rules: Rules, control: str) -> Followed:
    if source.outcomes is None:
        return Followed(_with_costs(read_csv(source.log), source, control), [], {}, None)
    end_ms = None if source.until is None else moment_of("--until", source.until)
    kind = next(one for one in get_args(Reward) if one == reward)
    return read_followed(
        source.log,
        source.outcomes,
        source.window_days,
        kind,
        rules.churn.cancel,
        end_ms,
        Costs.of(rules, "the settings") if reward in IN_MONEY else None,
    )


def _with_costs(
    decisions: Sequence[LoggedDecision], source: Source, control: str
) -> list[LoggedDecision]:
    """Every line of a CSV was carried out."""
    if source.costs is None:
        return list(decisions)
    costs = {control: 0.0, **_costs_of(source.costs)}
    unknown = {one.action for one in decisions} - costs.keys()
    if unknown:
        raise BadUsage(f"--costs: {source.costs}: no cost of {', '.join(sorted(unknown))}")
    return [one._replace(cost=costs[one.action]) for one in decisions]


def _costs_of(file: Path) -> Mapping[str, float]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as exc:
        raise BadUsage(f"--costs: {file}: {exc}") from exc
    for name, cost in table.items():
        number = isinstance(cost, int | float) and not isinstance(cost, bool)
        if not number or not 0.0 <= cost < math.inf:
            raise BadUsage(f"--costs: {file}: {name} = {cost!r}: want action = cost >= 0")
    return table


def _lines(answer: _Answer) -> Iterator[str]:
    rows = [HEAD, *map(_cells, answer.weighed.findings)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if 2 <= number <= 5 else cell.ljust(width)  # noqa: PLR2004
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
    yield from _notes(answer)


def _notes(answer: _Answer) -> Iterator[str]:
    how, weighed = answer.how, answer.weighed
    unit = "" if answer.read.currency is None else f" in minor units of {answer.read.currency}"
    capped = f", counted up to {weighed.cap:g}" if weighed.cap not in {0.0, 1.0} else ""
    yield (
        f"uplift: {answer.reward}{unit} of a decision{capped}"
        f"{', less the cost' if answer.programme.cost else ''}, less that of {how.control}; "
        f"{100 * (1 - how.alpha):g} % intervals, valid however often one looks; of all practices "
        f"kept or dropped at most {100 * how.alpha:g} % wrongly"
    )
    for practice in answer.suspended:
        yield f"suspended: {practice.action} makes things worse for {_segment(practice)}"
    ratio = weighed.ratio
    if weighed.blocked:
        where = "" if weighed.ratio_segment is None else f" in {weighed.ratio_segment!r}"
        yield (
            f"blocked: {ratio.worst!r} was chosen {ratio.chosen:,.0f} times{where}, where the "
            f"propensities say {ratio.expected:,.0f}: nothing is concluded from such a log"
        )
    yield _programme_line(answer)
    if answer.read.left_out:
        counts = ", ".join(f"{n:,} {why}" for why, n in sorted(answer.read.left_out.items()))
        yield f"left out: {counts}"
    if answer.reward in {"accepted", "money"}:
        yield (
            f"caution: {how.control} has no outcome, so {answer.reward} is not incremental; "
            "--reward revenue and stayed are"
        )


def _programme_line(answer: _Answer) -> str:
    whole = answer.programme
    text = (
        f"programme: {whole.exposed:,} of {whole.decisions:,} decisions exposed, "
        f"{whole.holdout_customers:,} customers held out; cost {whole.cost:,.6g}; incremental "
        f"{answer.reward} {whole.revenue:+,.6g} ({whole.low:+,.6g} to {whole.high:+,.6g}) against "
        f"{whole.compared_with}"
    )
    roi = whole.roi(whole.revenue)
    if roi is None:
        return text
    low, high = whole.roi(whole.low), whole.roi(whole.high)
    return f"{text}; return on cost {roi:+.0%} ({low:+.0%} to {high:+.0%})"


def _cells(finding: Finding) -> tuple[str, ...]:
    found = finding.difference
    known = math.isfinite(found.low)
    return (
        finding.practice.action,
        _segment(finding.practice),
        f"{found.decisions:,}",
        f"{found.acted:,}",
        f"{found.estimate:+.4g}" if known else "",
        f"{found.low:+.4g} to {found.high:+.4g}" if known else "",
        finding.conclusion,
        REASONS[finding.reason],
    )


def _segment(practice: Practice) -> str:
    return "all" if practice.segment is None else practice.segment


def _object(answer: _Answer) -> dict[str, object]:
    whole, weighed = answer.programme, answer.weighed
    return {
        "practices": [_practice(finding) for finding in weighed.findings],
        "suspended": [practice._asdict() for practice in answer.suspended],
        "programme": {
            **whole._asdict(),
            "roi": whole.roi(whole.revenue),
            "roi_low": whole.roi(whole.low),
            "roi_high": whole.roi(whole.high),
        },
        "sample_ratio": {
            **weighed.ratio._asdict(),
            "segment": weighed.ratio_segment,
            "blocked": weighed.blocked,
        },
        "reward": answer.reward,
        "currency": answer.read.currency,
        "cap": weighed.cap,
        "error_rate": answer.how.alpha,
        "left_out": answer.read.left_out,
    }


def _practice(finding: Finding) -> dict[str, object]:
    found = finding.difference
    return {
        **finding.practice._asdict(),
        "decisions": found.decisions,
        "customers": found.customers,
        "exposed": found.acted,
        "unexposed": found.idle,
        "uplift": found.estimate,
        "low": found.low,
        "high": found.high,
        "log_e_value": found.log_e_value,
        "verdict": finding.conclusion,
        "reason": finding.reason,
    }
