"""One customer's whole state, and its bytes.

A version byte, then MessagePack without field names.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from touchstream.schemas.rules import Band
from touchstream.schemas.units import Millis
from touchstream.streams.decide.bands import Crossing
from touchstream.streams.features.groups import FeatureGroups
from touchstream.streams.intake.memory import NOTHING_REMEMBERED, Memory
from touchstream.streams.learn.ledger import Ledger, millionths
from touchstream.streams.measures.state import MeasuresState
from touchstream.streams.profiles.profile import Profile

VERSION = 3


class StateError(ValueError):
    """Bytes that no version of the state has written."""


class State(Struct, frozen=True, array_like=True, omit_defaults=True):
    """All that touchstream knows of one customer.

    Add fields at the end; a changed meaning needs a new version.
    """

    profile: Profile | None = None
    memory: Memory = NOTHING_REMEMBERED
    ledger: Ledger = ()
    risk: float | None = None
    """P(churn) as last scored; None before the first model."""
    band: Band | None = None
    """None until a model had enough evidence."""
    crossing: Crossing | None = None
    last_emitted_contributions: bytes | None = None
    """What each topic added by the last ``churn.risk_changed``: :meth:`Topics.pack`."""
    last_emitted_risk: float | None = None
    recommended_ms: dict[str, Millis] = {}
    """Action -> when it was last recommended."""
    snapshot_due_ms: Millis | None = None
    """When the next snapshot for the ledger is due."""
    next_timer_ms: Millis | None = None
    erased_ms: Millis | None = None
    """Tombstone: events up to here are the erased person's."""
    labelled_ms: Millis | None = None
    """The moment of the newest snapshot whose label is given."""
    late_for_label: int = 0
    """Events that came too late to change a label, since the last one was given."""
    targets: dict[str, Ledger] = {}
    """The label ledgers of the further targets."""
    raised: tuple[str, ...] = ()
    """Targets whose probability was above ``signal_at`` when last said."""
    measures: MeasuresState | None = None
    """What the business measures must know of the customer."""

    def last_emitted_by(self, topics: FeatureGroups) -> Sequence[float] | None:
        """What each topic was last told to add to the log-odds; None where nothing compares."""
        return (
            None
            if self.last_emitted_contributions is None
            else topics.unpack(self.last_emitted_contributions)
        )


_encoder = msgspec.msgpack.Encoder(order="deterministic")  # dicts that are equal, equal bytes
_decoder = msgspec.msgpack.Decoder(State)
_PREFIX = bytes([VERSION])


def _from_1(fields: list[Any]) -> list[Any]:
    """Counters of version 1 had three half-lives each; the year's begins where the quarter's is."""
    if not fields or fields[0] is None:
        return fields
    nothing: list[Any] = [None, None, {}, {}]
    last_emitted_contributions: list[Any] = fields[0]
    first, last, more = (
        last_emitted_contributions[0],
        last_emitted_contributions[1],
        last_emitted_contributions[2:],
    )
    activity, first_active, families, money = [*more[:4], *nothing[len(more[:4]) :]]
    if activity is not None:
        at_ms, week, month, quarter, count = activity
        activity = [at_ms, week, month, quarter, quarter, count]
    families = {family: _lately(held, 2) for family, held in families.items()}
    for sums in money.values():
        sums[3] = sums[3] and _lately(sums[3], 3)
    profile = [first, last, activity, first_active, families, money, *more[4:]]
    if len(fields) > _LEDGER:
        for row in fields[_LEDGER]:
            row[1] = millionths(row[1])
    return [profile, *fields[1:]]


def _from_2(fields: list[Any]) -> list[Any]:
    """Version 2 kept the features that were told of; what they added is not known any more."""
    if len(fields) > _TOLD:
        fields[_TOLD] = None
    return fields


_LEDGER, _TOLD = 2, 6  # their places among the fields


def _lately(held: list[Any], half_life: int) -> list[Any]:
    return [held[0], held[half_life], held[4]]


_NOT_AS_WRITTEN = (LookupError, TypeError, ValueError, AttributeError)
"""What an upgrade stumbles over in bytes that its version never wrote."""
UPGRADES: dict[int, Callable[[list[Any]], list[Any]]] = {1: _from_1, 2: _from_2}
"""Version -> what makes its array that of the next version."""


def encode(state: State) -> bytes:
    """The bytes that Redis keeps; equal states give equal bytes.

    >>> decode(encode(State(risk=0.25))) == State(risk=0.25)
    True
    """
    return _PREFIX + _encoder.encode(state)


def decode(data: bytes) -> State:
    """Read :func:`encode` back, of this or an earlier version; raises :class:`StateError`."""
    if not data:
        raise StateError("a state of no bytes")
    version = data[0]
    try:
        if version == VERSION:
            return _decoder.decode(data[1:])
        fields = msgspec.msgpack.decode(data[1:], type=list[Any])
        for step in range(version, VERSION):
            fields = UPGRADES[step](fields)
        if version > VERSION:
            raise StateError(f"state version {version}, this build reads up to {VERSION}")
        return msgspec.convert(fields, State)
    except (msgspec.DecodeError, UnicodeDecodeError, *_NOT_AS_WRITTEN) as exc:
        raise StateError(f"state of version {version} cannot be read: {exc}") from exc
