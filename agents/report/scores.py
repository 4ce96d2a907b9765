"""The scores of a replay, read back into columns: 32 bytes a row."""

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
UNKNOWN = -1

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
    customer: Ints
    """A number for each customer; scores of one customer are alike."""
    open: int
    """Further scores whose label was not known at the end."""
    early: int
    """Further labels whose score is from before the first model version."""


class Rows(NamedTuple):
    """Every score of one target, in the order of the file."""

    customer: Ints
    """By ``index`` of :func:`read_rows`."""
    day: Ints
    risk: Floats
    label: Ints
    """Outcome (0 or 1); UNKNOWN while it was not known at the end."""
    version: Ints
    """The model version that predicted; 0: there was none yet."""


class _Score(Struct):
    customer: str
    time: datetime
    risk: Probability
    version: int
    label: Literal[0, 1] | None


def read_rows(path: Path, index: dict[str, int]) -> Rows:
    """Read all scores of a file that ``touchstream replay`` wrote.

    ``index`` numbers the customers; new ones are added.

    Raises
    ------
    Foreign
        If there is no such file, or a line is no score.
    """
    risk, columns = array("d"), [array("l") for _ in range(4)]
    customer, day, label, version = columns
    epoch = EPOCH.toordinal()
    for row in read_lines(path, _Score):
        customer.append(index.setdefault(row.customer, len(index)))
        day.append(row.time.toordinal() - epoch)
        risk.append(row.risk)
        label.append(UNKNOWN if row.label is None else row.label)
        version.append(row.version)
    numbers = [np.asarray(column, np.int64) for column in columns]
    return Rows(numbers[0], numbers[1], np.asarray(risk, np.float64), numbers[2], numbers[3])


def read_scores(path: Path, since: date = EVER) -> Scores:
    """The labelled scores of a file, from the day ``since`` on; raises :class:`Foreign`."""
    return scores_of(read_rows(path, {}), since)


def scores_of(rows: Rows, since: date = EVER) -> Scores:
    """The scores that can be judged, from the day ``since`` on."""
    lately = rows.day >= since.toordinal() - EPOCH.toordinal()
    labelled = lately & (rows.label != UNKNOWN)
    judged = labelled & (rows.version > 0)
    return Scores(
        risk=rows.risk[judged],
        label=rows.label[judged],
        day=rows.day[judged],
        customer=rows.customer[judged],
        open=int((lately & ~labelled).sum()),
        early=int((labelled & ~judged).sum()),
    )


def together(remaining: Scores, gone: Scores) -> Scores:
    """Open customers and those who had left, as one: the risk of these is 1 - P(return).

    Both are of one index of customers.
    """
    return Scores(
        risk=np.concatenate([remaining.risk, 1 - gone.risk]),
        label=np.concatenate([remaining.label, 1 - gone.label]),
        day=np.concatenate([remaining.day, gone.day]),
        customer=np.concatenate([remaining.customer, gone.customer]),
        open=remaining.open + gone.open,
        early=remaining.early + gone.early,
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
