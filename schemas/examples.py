"""The learner's input: matured examples, and each shard's marker that it has passed a tick."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from touchstream.schemas.rules import Probability
from touchstream.schemas.units import Millis

Sequenced = Annotated[int, Meta(ge=1)]
"""Increases by 1 per record within a shard; a gap stops the learner."""


class Example(Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="example"):
    """A snapshot of a customer whose label is known by now."""

    shard: str
    """The shard that sent it: p0, p1 ..."""
    sequence: Sequenced
    """Counts the shard's records on the topic, from 1."""
    tick: Annotated[int, Meta(ge=1)]
    """Number of the tick at which the label matured."""
    customer: str
    """Pseudonym of the customer."""
    at_ms: Millis
    """The moment that was scored."""
    matured_ms: Millis
    """The moment from which the label was known: horizon and grace have passed."""
    label: Annotated[int, Meta(ge=0, le=1)]
    """1: churned within the horizon."""
    treated: bool
    """True: an action reached the customer within the horizon."""
    probability: Probability
    """The prediction at that moment (0..1)."""
    model_version: Annotated[int, Meta(ge=0)]
    """The version that predicted it; 0: none yet."""
    features: str
    """Digest of the feature list that the vector follows."""
    vector: str
    """The features of that moment: base64 of little-endian float16, NaN for a missing one."""
    target: str = "churn"
    """The target of the label; a name of ``[[targets]]`` or churn."""
    offer_probability: Probability = 0.0
    """Probability that the policy recommended an action within the window (0..1)."""
    recommended: bool = False
    """True: an action was recommended."""
    late: Annotated[int, Meta(ge=0)] = 0
    """Events that came too late to change a label, since this customer's last example."""


class TickCompleted(
    Struct,
    frozen=True,
    kw_only=True,
    gc=False,
    omit_defaults=True,
    tag_field="kind",
    tag="tick_completed",
):
    """All examples of this shard up to this tick have been sent."""

    shard: str
    """The shard that has passed: p0, p1 ..."""
    sequence: Sequenced
    """Counts the shard's records on the topic, from 1."""
    tick: Annotated[int, Meta(ge=1)]
    """Number of the tick."""
    time_ms: Millis = Millis(0)
    """The tick's time."""
    scored: Annotated[int, Meta(ge=0)] = 0
    """Open customers whose snapshot was taken since the tick before."""
    entered: Annotated[int, Meta(ge=0)] = 0
    """Customers who entered the band high since then."""
    history: bool = False
    """True: the tick belongs to a backfill, so its signals are withheld."""
    rises: dict[str, int] = {}
    """Thresholds of risk that they rose through since the snapshot before, as differences
    (``streams/learn/band_capacity.py``)."""


ExampleRecord = Example | TickCompleted
"""One record of the topic ``touchstream.examples``."""

_decoder: msgspec.json.Decoder[ExampleRecord] = msgspec.json.Decoder(ExampleRecord)


def encode_example(record: ExampleRecord) -> bytes:
    """Write one record; equal records give equal bytes."""
    return msgspec.json.encode(record)


def decode_example(raw: bytes) -> ExampleRecord:
    """Read :func:`encode_example` back; raises ``msgspec.ValidationError`` naming the field.

    The topic keeps everything, so the names of earlier builds are read forever.
    """
    if any(name in raw for name in _FORMER_NAMES):
        fields = _renamed(msgspec.json.decode(raw, type=dict[str, Any]))
        former: ExampleRecord = msgspec.convert(fields, ExampleRecord)
        return former
    return _decoder.decode(raw)


_FORMER_NAMES = (b'"offered":', b'"kind":"passed"')


def _renamed(fields: dict[str, Any]) -> dict[str, Any]:
    if "offered" in fields:
        fields["offer_probability"] = fields.pop("offered")
    if fields.get("kind") == "passed":
        fields["kind"] = "tick_completed"
    return fields
