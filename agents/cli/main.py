"""The command line. Bad usage and bad settings exit with 2 and one line, failures with 1.

Each command imports its module when it runs, so that ``--help`` answers at once.
"""

import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from touchstream.agents.cli import failures
from touchstream.agents.cli.alert_commands import alerts
from touchstream.agents.cli.exits import exit_code
from touchstream.agents.cli.groups import bands, channels, letters, models
from touchstream.agents.cli.options import (
    TIMEOUT_S,
    Config,
    Json,
    Since,
    Timeout,
    Until,
    exit_unless,
    load_settings,
)
from touchstream.agents.cli.policy_commands import policy
from touchstream.agents.cli.practice_commands import practices

EVENT_FILES = "One CloudEvent a line as JSON, plain or gzip; a pipe; - for standard input."

app = typer.Typer(
    name="touchstream",
    help="Read every customer touchpoint; predict who is about to leave, why, and what to do.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # importing rich takes longer than all the rest
    pretty_exceptions_enable=False,
)
app.add_typer(alerts, name="alerts")
app.add_typer(letters, name="dead-letters")
app.add_typer(models, name="models")
app.add_typer(bands, name="bands")
app.add_typer(channels, name="channels")
app.add_typer(policy, name="policy")
app.command()(practices)


@app.command()
def demo(
    seconds: Annotated[int, typer.Option(min=5, max=3600, help="Duration of the demo.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated world.")] = 7,
    config: Config = None,
) -> None:
    """Watch a simulated world of customers. Needs no services, and ends with a summary."""
    from touchstream.agents.cli import demo as command

    command.main(load_settings(config), config, seconds, seed)


@app.command()
def worker(config: Config = None) -> None:
    """Run a worker: read touchpoints, update customer states, emit risks and actions."""
    from touchstream.agents.cli import roles

    roles.work(load_settings(config))


@app.command()
def learner(
    config: Config = None,
    ticks: Annotated[bool, typer.Option(help="Write the ticks as well.")] = True,
) -> None:
    """Run the learner: learn from matured labels, publish versions, write the ticks."""
    from touchstream.agents.cli import roles

    roles.learn(load_settings(config), writes_ticks=ticks)


@app.command()
def notifier(config: Config = None) -> None:
    """Run the notifier: send alerts to reps and queues, under their capacity and hours."""
    from touchstream.agents.cli import roles

    roles.notify(load_settings(config))


@app.command()
def replay(
    files: Annotated[list[Path], typer.Argument(help=EVENT_FILES)],
    out: Annotated[Path, typer.Option(help="Folder for the outputs; created if missing.")],
    config: Config = None,
    broker: Annotated[str, typer.Option(help="embedded, or HOST:PORT of a broker.")] = "embedded",
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 1,
    partitions: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Default: 4 embedded, else kafka.partitions."),
    ] = None,
    since: Since = None,
    until: Until = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Replay nothing unless every line can be applied.")
    ] = False,
) -> None:
    """Run a history through the same agents, in event time, and write the outputs to a folder.

    Lines are sorted by time. Exit 1 if nothing, or less than half of them, was applied.
    """
    from touchstream.agents.cli import replay as command
    from touchstream.agents.cli.histories import range_of_time

    failures.require_broker(broker, embedded=True)
    settings = load_settings(config)
    failures.require_files(files)
    failures.require_folder(out)
    asked = range_of_time(since, until)
    bounded = since is not None or until is not None
    options = command.Options(out, broker, workers, partitions, asked, bounded, strict)
    command.main(settings, config, files, options)


@app.command()
def backfill(
    files: Annotated[list[Path], typer.Argument(help=EVENT_FILES)],
    config: Config = None,
    since: Since = None,
    until: Until = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 1,
    timeout: Timeout = TIMEOUT_S,
) -> None:
    """Put a history into a deployment before its first start: trained models, full profiles.

    Runs the deployment's own workers and learner; nothing of the past is emitted. Killed, it goes
    on with the same files.
    """
    from touchstream.agents.cli import backfill as command

    failures.require_files(files)
    options = command.Options(since, until, workers)
    command.main(load_settings(config, timeout), config, files, options)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that replay --out wrote.")],
    out: Annotated[Path | None, typer.Option(help="The page; default DIR/report.html.")] = None,
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="DAY", help="First day evaluated: 1997-10-01."),
    ] = None,
) -> None:
    """Evaluate a replay's scores on one HTML page (needs matplotlib)."""
    from touchstream.agents.cli import report as command

    typer.echo(command.report(folder, out, since))


@app.command()
def up(
    config: Config = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 1,
) -> None:
    """Run workers and the learner on the configured Kafka and Redis, and restart any that exit.

    Alerts and the reps' console are not included yet.
    """
    from touchstream.agents.cli import up as command

    command.up(load_settings(config), config, workers)


@app.command()
def topics(
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    check: Annotated[bool, typer.Option("--check", help="Check only, create nothing.")] = False,
) -> None:
    """Create missing topics and check the others. Exit 1 if one is misconfigured."""
    from touchstream.agents.cli import topics as command

    exit_unless(command.topics(load_settings(config, timeout), create=not check))


@app.command()
def reshard(
    partitions: Annotated[
        int, typer.Option(min=1, max=10_000, help="Of the new touchpoints topic.")
    ],
    namespace: Annotated[str, typer.Option(help="A new one; the present one stays as it is.")],
    topic_prefix: Annotated[
        str | None, typer.Option(help="Of the new topics; default: the new namespace and a dot.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Say what is left to be done; copy nothing.")
    ] = False,
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
) -> None:
    """Copy a stopped and drained deployment into a new namespace with other partitions.

    Nothing is replayed: states, timers, measures and models go on where they are.
    """
    from touchstream.agents.cli import reshard as command

    settings = load_settings(config, timeout)
    command.reshard(settings, partitions, namespace, topic_prefix, check=check)


