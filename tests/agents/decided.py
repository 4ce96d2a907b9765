"""A decision as it stands in ``next-best-action``."""

from touchstream.schemas.emissions.actions import ActionRecommended, LeftOut
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission, encode_emission
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.units import CustomerId


def decided(decision: str, customer: str, at: str = "2026-11-28T09:00:00Z") -> bytes:
    """A call out of two arms; an offer was left out."""
    choice = ActionRecommended(
        decision=decision,
        action="call_by_owner",
        channel="phone",
        propensity=0.9,
        probabilities={"do_nothing": 0.1, "call_by_owner": 0.9},
        values_minor={"do_nothing": 0.0, "call_by_owner": 1_250.0},
        currency="EUR",
        left_out=(LeftOut(action="send_offer", reason="resting"),),
        risk=0.5,
        band="high",
        epsilon=0.2,
        seed=1,
        rules="r",
        model_version=1,
        cause=Cause(type="touchstream.tick", source="t", id="1"),
    )
    kind, topic = "action.recommended", "next-best-action"
    emission = Emission(
        type=kind,
        topic=topic,
        id=decision,
        subject=CustomerId(customer),
        time_ms=parse_time(at),
        data=choice,
    )
    return encode_emission(emission, "1")
