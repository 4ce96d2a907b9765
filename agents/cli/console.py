"""``touchstream console`` and ``touchstream console-key``.

The console is loaded by its name when it runs: ``web`` imports ``agents``, never the reverse
(docs/decisions/0041-console.md).
"""

import importlib
from collections.abc import Callable
from hashlib import sha256

import typer

from touchstream.agents.cli.failures import BadUsage
from touchstream.agents.settings import Settings

ROLES = {"console": "touchstream.web.console.serve:run"}
"""Process -> module and function that runs it, given the settings."""

KEYS = "touchstream.web.console.principal:new_key"


def run(settings: Settings, role: str) -> None:
    """Run a process of ``web`` until a signal arrives."""
    _loaded(ROLES[role])(settings)


def console_key(settings: Settings, rep: str) -> None:
    """Print a new API key of a rep, and the line for the settings; nothing is stored."""
    if rep not in {one.id for one in settings.reps}:
        known = ", ".join(one.id for one in settings.reps) or "none yet"
        raise BadUsage(f"REP={rep!r}: want the id of a rep in the settings: {known}")
    key = str(_loaded(KEYS)())
    typer.echo(f"key for {rep}, shown this once: {key}")
    typer.echo(f'key_sha256 = "{sha256(key.encode()).hexdigest()}"')


def _loaded(place: str) -> Callable[..., object]:
    module, _, name = place.partition(":")
    found: Callable[..., object] = getattr(importlib.import_module(module), name)
    return found
