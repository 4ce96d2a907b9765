"""The group ``touchstream policy``."""

from pathlib import Path
from typing import Annotated

import typer

from touchstream.agents.cli.options import Config, Json, load_settings

policy = typer.Typer(
    help="Ask the log of decisions what another policy would have been worth.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@policy.callback()
def _group() -> None:
    """Keep ``evaluate`` a subcommand: Typer would run the only one without its name."""


@policy.command()
def evaluate(
    log: Annotated[
        Path,
        typer.Argument(
            metavar="LOG",
            help="CSV with columns customer, action, propensity, reward and any context; or "
            "next-best-action.jsonl of a replay, with --outcomes; or our own log or history of "
            "touchpoints, with --since or --settings.",
        ),
    ],
    policy_file: Annotated[
        Path | None,
        typer.Option(
            "--policy",
            metavar="FILE",
            help="TOML: docs/deciding.md. Default for a CSV: its columns p:ACTION.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="DAY",
            help="Run our own log (LOG) again, and judge its decisions from this day on.",
        ),
    ] = None,
    other: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="FILE",
            help="Settings whose actions would have been chosen from in that log.",
        ),
    ] = None,
    differences: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the decisions that differ, as JSON lines."),
    ] = None,
    outcomes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Touchpoints with the action.outcome events."),
    ] = None,
    reward: Annotated[
        str, typer.Option(metavar="WHAT", help="accepted (0 or 1) or money; not of a CSV.")
    ] = "accepted",
    costs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Settings with the costs of actions, subtracted from money; default with --since: "
            "those of the log.",
        ),
    ] = None,
    window_days: Annotated[
        float, typer.Option(help="Days after a decision in which its outcome counts.")
    ] = 14.0,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Outcomes are complete up to then; default: the latest decision or outcome.",
        ),
    ] = None,
    interval: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="bootstrap (fixed propensities; default for CSV) or always-valid (adaptive log; "
            "default for our own log).",
        ),
    ] = None,
    level: Annotated[float, typer.Option(help="Confidence of the intervals.")] = 0.95,
    reward_model: Annotated[
        str, typer.Option(metavar="MODEL", help="Of the doubly robust value: mean or ridge.")
    ] = "mean",
    seed: Annotated[int, typer.Option(min=0, help="Of the resamples.")] = 0,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Estimate what a policy would have been worth, with intervals, from another one's log.

    Exit 1 if the log cannot tell: the policy does what the log never could.
    """
    from touchstream.agents.cli import policy as command

    again = since is not None or other is not None
    how = command.asked(interval, level, reward_model, seed, adaptive=again or outcomes is not None)
    rewarded = command.reward_of(reward, own_log=again or outcomes is not None)
    source = command.Source(log, outcomes, rewarded, window_days, until, costs)
    command.require_fit(source, policy_file, differences, again=again)
    if again:
        from touchstream.agents.cli import policy_machine as machine

        asked = machine.Asked(since, other, policy_file, differences)
        machine.show(load_settings(config), source, asked, how, as_json=as_json)
    else:
        command.show(source, policy_file, how, as_json=as_json)
