"""Records of our topics as people read them."""

import base64
from datetime import UTC, date, datetime
from typing import NamedTuple

import orjson
import pytest

from tests.agents.cli.command import order
from touchstream.agents.cli.format_record import raw_json, readable
from touchstream.schemas.dead_letter import DeadLetter, Header, encode_letter
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.customer_risk import CustomerRisk, LastAction
from touchstream.schemas.emissions.engagement import EngagementDropping
from touchstream.schemas.emissions.envelope import Emission, encode_emission, tombstone_headers
from touchstream.schemas.emissions.registry import EmittedData
from touchstream.schemas.emissions.relation import RelationChanged
from touchstream.schemas.emissions.returning import ReturnChanged
from touchstream.schemas.emissions.risk import Reason, RiskChanged
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.tick import ActiveConfig, Tick, encode_tick
from touchstream.schemas.units import CustomerId

AT = "2026-01-01T00:00:00.000Z"
CAUSE = Cause(type="touchstream.tick", source="touchstream", id="5")


class Found(NamedTuple):
    """A record as a Kafka client returns it."""

    value: bytes | None
    key: bytes | None = b"ada"
    headers: tuple[Header, ...] = ()
    topic: str = "t"
    partition: int = 3
    offset: int = 7


def emission(topic: str, kind: str, data: EmittedData) -> Found:
    made = Emission(
        type=kind,
        topic=topic,
        id="e1",
        subject=CustomerId("ada"),
        time_ms=parse_time(AT),
        data=data,
    )
    return Found(encode_emission(made, "p3:1"))


def test_a_crossing_is_told_with_its_weightiest_reasons() -> None:
    silence = Reason(feature="recency", text="silent for long", contribution=1.25, change=None)
    risk = RiskChanged(
        horizon_days=28,
        risk_before=None,
        risk=0.81,
        low=0.74,
        high=0.88,
        band_before=None,
        band="high",
        n=900,
        model_version=4,
        rules="r1",
        reasons=(silence,),
        cause=CAUSE,
    )
    assert readable("churn-risk", emission("churn-risk", "churn.risk_changed", risk)) == (
        f"{AT}  ada  unknown -> high  risk 0.810 (90 %: 0.740 to 0.880) in 28 d "
        "(n=900, model 4)  silent for long (+1.25)"
    )


def test_a_decision_is_told_with_its_propensity() -> None:
    action = ActionRecommended(
        decision="e1",
        action="send_offer",
        channel="email",
        propensity=0.95,
        probabilities={"send_offer": 0.95, "do_nothing": 0.05},
        values_minor={"send_offer": 100.0, "do_nothing": 0.0},
        currency="EUR",
        left_out=(),
        risk=0.81,
        band="high",
        epsilon=0.1,
        seed=0,
        rules="r1",
        model_version=4,
        cause=CAUSE,
    )
    found = emission("next-best-action", "action.recommended", action)
    assert readable("next-best-action", found) == (
        f"{AT}  ada  send_offer by email  propensity 0.950  risk 0.810 high  decision e1"
    )


def test_a_decision_to_win_back_is_told_with_the_chance_of_a_return() -> None:
    action = ActionRecommended(
        decision="e1",
        action="do_nothing",
        channel=None,
        propensity=1.0,
        probabilities={"do_nothing": 1.0},
        values_minor={"do_nothing": 0.0},
        currency="EUR",
        left_out=(),
        target="return",
        risk=0.81,
        band="medium",
        epsilon=0.1,
        seed=0,
        rules="r1",
        model_version=4,
        cause=CAUSE,
    )
    found = emission("next-best-action", "action.recommended", action)
    assert readable("next-best-action", found).endswith(
        "do_nothing  propensity 1.000  return 0.190 medium  decision e1"
    )


@pytest.mark.parametrize(
    ("silent", "words"),
    [
        ((None, None), "open -> ended since 2026-02-26"),
        ((92.4, 85.1), "open -> ended since 2026-02-26  silent for 92 d, lapses after 85"),
    ],
)
def test_a_change_of_relation_is_told_with_the_silence(
    silent: tuple[float | None, float | None], words: str
) -> None:
    change = RelationChanged(
        before="open",
        relation="ended",
        since=datetime(2026, 2, 26, tzinfo=UTC),
        silent_days=silent[0],
        lapses_after_days=silent[1],
        rules="r1",
        cause=CAUSE,
    )
    found = emission("customer-signals", "customer.relation_changed", change)
    assert readable("customer-signals", found) == f"{AT}  ada  {words}"


