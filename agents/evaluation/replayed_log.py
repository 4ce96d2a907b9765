"""The recommendations of a replay, joined with the ``action.outcome`` events of a file."""

from pathlib import Path

import msgspec
from msgspec import Raw, Struct

from touchstream.agents.evaluation.outcomes import (
    OUTCOME,
    Dated,
    Happened,
    Joined,
    RewardedLog,
    Rewarding,
)
from touchstream.agents.history.inputs import InputError, RawLine, raw_lines
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.touchpoints.actions import ActionOutcome

RECOMMENDED = "action.recommended"


class _Event(Struct, frozen=True):
    """The parts of a CloudEvent that are read here."""

    type: str
    subject: str
    time: str
    data: Raw


def read_replayed(recommended: Path, outcomes: Path, how: Rewarding) -> RewardedLog:
    """Join two files of JSON lines, plain or gzip; the second may hold other touchpoints as well.

    Raises
    ------
    InputError
        Naming the place of what is wrong.
    """
    joined = Joined()
    for line in raw_lines([recommended]):
        joined.add_decision(recommended_in(line))
    for line in raw_lines([outcomes]):
        _outcome(joined, line)
    return joined.rewarded(how, str(outcomes))


def recommended_in(line: RawLine) -> Dated:
    """The recommendation of a line; raises :class:`InputError` for anything else."""
    try:
        event = msgspec.json.decode(line.value, type=_Event)
        if event.type != RECOMMENDED:
            raise InputError(f"{line.place}: want {RECOMMENDED}, not {event.type[:64]!r}")
        data = msgspec.json.decode(event.data, type=ActionRecommended)
        return Dated(parse_time(event.time), event.subject, data)
    except InputError:
        raise
    except ValueError as exc:
        raise InputError(f"{line.place}: want {RECOMMENDED}: {exc}") from exc


def _outcome(joined: Joined, line: RawLine) -> None:
    try:
        event = msgspec.json.decode(line.value, type=_Event)
        if event.type != OUTCOME:
            return
        at_ms = parse_time(event.time)
        data = msgspec.json.decode(event.data, type=ActionOutcome)
    except ValueError:
        # A deployment's touchpoints have such lines; it rejects them as well.
        joined.left_out["unreadable"] += 1
        return
    joined.add_outcome(Happened(at_ms, str(line.place), data))
