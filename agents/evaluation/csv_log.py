"""A log of decisions as CSV: customer, action, propensity, reward; every other column is context.

An optional column ``weight`` says how many decisions a row stands for, and columns ``p:ACTION``
what the policy to evaluate would have done; an action without one has probability 0.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from touchstream.agents.history.inputs import InputError
from touchstream.streams.decide.evaluation.logged import LoggedDecision

REQUIRED = ("customer", "action", "propensity", "reward")
WEIGHT = "weight"
PROPOSED = "p:"
"""Before the name of an action."""
_GZIP = b"\x1f\x8b"


def read_csv(file: Path) -> list[LoggedDecision]:
    """Every row, in order; plain or gzip.

    Raises
    ------
    InputError
        Naming file, line and column of what is wrong.
    """
    try:
        return list(_decisions(file, _text(file)))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as exc:
        raise InputError(f"{file}: {getattr(exc, 'strerror', None) or exc}") from exc


def _text(file: Path) -> str:
    value = file.read_bytes()
    return (gzip.decompress(value) if value.startswith(_GZIP) else value).decode("utf-8-sig")


def _decisions(file: Path, text: str) -> Iterator[LoggedDecision]:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    names = rows.fieldnames or ()
    _check_header(file, names)
    proposed = [name for name in names if name.startswith(PROPOSED)]
    context = [name for name in names if name not in (*REQUIRED, WEIGHT, *proposed)]
    for row in rows:
        place = f"{file}:{rows.line_num}"
        if None in row or None in row.values():
            raise InputError(f"{place}: want {len(names)} columns, as in the header")
        yield LoggedDecision(
            customer=_word(place, row, "customer"),
            context={name: row[name] for name in context},
            action=_word(place, row, "action"),
            propensity=_number(place, row, "propensity"),
            probabilities=None,
            reward=_number(place, row, "reward"),
            weight=_number(place, row, WEIGHT) if WEIGHT in row else 1.0,
            proposed={name.removeprefix(PROPOSED): _number(place, row, name) for name in proposed}
            or None,
        )


def _check_header(file: Path, names: Sequence[str]) -> None:
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise InputError(
            f"{file}: want a CSV with columns {', '.join(REQUIRED)} (or the lines of "
            f"next-best-action.jsonl, with --outcomes); missing: {', '.join(missing)}"
        )
    if len(set(names)) < len(names):
        raise InputError(f"{file}: want each column once, not {', '.join(names)}")


def _word(place: str, row: Mapping[str, str], name: str) -> str:
    if not row[name]:
        raise InputError(f"{place}: {name} is empty")
    return row[name]


def _number(place: str, row: Mapping[str, str], name: str) -> float:
    try:
        return float(row[name])
    except ValueError as exc:
        raise InputError(f"{place}: {name}={row[name]!r}: want a number") from exc
