"""Recorded measurements under permanent ids, with the tolerance for later runs.

The file: id -> measure -> ``{"value": , "tolerance": }``. A run that is better than the tolerance
allows is a miss as well: the record would no longer be true.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.quality.measures import Number

FILE = Path(__file__).resolve().parents[1] / "tolerances" / "quality.json"

USUAL: Mapping[str, float] = {
    "n": 0,
    "base_rate": 0.0001,
    "auc": 0.003,
    "ap_label_0": 0.005,
    "ap_label_1": 0.005,
    "log_loss": 0.003,
    "brier": 0.001,
    "ece": 0.003,
    "leavers": 0,
    "warned": 0.02,
    "lead_days": 2,
    "alarms": 10,
    "alarms_per_day": 0.2,
    "precision": 0.02,
}
DIGITS = 5


class Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    """One number on record."""

    value: float | None
    """None: not defined on these rows."""
    tolerance: float


Tolerances = dict[str, dict[str, Wanted]]
Found = Mapping[str, Mapping[str, Number]]
"""Id -> measure -> value."""


def load(file: Path) -> Tolerances:
    """Read the record; a file that is not there is empty.

    Raises
    ------
    msgspec.ValidationError
        If it has another form.
    """
    return msgspec.json.decode(file.read_bytes(), type=Tolerances) if file.exists() else {}


def save(wanted: Tolerances, file: Path) -> None:
    """Write the record, ids in order, one measure a line."""
    text = msgspec.json.format(msgspec.json.encode(wanted, order="sorted"), indent=1)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text + b"\n")


def misses(found: Found, wanted: Tolerances) -> list[str]:
    """A line for every measure off the record, and for every id that is not on it."""
    shown = [f"{row}: not on record; --update writes it" for row in found if row not in wanted]
    for row, values in found.items():
        shown += [
            f"{row}: {name} {values[name]}, want {one.value} +- {one.tolerance}"
            for name, one in wanted.get(row, {}).items()
            if _off(values[name], one)
        ]
    return shown


def _off(value: float | None, one: Wanted) -> bool:
    if value is None or one.value is None:
        return (value is None) != (one.value is None)
    rounding = 0.5 * 10.0**-DIGITS
    return abs(value - one.value) > one.tolerance + rounding


def updated(found: Found, wanted: Tolerances) -> Tolerances:
    """The record with the values found; other ids stay, and so do tolerances set by hand."""
    fresh = {
        row: {
            name: Wanted(
                None if value is None else round(value, DIGITS),
                wanted[row][name].tolerance if name in wanted.get(row, {}) else USUAL[name],
            )
            for name, value in values.items()
        }
        for row, values in found.items()
    }
    return {**wanted, **fresh}
