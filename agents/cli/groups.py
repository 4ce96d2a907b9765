"""The commands with subcommands: ``dead-letters``, ``models``, ``bands`` and ``channels``."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from touchstream.agents.cli import failures
from touchstream.agents.cli.options import (
    TIMEOUT_S,
    Config,
    Json,
    Timeout,
    exit_unless,
    load_settings,
)

ReasonOption = Annotated[str | None, typer.Option(help="Only letters with this reason.")]

letters = typer.Typer(
    help="List the dead letters, and send them again.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
models = typer.Typer(
    help="Show the model's versions; serve an older one; remove a customer from the training.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
bands = typer.Typer(
    help="Find the bands for as many alarms as there are people for.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
channels = typer.Typer(
    help="Try the ways that alerts leave.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@bands.callback()
@channels.callback()
def _group() -> None:
    """Keep ``tune`` a subcommand: Typer would run the only one without its name."""


@channels.command("test")
def try_channel(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As [[channels]] has it.")],
    to: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="For the kind email: who gets it.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Send one test message, and say what came of it. Exit 1 if it was not delivered."""
    from touchstream.agents.cli import channels as command

    exit_unless(command.send_test(load_settings(config), name, to, as_json=as_json))


@bands.command("tune")
def tune_bands(
    capacity: Annotated[
        float | None, typer.Option(help="Customers a day who may enter the band high.")
    ] = None,
    share: Annotated[
        float | None, typer.Option(help="The same as a share of open customers: 0.01.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER", help="Of a replay; default: the live ledger."),
    ] = None,
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    as_json: Json = False,
) -> None:
    """Show what would follow from a capacity, and from half, twice and four times as much.

    From a replay: thresholds, alarms a day, how many came true, how many leavers were warned.
    From the live ledger thresholds and alarms alone, because its rows have no labels yet.
    """
    from touchstream.agents.cli import bands as command

    command.tune(load_settings(config, timeout), capacity, share, folder, as_json=as_json)


@letters.command("list")
def list_letters(
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many, the newest.")] = 100,
    reason: ReasonOption = None,
    as_json: Json = False,
) -> None:
    """Show the newest dead letters, oldest first."""
    from touchstream.agents.cli import dead_letters as command

    command.show(load_settings(config, timeout), limit, reason, as_json=as_json)


@letters.command("redrive")
def redrive_letters(
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    limit: Annotated[int, typer.Option(min=1, help="Send at most this many.")] = 100,
    reason: ReasonOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only, send nothing.")] = False,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Include letters that an earlier call passed.")
    ] = False,
    as_new_event: Annotated[
        bool,
        typer.Option(
            "--as-new-event",
            help="Send the letters with a conflicting id under ids of their own: each is counted "
            "as another event, in addition to the one that has its id. The money of an order "
            "that was sent twice with differences is then counted twice.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Send dead letters to the touchpoints again, from where the last call ended.

    Fix the cause first: a letter that would be rejected again stays where it is. One with a
    conflicting id stays, unless you know that both events happened: see --as-new-event. Progress
    is kept separately for each --reason, and for --as-new-event.
    """
    from touchstream.agents.cli import dead_letters as command

    settings = load_settings(config, timeout)
    plan = command.Plan(limit, reason, from_beginning, as_new_event)
    result = command.redrive(settings, plan, dry_run=dry_run, sure=yes)
    typer.echo(orjson.dumps(result).decode())


@models.callback()
def show_models(
    context: typer.Context,
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many, the newest.")] = 20,
    as_json: Json = False,
) -> None:
    """Show the versions, which one is served, and the evidence for and against the champions."""
    if context.invoked_subcommand is not None:
        if config is not None or as_json or timeout != TIMEOUT_S:
            raise failures.BadUsage(f"options go behind {context.invoked_subcommand}")
        return
    from touchstream.agents.cli import models as command

    command.show(load_settings(config, timeout), limit, as_json=as_json)


@models.command("serve")
def serve_model(
    version: Annotated[str, typer.Argument(help="A number that `models` shows, or newest.")],
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
) -> None:
    """Roll back to a version: ticks name it from the next one on, until `models serve newest`.

    The learner goes on learning and publishing meanwhile.
    """
    from touchstream.agents.cli import models as command

    command.serve(load_settings(config, timeout), version)


@models.command("rebuild")
def rebuild_model(
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="CUSTOMER", help="Customer to leave out; may be repeated."),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Commit the result as the next version.")
    ] = False,
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
) -> None:
    """Learn again from all examples but those of some customers, and report the difference.

    Stop the learner before --apply.
    """
    from touchstream.agents.cli import rebuild as command

    command.leave_out(load_settings(config, timeout), without or [], apply=apply)
