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
        # A full disk or a closed pipe shows at the flush; at Python's own it would be too late.
        sys.stdout.flush()
    except TyperException as exc:
        return _print(failures.Ending(getattr(exc, "exit_code", failures.FAILED), _message(exc)))
    # Ctrl-C is no failure; 130 is the usual code for it.
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    # Typer exits without a word when a pipe is closed; nothing else exits in here.
    except (BrokenPipeError, SystemExit):
        _discard_output()
        return _print(failures.Ending(failures.FAILED, "standard output was closed"))
    except Exception as exc:
        if isinstance(exc, OSError) and exc.filename is None:
            _discard_output()
        ending = failures.ending(exc)
        if ending is None:
            raise
        return _print(ending)
    return code or 0


def _discard_output() -> None:
    """Let nothing more be written to standard output: Python would complain when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _message(error: TyperException) -> str:
    message = getattr(error, "format_message", None)
    return str(message() if message else error)


def _print(ending: failures.Ending) -> int:
    # Without a command Typer's error is the whole help text, which needs no prefix.
    is_help = ending.line.startswith("Usage:")
    typer.echo(ending.line if is_help else f"touchstream: {ending.line}", err=True)
    return ending.code
