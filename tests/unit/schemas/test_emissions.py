import msgspec
import orjson
import pytest

from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import (
    Emission,
    decode_emission,
    encode_emission,
    structured,
    tombstone_headers,
)
from touchstream.schemas.emissions.registry import EMITTED
from touchstream.schemas.emissions.risk import Reason
from touchstream.schemas.emissions.signals import CustomerSignal
from touchstream.schemas.units import CustomerId, Millis

CAUSE = Cause(type="web.visit", source="/shop", id="visit-1")


def emission(data: CustomerSignal | ActionRecommended, kind: str) -> Emission:
    return Emission(
        type=kind,
        topic=EMITTED[kind].topic,
        id="c48e2b90",
        subject=CustomerId("customer-1"),
        time_ms=Millis(1_767_323_045_678),
        data=data,
    )


SIGNAL = emission(
    CustomerSignal(signal="stage", before=None, value="at_risk", rules="r1", cause=CAUSE),
    "customer.signal",
)


def decision(probabilities: dict[str, float]) -> Emission:
    data = ActionRecommended(
        decision="d1",
        action="do_nothing",
        channel=None,
        propensity=0.75,
        probabilities=probabilities,
        values_minor={"do_nothing": 0.0},
        currency="EUR",
        left_out=(),
        risk=0.5,
        band="medium",
        epsilon=0.5,
        seed=0,
        rules="r1",
        model_version=1,
        cause=CAUSE,
    )
    return emission(data, "action.recommended")


def test_every_emitted_type_has_its_topic() -> None:
    assert {name: kind.topic for name, kind in EMITTED.items()} == {
        "churn.risk_changed": "churn-risk",
        "action.recommended": "next-best-action",
        "alert.raised": "alerts",
        "alert.updated": "alerts",
        "alert.cleared": "alerts",
        "customer.signal": "customer-signals",
        "engagement.dropping": "customer-signals",
        "customer.risk": "customer-risk",
        "customer.relation_changed": "customer-signals",
        "return.probability_changed": "customer-signals",
    }


def test_an_emission_is_a_structured_cloudevent() -> None:
    assert orjson.loads(encode_emission(SIGNAL, "42")) == {
        "specversion": "1.0",
        "id": "c48e2b90",
        "source": "touchstream",
        "type": "customer.signal",
        "subject": "customer-1",
        "time": "2026-01-02T03:04:05.678Z",
        "datacontenttype": "application/json",
        "sequence": "42",
        "data": {
            "signal": "stage",
            "before": None,
            "value": "at_risk",
            "probability": None,
            "rules": "r1",
            "cause": {"type": "web.visit", "source": "/shop", "id": "visit-1"},
        },
    }


@pytest.mark.parametrize("predictions", [SIGNAL, decision({"do_nothing": 1.0})])
def test_an_emission_is_read_back_with_its_sequence(predictions: Emission) -> None:
    assert decode_emission(encode_emission(predictions, "42")) == (predictions, "42")


TOMBSTONE = Emission(
    type="customer.risk",
    topic="customer-risk",
    id="c48e2b90",
    subject=CustomerId("größe"),
    time_ms=Millis(1_767_323_045_678),
    data=None,
)


def test_a_tombstone_is_a_cloudevent_in_binary_mode_without_data() -> None:
    assert tombstone_headers(TOMBSTONE, "p0:1") == (
        ("ce_specversion", b"1.0"),
        ("ce_id", b"c48e2b90"),
        ("ce_source", b"touchstream"),
        ("ce_type", b"customer.risk"),
        ("ce_subject", "größe".encode()),
        ("ce_time", b"2026-01-02T03:04:05.678Z"),
        ("ce_sequence", b"p0:1"),
    )


def test_a_tombstone_is_read_back_with_its_sequence() -> None:
    headers = (("traceparent", b"00"), *tombstone_headers(TOMBSTONE, "p0:1"))
    event = structured(None, headers)
    assert orjson.loads(event)["data"] is None
    assert decode_emission(event) == (TOMBSTONE, "p0:1")
    assert structured(b"{}", headers) == b"{}"


@pytest.mark.parametrize("name", ["ce_subject", "ce_sequence", "ce_type"])
def test_without_its_headers_a_record_without_value_is_no_tombstone(name: str) -> None:
    headers = [one for one in tombstone_headers(TOMBSTONE, "p0:1") if one[0] != name]
    with pytest.raises(ValueError, match=name):
        structured(None, headers)


def test_on_other_topics_no_data_is_refused() -> None:
    signal = encode_emission(SIGNAL, "42").partition(b'"data":')[0] + b'"data":null}'
    with pytest.raises(ValueError, match="object"):
        decode_emission(signal)


def test_the_order_in_which_actions_were_weighed_does_not_show() -> None:
    one = decision({"do_nothing": 0.75, "call": 0.25})
    other = decision({"call": 0.25, "do_nothing": 0.75})
    assert encode_emission(one, "1") == encode_emission(other, "1")


@pytest.mark.parametrize(
    ("predictions", "unsaid"),
    [
        (b'"customer.signal"', b'"web.visit"'),
        (b'"source":"touchstream"', b'"source":"elsewhere"'),
        (b'"sequence":"42"', b'"sequence":""'),
        (b'"time":"2026-', b'"time":"year 2026-'),
        (b'"signal":"stage"', b'"signal":1'),
    ],
)
def test_what_touchstream_did_not_say_is_refused(predictions: bytes, unsaid: bytes) -> None:
    raw = encode_emission(SIGNAL, "42")
    assert predictions in raw
    with pytest.raises(ValueError, match=r"."):
        decode_emission(raw.replace(predictions, unsaid, 1))


def test_a_reason_of_an_earlier_build_is_read() -> None:
    before = {"feature": "silence_days", "text": "silence", "contribution": 0.5, "change": None}
    reason = msgspec.json.decode(orjson.dumps(before), type=Reason)
    assert (reason.text, reason.kind, reason.value, reason.direction) == (
        "silence",
        None,
        None,
        None,
    )


def test_a_decision_of_an_earlier_build_is_read() -> None:
    line = orjson.loads(encode_emission(decision({"do_nothing": 1.0}), "1"))
    del line["data"]["reasons"], line["data"]["expires"]
    read, _ = decode_emission(orjson.dumps(line))
    assert read == decision({"do_nothing": 1.0})
