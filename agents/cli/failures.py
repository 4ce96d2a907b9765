"""Foreseen failures of commands, each with one line and an exit code."""

import errno
import os
from pathlib import Path
from typing import NamedTuple

BAD_USAGE = 2
FAILED = 1


class BadUsage(Exception):
    """An argument is unusable; one line names it and the valid values."""


class Failed(Exception):
    """The command failed; one line gives the reason and the remedy."""


class Ending(NamedTuple):
    """The exit code of the process, and the line it prints."""

    code: int
    line: str


def ending(error: BaseException) -> Ending | None:
    """The ending for a foreseen failure; None for any other, which deserves a traceback."""
    if isinstance(error, _bad_usage()):
        return Ending(BAD_USAGE, _one_line(error))
    if isinstance(error, _foreseen()):
        return Ending(FAILED, str(error).strip() or type(error).__name__)
    if isinstance(error, _kafka_errors()):
        return Ending(
            FAILED,
            f"Kafka: {_one_line(error)}: look at the broker, then run `touchstream doctor`",
        )
    # A full or read-only disk, a file that vanished, a socket that was closed.
    if isinstance(error, OSError):
        return Ending(FAILED, _of_system(error))
    return None


def require_files(files: list[Path]) -> None:
    """Raise :class:`BadUsage` for a file that cannot be read; opens none: it may be a pipe."""
    from touchstream.agents.history.inputs import STDIN

    if files.count(STDIN) > 1:
        raise BadUsage("FILE: want - (standard input) once at most")
    for file in files:
        if file == STDIN:
            continue
        if not file.exists():
            raise BadUsage(f"FILE: want JSONL of events, plain or gzip: {file}: no such file")
        if file.is_dir() or not os.access(file, os.R_OK):
            raise BadUsage(f"FILE: want JSONL of events, plain or gzip: {file}: cannot be read")


def require_broker(text: str, *, embedded: bool) -> None:
    """Raise :class:`BadUsage` unless the text is the address of a broker."""
    from touchstream.agents.settings_tables import BROKERS

    if embedded and text == "embedded":
        return
    if not all(BROKERS.fullmatch(broker) for broker in text.split(",")):
        wanted = "embedded, or HOST:PORT" if embedded else "HOST:PORT"
        raise BadUsage(f"--broker={text!r}: want {wanted}, several separated by commas")


def require_folder(folder: Path) -> None:
    """Raise :class:`BadUsage` unless the folder exists or can be created, and is writable."""
    probe = folder / ".touchstream-probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as exc:
        complaint = f"--out={str(folder)!r}: want a folder to write to: {exc.strerror}"
        # Of the disk, not of the argument.
        if exc.errno in (errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise Failed(complaint) from exc
        raise BadUsage(complaint) from exc


def _of_system(error: OSError) -> str:
    what = error.strerror or _one_line(error) or type(error).__name__
    return what if error.filename is None else f"{error.filename}: {what}"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _bad_usage() -> tuple[type[BaseException], ...]:
    from touchstream.agents.settings import SettingsError

    return (BadUsage, SettingsError)


def _foreseen() -> tuple[type[BaseException], ...]:
    """Imported only here, so that a command that succeeds pays for none of them."""
    from touchstream.agents.backfill import BackfillRefused
    from touchstream.agents.channels.apprise import AppriseMissing
    from touchstream.agents.clients import NoBroker
    from touchstream.agents.embedded.broker import BrokerError
    from touchstream.agents.embedded.process import ServerError
    from touchstream.agents.fatal import Refusal
    from touchstream.agents.history.inputs import InputError
    from touchstream.agents.history.lines import LinesError
    from touchstream.agents.replay.services import ServicesError
    from touchstream.agents.replay.supervisor import SupervisorError
    from touchstream.agents.replay.waiting import Stalled
    from touchstream.agents.stores.base import StoreError
    from touchstream.agents.views.models import CannotServe, NoLearner

    return (
        *(
            Failed,
            AppriseMissing,
            BackfillRefused,
            NoBroker,
            BrokerError,
            ServerError,
            Refusal,
            SupervisorError,
            LinesError,
        ),
        *(InputError, Stalled, ServicesError, StoreError, CannotServe, NoLearner),
    )


def _kafka_errors() -> tuple[type[BaseException], ...]:
    import aiokafka.errors
    import kafka.errors

    return (aiokafka.errors.KafkaError, kafka.errors.KafkaError)
