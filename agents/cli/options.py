"""Options that several commands share, and the settings they lead to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from touchstream.agents.cli import failures

if TYPE_CHECKING:
    from touchstream.agents.settings import Settings

Config = Annotated[
    Path | None, typer.Option("--config", help="Settings file; default ./touchstream.toml if any.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON lines, for programs.")]
TIMEOUT_S = 10.0
Timeout = Annotated[
    float,
    typer.Option(
        "--timeout",
        min=1,
        max=3_600,
        metavar="SECONDS",
        help="Fail once Kafka or Redis has not answered for so long.",
    ),
]
"""Of every command that asks a service; give it to :func:`load_settings`."""

Since = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="Leave out earlier lines: 2024-01-31."),
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Leave out lines from then on; default now."),
]


def load_settings(config: Path | None, timeout_s: float | None = None) -> "Settings":
    """Read the settings and configure logging with them; ``timeout_s`` is ``--timeout``."""
    from touchstream.agents import logs
    from touchstream.agents.settings import Settings

    settings = Settings.load(config)
    logs.configure(settings.logging.format, settings.logging.level)
    return settings if timeout_s is None else settings.answering_within(timeout_s)


def exit_unless(well: bool) -> None:
    """End the command with the code of a failure unless all is well."""
    if not well:
        raise typer.Exit(failures.FAILED)
