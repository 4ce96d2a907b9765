"""End the process at once where going on would do harm; the next start resumes exactly."""

import faulthandler
import logging
import os
import sys
from typing import NoReturn

import structlog

FAULT = 1
"""Exit code; a supervisor starts the process again."""

log = structlog.get_logger()


def die(event: str, cause: BaseException | None = None, **fields: object) -> NoReturn:
    """Log the reason and exit at once, without Faust's shutdown, which may hang."""
    reason = None if cause is None else f"{type(cause).__name__}: {cause}"
    log.critical(event, reason=reason, exc_info=_unexpected(cause), **fields)
    # os._exit() flushes nothing.
    logging.shutdown()
    sys.stderr.flush()
    os._exit(FAULT)


def dump_stacks() -> None:
    """Write every thread's stack to standard error."""
    faulthandler.dump_traceback(all_threads=True)


def _unexpected(cause: BaseException | None) -> BaseException | None:
    """The cause if it deserves a traceback; a refusal explains itself."""
    return None if cause is None or isinstance(cause, Refusal) else cause


class Refusal(Exception):
    """The process must not go on; the message gives the reason and the remedy."""
