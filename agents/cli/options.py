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

Since = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="Leave out earlier lines: 2024-01-31."),
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Leave out lines from then on; default now."),
]


def load_settings(config: Path | None) -> "Settings":
    """Read the settings and configure logging with them."""
    from touchstream.agents import logs
    from touchstream.agents.settings import Settings

    settings = Settings.load(config)
    logs.configure(settings.logging.format, settings.logging.level)
    return settings


def exit_unless(well: bool) -> None:
    """End the command with the code of a failure unless all is well."""
    if not well:
        raise typer.Exit(failures.FAILED)