def test_the_probability_of_a_return_is_told_with_its_interval() -> None:
    change = ReturnChanged(
        horizon_days=28,
        probability_before=None,
        probability=0.19,
        low=0.1,
        high=0.3,
        band_before=None,
        band="medium",
        n=900,
        model_version=4,
        rules="r1",
        reasons=(),
        cause=CAUSE,
    )
    found = emission("customer-signals", "return.probability_changed", change)
    assert readable("customer-signals", found) == (
        f"{AT}  ada  return unknown -> medium  probability 0.190 (90 %: 0.100 to 0.300) in 28 d "
        "(n=900, model 4)"
    )


def test_the_newest_risk_is_told_with_its_band_and_action() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    silence = Reason(feature="recency", text="silent for long", contribution=1.25, change=None)
    risk = CustomerRisk(
        horizon_days=28,
        risk=0.81,
        low=0.74,
        high=0.88,
        band="high",
        band_since=at,
        reasons=(silence,),
        action=LastAction(action="call", decision="d1", recommended=at),
        model_version=4,
        rules="r1",
        cause=CAUSE,
    )
    assert readable("customer-risk", emission("customer-risk", "customer.risk", risk)) == (
        f"{AT}  ada  high since 2026-01-01T00:00:00.000Z  risk 0.810 (90 %: 0.740 to 0.880) "
        "in 28 d  call  silent for long (+1.25)"
    )


def tombstone() -> Found:
    made = Emission(
        type="customer.risk",
        topic="customer-risk",
        id="e1",
        subject=CustomerId("ada"),
        time_ms=parse_time(AT),
        data=None,
    )
    return Found(None, headers=tombstone_headers(made, "p3:1"))


def test_a_tombstone_says_that_the_customer_is_removed() -> None:
    assert readable("customer-risk", tombstone()).startswith(f"{AT}  ada  removed: ")


def test_a_tombstone_for_programs_is_its_event_without_data() -> None:
    shown = orjson.loads(raw_json("customer-risk", tombstone()))
    assert (shown["subject"], shown["sequence"], shown["data"]) == ("ada", "p3:1", None)


def test_a_record_without_value_and_headers_is_shown_where_it_lies() -> None:
    assert "cannot be read as customer-risk: no value" in readable("customer-risk", Found(None))
    assert raw_json("customer-risk", Found(None)) == '{"value_base64":""}'


def test_a_drop_is_told_with_both_levels() -> None:
    drop = EngagementDropping(
        index=0.3907,
        recent_per_week=0.9571,
        usual_per_week=2.4497,
        below_since=date(2026, 2, 26),
        rules="r1",
        cause=Cause(type="touchstream.tick", source="touchstream", id="9"),
    )
    found = emission("customer-signals", "engagement.dropping", drop)
    assert readable("customer-signals", found).endswith(
        "engagement 0.39 of usual since 2026-02-26  signs of life a week 0.96, usually 2.45"
    )


def test_a_touchpoint_is_told_with_its_fields() -> None:
    assert readable("touchpoints", Found(order("ada", 1, AT))) == (
        f'{AT}  ada  order.placed  order="ada-1"  amount_minor=1000  currency="EUR"'
    )


def test_a_tick_is_told_with_what_it_puts_in_force() -> None:
    active_config = ActiveConfig(model_version=4, rules="r1", features="f1")
    value = encode_tick(Tick(number=5, time_ms=parse_time(AT), active_config=active_config), None)
    assert readable("touchpoints", Found(value, key=None)) == (
        f"{AT}  tick 5 on partition 3  model 4  rules r1"
    )


def test_what_cannot_be_read_is_shown_where_it_lies_without_control_characters() -> None:
    shown = readable("touchpoints", Found(b"\x1b[2Jnonsense"))
    assert shown.startswith("t-3@7  cannot be read as touchpoints: ")
    assert shown.endswith(": " + " [2Jnonsense")