@app.command()
def publish(
    files: Annotated[list[Path], typer.Argument(help=EVENT_FILES)],
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    broker: Annotated[str | None, typer.Option(help="HOST:PORT; default kafka.bootstrap.")] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Count bad lines and send the others.")
    ] = False,
    allow_late: Annotated[
        bool, typer.Option("--allow-late", help="Send events that are too old to be applied, too.")
    ] = False,
) -> None:
    """Send events to the touchpoints topic, each checked as the workers will check it.

    Nothing is sent if any line is bad, or too late; from a pipe, nothing from that line on.
    """
    from touchstream.agents.cli import publish as command

    settings = load_settings(config, timeout)
    if broker is not None:
        failures.require_broker(broker, embedded=False)
        settings = command.at_broker(settings, broker)
    failures.require_files(files)
    found = command.publish(settings, files, skip_bad=skip_bad, allow_late=allow_late)
    typer.echo(orjson.dumps(found).decode())
    command.require_half(found)


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help=EVENT_FILES)],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Check files of events as a worker would, without any service: what is wrong, and where.

    Exit 0 if every line is valid, 1 if not.
    """
    from touchstream.agents.cli import check as command

    exit_unless(command.check(load_settings(config), files, as_json=as_json))


@app.command()
def tail(
    topic: Annotated[str, typer.Argument(help="touchpoints, churn-risk, next-best-action ...")],
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Not from now.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Exit after this many records.")] = None,
    as_json: Json = False,
    record: Annotated[
        bool,
        typer.Option(
            "--record",
            help="Write the touchpoints up to now in the format that `replay` reads, and exit.",
        ),
    ] = False,
) -> None:
    """Follow a topic in a readable form; Ctrl-C ends it."""
    from touchstream.agents.cli import tail as command

    settings = load_settings(config, timeout)
    if record:
        command.record(settings, topic, limit, sys.stdout.buffer)
    else:
        command.tail(settings, topic, limit, from_beginning=from_beginning, as_json=as_json)


@app.command()
def customer(
    customer_id: Annotated[str, typer.Argument(metavar="ID", help="The subject of their events.")],
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    as_json: Json = False,
) -> None:
    """Show the whole state of one customer."""
    from touchstream.agents.cli import customer as command

    command.customer(load_settings(config, timeout), customer_id, as_json=as_json)


@app.command()
def risks(
    band: Annotated[
        str | None, typer.Option(metavar="BAND", help="high or medium; default both.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=10_000, help="How many, by risk.")] = 20,
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    as_json: Json = False,
) -> None:
    """List the customers at risk now, with the reasons and the action told last."""
    from touchstream.agents.cli import risks as command

    command.risks(load_settings(config, timeout), band, top, as_json=as_json)


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
    timeout: Timeout = TIMEOUT_S,
    as_json: Json = False,
) -> None:
    """Show the business measures of a period, beside those of the equally long one before."""
    from touchstream.agents.cli import metrics as command

    command.metrics(load_settings(config, timeout), name, by, since, until, as_json=as_json)


@app.command()
def explain(
    customer_id: Annotated[
        str, typer.Argument(metavar="CUSTOMER", help="The subject of their events.")
    ],
    events: Annotated[
        list[Path] | None,
        typer.Option(help="JSONL of their events, plain or .gz; default: read the topic again."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="churn, return, or the name of another target; churn unless the relation is over."
        ),
    ] = None,
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    verify: Annotated[
        bool, typer.Option(help="Verify each reason: leave its events out and score again.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Explain a customer's risk, and verify each reason against their own events."""
    from touchstream.agents.cli import explain as command

    settings = load_settings(config, timeout)
    if events:
        failures.require_files(events)
    command.main(settings, customer_id, events or [], target, proved=verify, as_json=as_json)


@app.command()
def schemas(
    config: Config = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the JSON Schema of every type and the event dictionary."),
    ] = None,
) -> None:
    """Print the event dictionary of your own types, or write the whole contract with them."""
    from touchstream.agents.cli import schemas as command

    settings = load_settings(config)
    if out is not None:
        failures.require_folder(out)
    typer.echo(command.schemas(settings, out))


@app.command()
def console(config: Config = None) -> None:
    """Serve the reps' console: alerts, customers, the model (docs/console.md)."""
    from touchstream.agents.cli import console as command

    command.run(load_settings(config), "console")


@app.command("console-key")
def console_key(
    rep: Annotated[str, typer.Argument(metavar="REP", help="Id of a rep in the settings.")],
    config: Config = None,
) -> None:
    """Make an API key with which a rep signs in to the console; it is shown once."""
    from touchstream.agents.cli import console as command

    command.console_key(load_settings(config), rep)


@app.command()
def doctor(config: Config = None, timeout: Timeout = TIMEOUT_S, as_json: Json = False) -> None:
    """Check configuration, broker, topics, Redis, schemas and clocks, and advise on each fault."""
    from touchstream.agents.cli import doctor as command

    exit_unless(command.doctor(load_settings(config, timeout), config, as_json=as_json))


def run() -> None:
    """Entry point of the console script."""
    raise SystemExit(exit_code(app))


if __name__ == "__main__":
    run()
