"""``touchstream policy evaluate --since``: other settings, or a policy, over our own log."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import orjson
import typer

from touchstream.agents.cli.counting import Counting
from touchstream.agents.cli.failures import BadUsage, Failed, require_files
from touchstream.agents.cli.histories import moment_of
from touchstream.agents.cli.policy import Source, costs_in, evaluated, policy_in, rewarding
from touchstream.agents.cli.policy_view import lines_of, object_of
from touchstream.agents.evaluation.outcomes import Costs, RewardedLog
from touchstream.agents.evaluation.time_machine import TimeMachine, Trip, unlike_upstream
from touchstream.agents.history.reading import opened_history
from touchstream.agents.history.recording import check_fit, examine
from touchstream.agents.settings import Settings
from touchstream.agents.wiring import tick_secret
from touchstream.schemas.envelope import format_time
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import Millis
from touchstream.streams.decide.evaluation.differences import Compared, Tally
from touchstream.streams.decide.evaluation.evaluate import Evaluation, How
from touchstream.streams.decide.evaluation.support import NoSupport
from touchstream.streams.features.catalogue import FEATURES

MOST_CHANGES = 10
"""More than a person reads; the file has every decision that differs."""


class Asked(NamedTuple):
    """The options of the time machine."""

    since: str | None
    settings: Path | None
    policy: Path | None
    differences: Path | None


def show(own: Settings, source: Source, asked: Asked, how: How, *, as_json: bool) -> None:
    """Print what the other settings or policy would have been worth, and what differs."""
    require_files([source.log])
    _require_no_input(asked.differences, [source.log, source.costs, asked.settings])
    other = _other(asked)
    policy = policy_in(asked.policy)
    since_ms = Millis(0) if asked.since is None else moment_of("--since", asked.since)
    trip = Trip(own.rules, other, since_ms, own.ticks.every_days)
    costs = costs_in(source.costs) if source.costs else Costs.of(own.rules, "settings")
    asked_for = rewarding(source, costs)
    tally = Tally()
    machine = _run(own, source.log, trip, tally, asked.differences)
    read = machine.rewarded(asked_for)
    if not tally.decisions and other is not None:
        raise Failed(f"{source.log}: no decision since then, the holdout apart")
    if not as_json:
        for line in _differences(tally, asked.settings):
            typer.echo(line)
    try:
        found = evaluated(source.log, read, policy, how)
    except Failed as exc:
        raise _explained(exc, tally, other, own.rules) from exc
    _print(found, read, how, tally, _unlike(own.rules, other), as_json=as_json)


def _require_no_input(out: Path | None, read: Sequence[Path | None]) -> None:
    """Raise :class:`BadUsage` if writing would destroy a file that is read."""
    if out is not None and out.resolve() in [one.resolve() for one in read if one is not None]:
        raise BadUsage(f"--differences: {out} is read: want another file")


def _other(asked: Asked) -> Rules | None:
    if (asked.settings is None) == (asked.policy is None):
        raise BadUsage("--since: want --settings OTHER.toml or --policy FILE")
    if asked.settings is None:
        if asked.differences is not None:
            raise BadUsage("--differences: want --settings OTHER.toml, whose decisions to compare")
        return None
    return Settings.load(asked.settings).rules


def _run(
    own: Settings, log: Path, trip: Trip, tally: Tally, differences: Path | None
) -> TimeMachine:
    with ExitStack() as stack:
        out = None if differences is None else stack.enter_context(differences.open("wb"))

        def compared(one: Compared) -> None:
            tally.add(one)
            if out is not None and one.differs:
                out.write(orjson.dumps(_row(one)) + b"\n")

        machine = TimeMachine(trip, log, compared)
        lines = stack.enter_context(Counting("reading events"))
        history = stack.enter_context(opened_history([log], on_line=lines.add))
        recording = examine(history, tick_secret(own))
        if recording is not None:
            check_fit(recording, trip.rules, FEATURES.digest, None)
        machine.run(history, recording)
    return machine


def _row(one: Compared) -> dict[str, object]:
    situation, logged, other = one.situation, one.logged, one.other
    return {
        "decision": one.decision,
        "customer": situation.subject,
        "time": format_time(situation.now_ms),
        "target": situation.target,
        "band": situation.band,
        "risk": situation.risk,
        "before": one.before,
        "after": one.after,
        "done": logged.action,
        "propensity": logged.propensity,
        "probabilities": logged.probabilities,
        "probabilities_after": other.probabilities,
        "left_out": logged.left_out,
        "left_out_after": other.left_out,
    }


def _differences(tally: Tally, settings: Path | None) -> Iterator[str]:
    if settings is None:
        return
    share = 100.0 * tally.differ / tally.decisions
    yield (
        f"{tally.differ:,} of {tally.decisions:,} decisions differ ({share:.3g} %); "
        f"{100.0 * tally.moved:.3g} % of the probability is on other actions"
    )
    for (before, after), count in tally.changes.most_common(MOST_CHANGES):
        yield f"  {count:>8,}  {before} -> {after}"
    rest = tally.changes.most_common()[MOST_CHANGES:]
    if rest:
        yield f"  {sum(count for _, count in rest):>8,}  {len(rest)} other changes"


def _explained(failure: Failed, tally: Tally, other: Rules | None, own: Rules) -> Failed:
    """Say why the log could not choose what the other settings would have chosen."""
    cause = failure.__cause__
    if other is None or not isinstance(cause, NoSupport):
        return failure
    old = {action.name for action in own.actions}
    whys = [
        _why_not(action, tally) if action in old else f"{action} is new: let it be explored first"
        for action in cause.actions
    ]
    return Failed("; ".join([str(failure), *whys]))


def _why_not(action: str, tally: Tally) -> str:
    reasons = tally.unsupported.get(action, Counter())
    return f"{action} was left out: " + ", ".join(
        f"{why} {count:,}" for why, count in reasons.most_common()
    )


def _unlike(own: Rules, other: Rules | None) -> list[str]:
    unlike = [] if other is None else unlike_upstream(own, other)
    if not unlike:
        return []
    return [
        f"{', '.join(unlike)}: the other settings differ here as well, which this does not judge: "
        "risks and bands are those of the log"
    ]


def _print(
    found: Evaluation,
    read: RewardedLog,
    how: How,
    tally: Tally,
    unlike: list[str],
    *,
    as_json: bool,
) -> None:
    if not as_json:
        for line in (*lines_of(found, read, how), *(f"caution: {one}" for one in unlike)):
            typer.echo(line)
        return
    shown = object_of(found, read, how, unlike)
    shown["differences"] = {
        "decisions": tally.decisions,
        "differ": tally.differ,
        "moved": tally.moved,
        "changes": [
            {"before": before, "after": after, "decisions": count}
            for (before, after), count in tally.changes.most_common()
        ],
    }
    typer.echo(orjson.dumps(shown).decode())