def letter() -> Found:
    laid_out = encode_letter(
        DeadLetter(
            original=b"nonsense",
            key=b"ada",
            topic="touchpoints",
            partition=1,
            offset=9,
            step="intake",
            reason="not_json",
            detail="want JSON",
        )
    )
    return Found(laid_out.value, laid_out.key, tuple(laid_out.headers))


def test_a_letter_is_told_with_where_it_died_and_why() -> None:
    assert readable("dead-letters", letter()) == (
        "touchpoints-1@9  not_json  want JSON  key ada  nonsense"
    )


def test_a_letter_for_programs_is_json() -> None:
    shown = orjson.loads(raw_json("dead-letters", letter()))
    assert (shown["reason"], shown["value"]) == ("not_json", "nonsense")


def test_json_is_the_value_as_it_was_on_one_line() -> None:
    value = '{"text":\r\n "a\u2028b"}'.encode()
    assert raw_json("touchpoints", Found(value)) == '{"text":   "a\u2028b"}'


def test_what_is_no_json_is_base64() -> None:
    assert raw_json("touchpoints", Found(b"\xff")) == '{"value_base64":"/w=="}'


STRANGE = [
    b"[1]",
    b"42",
    b"null",
    b'"text"',
    b"",
    b"\xff\xfe",
    b"NaN",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"data":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    b"{}",
    b'{"type":7,"time":7,"subject":7,"data":7}',
    b'{"sequence":7,"kind":"example"}',
    b'{"kind":"passed","offered":[]}',
    b'{"type":"touchstream.tick","time":"2026-01-01T00:00:00Z","data":"text"}',
    b'{"type":"touchstream.tick","time":[],"data":null}',
]
TOPICS = [
    "touchpoints",
    "churn-risk",
    "customer-risk",
    "next-best-action",
    "customer-signals",
    "dead-letters",
    "touchstream.examples",
]
BAD_HEADERS: tuple[Header, ...] = (("ce_id", b"\xff"), ("touchstream-offset", b"\xff"))


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("headers", [(), BAD_HEADERS])
@pytest.mark.parametrize("value", [*STRANGE, None])
def test_what_is_no_record_of_a_topic_is_shown_as_it_is(
    topic: str, headers: tuple[Header, ...], value: bytes | None
) -> None:
    found = Found(value, headers=headers)
    shown = readable(topic, found)
    assert shown.startswith(f"t-3@7  cannot be read as {topic}: ")
    assert shown.isprintable()
    beginning = "none" if value is None else value[:40].decode(errors="replace")
    assert beginning in shown
    line = raw_json(topic, found)
    assert "\n" not in line
    assert orjson.loads(line) == _as_it_is(value)


def _as_it_is(value: bytes | None) -> object:
    try:
        return orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return {"value_base64": base64.b64encode(value or b"").decode()}


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ('"text"', '  data="text"'),
        ("[1]", "  data=[1]"),
        ("42", "  data=42"),
        ("false", "  data=false"),
        ("{}", ""),
        ("null", ""),
        ('{"a":{"b":[1]}}', '  a={"b":[1]}'),
    ],
)
def test_a_touchpoint_is_shown_whatever_its_data(data: str, shown: str) -> None:
    value = order("ada", 1, AT).replace(b'"data":{', b'"data":' + data.encode() + b',"was":{')
    assert readable("touchpoints", Found(value)) == f"{AT}  ada  order.placed{shown}"


def test_a_touchpoint_with_data_in_base64_shows_it() -> None:
    value = order("ada", 1, AT, data=None, data_base64="e30=")
    assert readable("touchpoints", Found(value)) == f'{AT}  ada  order.placed  data_base64="e30="'


def test_a_touchpoint_in_binary_mode_is_told_like_any_other() -> None:
    event = orjson.loads(order("ada", 1, AT))
    headers = tuple(
        (f"ce_{name}", str(event[name]).encode())
        for name in ("specversion", "id", "source", "type", "subject", "time")
    )
    found = Found(orjson.dumps(event["data"]), headers=headers)
    assert readable("touchpoints", found) == readable("touchpoints", Found(order("ada", 1, AT)))


def test_names_and_attributes_of_others_do_not_move_the_cursor() -> None:
    value = order("ada", 1, AT, subject="\x1b[2J", data={"\x1b[2J": 1})
    assert readable("touchpoints", Found(value)).isprintable()
