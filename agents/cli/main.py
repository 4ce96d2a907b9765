"""The command line. Bad usage and bad settings end with 2 and one line; failures with 1."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from agents import logs
from agents.settings import Settings, SettingsError

app = typer.Typer(
    name="touchstream",
    help="Reads every customer touchpoint and says who is about to leave, why, and what to do.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Config = Annotated[
    Path | None, typer.Option("--config", help="Settings file; default ./touchstream.toml if any.")
]


@app.command()
def demo(
    seconds: Annotated[int, typer.Option(min=5, max=3600, help="How long the world turns.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Which world.")] = 7,
    config: Config = None,
) -> None:
    """Watch a simulated world of customers; no services needed, ends by itself with a summary."""
    from agents.cli import demo as command

    command.main(_settings(config), config, seconds, seed)


@app.command()
def worker(config: Config = None) -> None:
    """Run a worker: read touchpoints, keep states, emit risks and actions."""
    from agents.cli import roles

    roles.work(_settings(config))


@app.command()
def learner(
    config: Config = None,
    ticks: Annotated[bool, typer.Option(help="Write the ticks, too.")] = True,
) -> None:
    """Run the learner: learn from matured labels, publish versions, write the ticks."""
    from agents.cli import roles

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
    from agents.cli import replay as command

    settings = _settings(config)
    summary = command.replay(settings, config, files, out, broker, workers, partitions)
    typer.echo(orjson.dumps(summary, option=orjson.OPT_INDENT_2).decode())


def _settings(config: Path | None) -> Settings:
    settings = Settings.load(config)
    logs.configure(settings.logging.format, settings.logging.level)
    return settings


def run() -> None:
    """Entry point of the console script."""
    try:
        app()
    except SettingsError as exc:
        typer.echo(f"touchstream: {exc}", err=True)
        raise SystemExit(2) from None


if __name__ == "__main__":
    run()
