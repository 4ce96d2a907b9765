"""The command line. Bad usage and bad settings end with 2 and one line; failures with 1.

Whatever a command needs it imports when it runs, so that ``--help`` answers at once.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from typer.exceptions import TyperException

from touchstream.agents.cli import failures

if TYPE_CHECKING:
    from touchstream.agents.settings import Settings

INTERRUPTED = 130

app = typer.Typer(
    name="touchstream",
    help="Reads every customer touchpoint and says who is about to leave, why, and what to do.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # importing rich takes longer than all the rest
    pretty_exceptions_enable=False,
)
letters = typer.Typer(
    help="Look at the dead letters, and send them again.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(letters, name="dead-letters")
models = typer.Typer(
    help="Show the model's versions; serve an old one; leave a customer out.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
app.add_typer(models, name="models")

Config = Annotated[
    Path | None, typer.Option("--config", help="Settings file; default ./touchstream.toml if any.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON lines, for programs.")]
Reason = Annotated[str | None, typer.Option(help="Only letters with this reason.")]


@app.command()
def demo(
    seconds: Annotated[int, typer.Option(min=5, max=3600, help="How long the world turns.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Which world.")] = 7,
    config: Config = None,
) -> None:
    """Watch a simulated world of customers; no services needed, ends by itself with a summary."""
    from touchstream.agents.cli import demo as command

    command.main(_settings(config), config, seconds, seed)


@app.command()
def worker(config: Config = None) -> None:
    """Run a worker: read touchpoints, keep states, emit risks and actions."""
    from touchstream.agents.cli import roles

    roles.work(_settings(config))


@app.command()
def learner(
    config: Config = None,
    ticks: Annotated[bool, typer.Option(help="Write the ticks, too.")] = True,
) -> None:
    """Run the learner: learn from matured labels, publish versions, write the ticks."""
    from touchstream.agents.cli import roles

    roles.learn(_settings(config), writes_ticks=ticks)


@app.command()
def replay(
    files: Annotated[list[Path], typer.Argument(help="JSONL of CloudEvents, plain or .gz.")],
    out: Annotated[Path, typer.Option(help="Folder for the outputs; made if missing.")],
    config: Config = None,
    broker: Annotated[str, typer.Option(help="embedded, or HOST:PORT of a broker.")] = "embedded",
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 1,
    partitions: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Default: 4 embedded, else kafka.partitions."),
    ] = None,
) -> None:
    """Run history through the same agents and code, on event time.

    Write what comes out to a folder.
    """
    from touchstream.agents.cli import replay as command

    failures.require_broker(broker, embedded=True)
    settings = _settings(config)
    failures.require_lines(files)
    failures.require_folder(out)
    summary = command.replay(settings, config, files, out, broker, workers, partitions)
    typer.echo(orjson.dumps(summary, option=orjson.OPT_INDENT_2).decode())


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What replay --out wrote.")],
    out: Annotated[Path | None, typer.Option(help="The page; default DIR/report.html.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="First day judged, 1997-10-01.")
    ] = None,
) -> None:
    """Make one HTML page that says how good a replay's scores were (needs matplotlib)."""
    from touchstream.agents.cli import report as command

    typer.echo(command.report(folder, out, since))


@app.command()
def up(
    config: Config = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 1,
) -> None:
    """Run workers and the learner on the configured Kafka and Redis, and start again who dies.

    Alerts and the reps' console are not among them yet.
    """
    from touchstream.agents.cli import up as command

    command.up(_settings(config), config, workers)


@app.command()
def topics(
    config: Config = None,
    check: Annotated[bool, typer.Option("--check", help="Look only, create nothing.")] = False,
) -> None:
    """Create the topics that are missing; check the others. Exit 1 if one is not as wanted."""
    from touchstream.agents.cli import topics as command

    _exit_unless(command.topics(_settings(config), create=not check))


@app.command()
def publish(
    files: Annotated[
        list[Path], typer.Argument(help="JSONL of CloudEvents, plain or .gz; - = stdin.")
    ],
    config: Config = None,
    broker: Annotated[str | None, typer.Option(help="HOST:PORT; default kafka.bootstrap.")] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Count bad lines, send the rest.")
    ] = False,
) -> None:
    """Send events to the touchpoints topic, each checked as the workers will check it.

    Without --skip-bad nothing is sent if any line is bad (of standard input: nothing after it).
    """
    from touchstream.agents.cli import publish as command

    settings = _settings(config)
    if broker is not None:
        failures.require_broker(broker, embedded=False)
        settings = command.at_broker(settings, broker)
    stored = [file for file in files if file != command.STDIN]
    if stored:
        failures.require_lines(stored)
    typer.echo(orjson.dumps(command.publish(settings, files, skip_bad=skip_bad)).decode())


@app.command()
def tail(
    topic: Annotated[str, typer.Argument(help="touchpoints, churn-risk, next-best-action ...")],
    config: Config = None,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Not from now.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="End after so many records.")] = None,
    as_json: Json = False,
    record: Annotated[
        bool,
        typer.Option(
            "--record", help="Write the touchpoints up to now as `replay` reads them back, and end."
        ),
    ] = False,
) -> None:
    """Follow a topic, readable; Ctrl-C ends it."""
    from touchstream.agents.cli import tail as command

    settings = _settings(config)
    if record:
        command.record(settings, topic, limit, sys.stdout.buffer)
    else:
        command.tail(settings, topic, limit, from_beginning=from_beginning, as_json=as_json)


