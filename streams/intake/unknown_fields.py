"""Fields of ``data`` that a type does not know, counted by type and name.

A shard's checkpoint keeps ``NAMES_PER_TYPE`` names of each type, the likely misspellings of
optional fields first and the others in the order of a hash; the rest is counted together. Neither
the order of arrival nor batches decide which names are kept, so a name that all shards together
keep is kept, with its whole count, by each of them.
"""

import re
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from touchstream.schemas.envelope import optional_fields

NAMES_PER_TYPE = 8
"""Names with a counter of their own; a checkpoint is written with every commit."""

NAMES_PER_EVENT = 64
"""Names of one event that are looked at, in alphabetical order."""

OTHER = "other"
"""All further names of a type; also a field of that very name."""

CLOSE = 0.8
"""Similarity of a misspelling: one wrong letter of five."""

WITH_UNKNOWN_FIELDS = "with_unknown_fields"
"""Counter of the applied events that carried any."""

_PREFIX = "unknown_field."
_REMEMBERED = 4_096
# A key that holds data (a phone number, an address, a customer's id) must not become a name.
_NAME = re.compile(r"(?!(?:.*[0-9]){4})[A-Za-z][A-Za-z0-9_-]{0,39}")
_SIGNS = re.compile(r"[\W_]")


class UnknownField(NamedTuple):
    """One field that events of a type carried."""

    type: str
    field: str
    """Its name, or ``other``."""
    events: int
    """Applied events that carried it."""
    did_you_mean: str | None
    """The optional field of the type that it probably stands for."""


@lru_cache(_REMEMBERED)
def near(kind: str, field: str) -> str | None:
    """The optional field of a type that an unknown one probably stands for.

    Only letters and digits count, in either case.

    >>> near("order.placed", "Channnel"), near("order.placed", "colour")
    ('channel', None)
    """
    found = closest(field, sorted(optional_fields(kind)), most=1)
    return found[0] if found else None


def closest(name: str, options: Iterable[str], most: int, cutoff: float = CLOSE) -> list[str]:
    """The options most similar to a name, at most ``most``; only letters and digits count.

    ``cutoff`` (0 to 1) is the least ratio of ``difflib``.

    >>> closest("OrderPlace", ["order.placed", "order.returned"], most=2)
    ['order.placed']
    """
    plain = {_plain(option): option for option in options}
    return [plain[each] for each in get_close_matches(_plain(name), plain, most, cutoff)]


def counters_of(kind: str, fields: Sequence[str]) -> list[str]:
    """Counters that an event's unknown fields, in alphabetical order, increment."""
    names = [_counter(kind, field) for field in fields[:NAMES_PER_EVENT]]
    further = len(fields) > NAMES_PER_EVENT
    # Once per event, as with any field: the counters are numbers of events.
    return list(dict.fromkeys([*names, _counter(kind, OTHER)] if further else names))


def keep_few(counters: MutableMapping[str, int]) -> None:
    """Add the counters of names beyond ``NAMES_PER_TYPE`` to ``other`` of their type."""
    fields: dict[str, list[str]] = {}
    for name in counters:
        if name.startswith(_PREFIX):
            kind, field = _parts(name)
            if field != OTHER:
                fields.setdefault(kind, []).append(field)
    for kind, names in fields.items():
        for field in sorted(names, key=lambda name: _rank(kind, name))[NAMES_PER_TYPE:]:
            count = counters.pop(_counter(kind, field))
            rest = _counter(kind, OTHER)
            counters[rest] = counters.get(rest, 0) + count


def unknown_fields_in(counters: Mapping[str, int]) -> list[UnknownField]:
    """The counted fields of the counters of one or several shards, misspellings first."""
    kept = {name: count for name, count in counters.items() if name.startswith(_PREFIX)}
    keep_few(kept)
    found = [
        UnknownField(kind, field, count, None if field == OTHER else near(kind, field))
        for name, count in kept.items()
        for kind, field in [_parts(name)]
    ]
    return sorted(found, key=lambda one: (one.did_you_mean is None, -one.events, one))


def _parts(counter: str) -> tuple[str, str]:
    kind, _, field = counter.removeprefix(_PREFIX).rpartition(".")
    return kind, field


@lru_cache(_REMEMBERED)
def _counter(kind: str, field: str) -> str:
    # A field's name has no dot, a type's may have several.
    return f"{_PREFIX}{kind}.{field if _NAME.fullmatch(field) else OTHER}"


@lru_cache(_REMEMBERED)
def _rank(kind: str, field: str) -> tuple[bool, bytes]:
    return near(kind, field) is None, blake2b(f"{kind}.{field}".encode(), digest_size=8).digest()


def _plain(field: str) -> str:
    return _SIGNS.sub("", field.lower())
