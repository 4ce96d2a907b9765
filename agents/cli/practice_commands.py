"""The command ``touchstream practices``."""

from pathlib import Path
from typing import Annotated

import typer

from touchstream.agents.cli.options import Config, Json, load_settings


def practices(
    log: Annotated[
        Path,
        typer.Argument(
            metavar="LOG",
            help="CSV with columns customer, action, propensity, reward and any context; or "
            "next-best-action.jsonl of a replay, with --outcomes.",
        ),
    ],
    outcomes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Touchpoints: orders, outcomes and all.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Segments: values of this column.")
    ] = None,
    reward: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="revenue (default), stayed, accepted or money; with --outcomes.",
        ),
    ] = None,
    costs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Of a CSV; TOML with a line action = cost for each action."
        ),
    ] = None,
    control: Annotated[
        str, typer.Option(metavar="ACTION", help="The action that does nothing.")
    ] = "do_nothing",
    window_days: Annotated[
        float, typer.Option(help="Days after a decision that count for its reward.")
    ] = 14.0,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Touchpoints are complete up to then; default: the latest decision or outcome.",
        ),
    ] = None,
    minimum: Annotated[
        int, typer.Option(min=2, help="Customers with an action, and without, for a verdict.")
    ] = 100,
    cap: Annotated[
        float, typer.Option(help="Rewards beyond this quantile count as much as it.")
    ] = 0.99,
    error_rate: Annotated[
        float, typer.Option(help="Largest share of wrong verdicts among keep and drop.")
    ] = 0.05,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say which actions are worth keeping, in which segment, from a log of decisions.

    May be asked as often as one likes. Exit 1 if the log has nothing to compare.
    """
    from touchstream.agents.cli import practices as command
    from touchstream.streams.decide.practices.practices import How

    settings = load_settings(config)
    source = command.Source(log, outcomes, reward, window_days, until, costs)
    how = How(by=by, control=control, cap_quantile=cap, minimum=minimum, alpha=error_rate)
    command.show(settings, source, how, as_json=as_json)