@app.command()
def customer(
    customer_id: Annotated[str, typer.Argument(metavar="ID", help="The subject of his events.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show the whole state of one customer."""
    from touchstream.agents.cli import customer as command

    command.customer(_settings(config), customer_id, as_json=as_json)


@app.command()
def metrics(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A metric of docs/metrics.md; else all.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="DIM", help="Split by a dimension of it, not by day.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="First day (UTC); default 28 days up to the last."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="Last day; default the last that a tick ended."),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show the business measures of a period, beside those of the equally long one before."""
    from touchstream.agents.cli import metrics as command

    command.metrics(_settings(config), name, by, since, until, as_json=as_json)


@app.command()
def explain(
    customer_id: Annotated[
        str, typer.Argument(metavar="CUSTOMER", help="The subject of his events.")
    ],
    events: Annotated[
        list[Path] | None,
        typer.Option(help="JSONL of his events, plain or .gz; else the topic is read again."),
    ] = None,
    target: Annotated[str, typer.Option(help="churn, or the name of a further target.")] = "churn",
    config: Config = None,
    verify: Annotated[
        bool, typer.Option(help="Leave out each reason's events and score again.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Say why a customer's risk is what it is, each reason put to the proof by his own events."""
    from touchstream.agents.cli import explain as command

    settings = _settings(config)
    if events:
        failures.require_lines(events)
    command.main(settings, customer_id, events or [], target, proved=verify, as_json=as_json)


@app.command()
def doctor(config: Config = None, as_json: Json = False) -> None:
    """Check configuration, broker, topics, Redis, schemas and clocks; say what to do."""
    from touchstream.agents.cli import doctor as command

    _exit_unless(command.doctor(_settings(config), config, as_json=as_json))


@letters.command("list")
def list_letters(
    config: Config = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 100,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Show the newest dead letters, oldest first."""
    from touchstream.agents.cli import dead_letters as command

    command.show(_settings(config), limit, reason, as_json=as_json)


@letters.command("redrive")
def redrive_letters(
    config: Config = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many are sent.")] = 100,
    reason: Reason = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing, tell only.")] = False,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Also what was gone through before.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Send dead letters to the touchpoints again, going on where the last call ended.

    Mend the cause first: what would die again stays where it is. Progress is kept per --reason.
    """
    from touchstream.agents.cli import dead_letters as command

    settings, plan = _settings(config), command.Plan(limit, reason, from_beginning)
    result = command.redrive(settings, plan, dry_run=dry_run, sure=yes)
    typer.echo(orjson.dumps(result).decode())


@models.callback()
def show_models(
    context: typer.Context,
    config: Config = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many versions.")] = 20,
    as_json: Json = False,
) -> None:
    """Show the versions, who is served, and the evidence for and against the champions."""
    if context.invoked_subcommand is not None:
        if config is not None or as_json:
            raise failures.BadUsage(f"options go behind {context.invoked_subcommand}")
        return
    from touchstream.agents.cli import models as command

    command.show(_settings(config), limit, as_json=as_json)


@models.command("serve")
def serve_model(
    version: Annotated[str, typer.Argument(help="A number that `models` shows, or newest.")],
    config: Config = None,
) -> None:
    """Go back to a version: the learner's ticks name it from the next one on, until `newest`.

    It goes on learning and publishing meanwhile.
    """
    from touchstream.agents.cli import models as command

    command.serve(_settings(config), version)


@models.command("rebuild")
def rebuild_model(
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="CUSTOMER", help="Whom to leave out; may be given several times."),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Commit it as the next version; else tell only.")
    ] = False,
    config: Config = None,
) -> None:
    """Learn again from all examples but some customers'; stop the learner before --apply."""
    from touchstream.agents.cli import rebuild as command

    command.leave_out(_settings(config), without or [], apply=apply)


def _settings(config: Path | None) -> "Settings":
    from touchstream.agents import logs
    from touchstream.agents.settings import Settings

    settings = Settings.load(config)
    logs.configure(settings.logging.format, settings.logging.level)
    return settings


def _exit_unless(well: bool) -> None:
    if not well:
        raise typer.Exit(failures.FAILED)


def run() -> None:
    """Entry point of the console script."""
    raise SystemExit(_exit_code())


def _exit_code() -> int:
    """Run the command; translate how it ends. The only place that does."""
    try:
        code: int | None = app(standalone_mode=False)
    except TyperException as exc:
        return _say(failures.Ending(getattr(exc, "exit_code", failures.FAILED), _reported(exc)))
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:  # who reads us has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as exc:
        ending = failures.ending(exc)
        if ending is None:
            raise
        return _say(ending)
    return code or 0


def _reported(error: TyperException) -> str:
    message = getattr(error, "format_message", None)
    return str(message() if message else error)


def _say(ending: failures.Ending) -> int:
    helped = ending.line.startswith("Usage:")  # no command at all: the help says more
    typer.echo(ending.line if helped else f"touchstream: {ending.line}", err=True)
    return ending.code


if __name__ == "__main__":
    run()
