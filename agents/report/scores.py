"""The scores of a replay, read back into three columns: 24 bytes a row."""

from array import array
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from touchstream.schemas.rules import Probability

EVER = date.min
EPOCH = date(1970, 1, 1)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Line = TypeVar("Line", bound=Struct)


class Foreign(ValueError):
    """Not the folder of a completed replay; the message says why."""


class Scores(NamedTuple):
    """The labelled scores of one target, in the order of the file."""

    risk: Floats
    """Predicted probability (0..1)."""
    label: Ints
    """Outcome (0 or 1)."""
    day: Ints
    """Time of the prediction: UTC days since the epoch."""
    open: int
    """Further scores whose label was not known at the end."""
    early: int
    """Further labels whose score is from before the first model version."""


class _Score(Struct):
    time: datetime
    risk: Probability
    version: int
    label: Literal[0, 1] | None


def read_scores(path: Path, since: date = EVER) -> Scores:
    """Read the scores that ``touchstream replay`` wrote, from the day ``since`` on.

    Raises
    ------
    Foreign
        If there is no such file, or a line is no score.
    """
    risk, label, day = array("d"), array("b"), array("i")
    first, epoch = since.toordinal(), EPOCH.toordinal()
    still_open = early = 0
    for row in read_lines(path, _Score):
        said_on = row.time.toordinal()
        if said_on < first:
            continue
        if row.label is None:
            still_open += 1
        elif not row.version:
            early += 1
        else:
            risk.append(row.risk)
            label.append(row.label)
            day.append(said_on - epoch)
    return Scores(
        np.asarray(risk, np.float64),
        np.asarray(label, np.int64),
        np.asarray(day, np.int64),
        still_open,
        early,
    )


def read_lines(path: Path, kind: type[Line]) -> Iterator[Line]:
    """Each line as a ``kind``; raises :class:`Foreign` with file and line for a malformed one."""
    decoder = msgspec.json.Decoder(kind)
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield decoder.decode(line)
                except msgspec.MsgspecError as exc:
                    raise Foreign(f"{path.name}:{number}: {exc}") from exc
    except OSError as exc:
        raise Foreign(f"{path.name}: {exc.strerror}") from exc
