"""Translation of a command's end into an exit code and one line; nothing else does that."""

import os
import sys

import typer
from typer.exceptions import TyperException

from touchstream.agents.cli import failures

INTERRUPTED = 130


def exit_code(app: typer.Typer) -> int:
    """Run the command line; an unforeseen error is raised, with its traceback."""
    try:
        code: int | None = app(standalone_mode=False)
    except TyperException as exc:
        return _print(failures.Ending(getattr(exc, "exit_code", failures.FAILED), _message(exc)))
    # Ctrl-C is no failure; 130 is the usual code for it.
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has seen enough. Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as exc:
        ending = failures.ending(exc)
        if ending is None:
            raise
        return _print(ending)
    return code or 0


def _message(error: TyperException) -> str:
    message = getattr(error, "format_message", None)
    return str(message() if message else error)


def _print(ending: failures.Ending) -> int:
    # Without a command Typer's error is the whole help text, which needs no prefix.
    is_help = ending.line.startswith("Usage:")
    typer.echo(ending.line if is_help else f"touchstream: {ending.line}", err=True)
    return ending.code
