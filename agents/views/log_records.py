"""Records of the log as people are shown them: each touchpoint and each recommendation once."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.envelope import decode_emission
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.units import Millis
from touchstream.streams.intake.modes import attributes_of
from touchstream.streams.records import Record

OUTCOME, ERASED = "action.outcome", "customer.erased"


class Touchpoint(NamedTuple):
    """A record that has type, time, source and id, whatever else may be wrong with it."""

    id: tuple[str, str]
    at_ms: Millis
    kind: str
    data: Mapping[str, object]


class Outcome(NamedTuple):
    """A step of what came of an action."""

    at_ms: Millis
    outcome: str


def touchpoints_in(records: Iterable[Record]) -> Iterator[Touchpoint]:
    """Each event once, however often it was sent; what is no event is a dead letter elsewhere."""
    seen: set[tuple[str, str]] = set()
    for record in records:
        attributes = attributes_of(record)
        if not isinstance(attributes, dict):
            continue
        kind, said, data = (attributes.get(name) for name in ("type", "time", "data"))
        id_ = str(attributes.get("source")), str(attributes.get("id"))
        if not isinstance(kind, str) or not isinstance(said, str) or id_ in seen:
            continue
        try:
            at_ms = parse_time(said)
        except ValueError:
            continue
        seen.add(id_)
        yield Touchpoint(id_, at_ms, kind, data if isinstance(data, dict) else {})


def recommendations_in(records: Iterable[Record]) -> Iterator[tuple[Millis, ActionRecommended]]:
    """Each decision once, with its moment."""
    seen: set[str] = set()
    for record in records:
        try:
            emission, _ = decode_emission(record.value)
        except ValueError:
            continue  # of a later build
        data = emission.data
        if isinstance(data, ActionRecommended) and data.decision not in seen:
            seen.add(data.decision)
            yield emission.time_ms, data


def erased_until(touchpoints: Iterable[Touchpoint], erased_ms: Millis | None) -> int:
    """Nothing up to this moment is shown: the newest erasure in the log or the state; -1: none."""
    erasures = [one.at_ms for one in touchpoints if one.kind == ERASED]
    return max([*erasures, -1 if erased_ms is None else erased_ms])
