"""Own event types: what the rules accept, and what becomes of them."""

from typing import Any

import msgspec
import pytest

from tests.make import OWN_TYPES
from touchstream.schemas.emissions.registry import EMITTED
from touchstream.schemas.event_types import (
    EventTypeRules,
    FieldRules,
    FieldType,
    known_types,
    own_example,
    own_types,
)
from touchstream.schemas.registry import ACTIVITY_BY_DEFAULT, TOUCHPOINTS
from touchstream.schemas.rules import ChurnRules, Rules, RulesError, TargetRules

METER, ENDED = OWN_TYPES
ALL = (
    FieldRules(name="from", type="string", required=True),
    FieldRules(name="plan", type="string", values=("basic", "pro")),
    FieldRules(name="count", type="integer", minimum=3.0, maximum=9.0),
    FieldRules(name="share", type="number", maximum=0.5),
    FieldRules(name="done", type="boolean"),
    FieldRules(name="day", type="date"),
    FieldRules(name="at", type="time"),
)
WIDE = EventTypeRules(name="gym.visited", family="store", by_customer=True, fields=ALL)


def kind(name: str = "gym.visited", **changes: Any) -> EventTypeRules:  # noqa: ANN401
    given = {"name": name, "family": "store", "by_customer": True, **changes}
    return msgspec.convert(given, EventTypeRules)


def refusal(**changes: Any) -> str:  # noqa: ANN401 - any attribute
    with pytest.raises(msgspec.ValidationError) as caught:
        kind(**changes)
    return str(caught.value)


def decoded(**data: object) -> object:
    return msgspec.to_builtins(msgspec.convert(data, own_types((WIDE,))["gym.visited"].data))


def fault(**data: object) -> str:
    with pytest.raises(msgspec.ValidationError) as caught:
        decoded(**data)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("touchstream.read", "is reserved: touchstream.* is written by touchstream alone"),
        ("order.placed", "is built in; see docs/events.md"),
        ("churn.risk_changed", "is emitted by touchstream; see docs/events.md"),
    ],
)
def test_a_name_that_is_taken_is_refused(name: str, reason: str) -> None:
    assert refusal(name=name) == f"event_types.name: {name!r} {reason}"


@pytest.mark.parametrize("name", [*TOUCHPOINTS, *EMITTED])
def test_no_type_of_the_dictionary_can_be_an_own_one(name: str) -> None:
    assert "event_types.name" in refusal(name=name)


@pytest.mark.parametrize(
    "name", ["", "7up", "gym visited", "gym..visited", "gym.visited.", "gym|visited", "a\n"]
)
def test_a_name_that_is_no_type_is_refused(name: str) -> None:
    assert "regex" in refusal(name=name)


@pytest.mark.parametrize("name", ["gym.visited", "GymVisited", "com.example.gym-visit.v2"])
def test_a_name_that_a_producer_may_have_already_is_taken(name: str) -> None:
    assert kind(name).name == name


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ({"type": "string", "minimum": 1}, "minimum: want it for integer and number, not for str"),
        ({"type": "boolean", "maximum": 1}, "maximum: want it for integer and number, not for bo"),
        ({"type": "integer", "minimum": 0.5}, "minimum: want a whole number for an integer, not 0"),
        ({"type": "number", "minimum": 2, "maximum": 1}, "minimum: want it not above maximum"),
        ({"type": "integer", "values": ["a"]}, "values: want them for string, not for integer"),
        ({"type": "string", "values": ["a", "a"]}, "values: want distinct ones"),
        ({"type": "float"}, "Invalid enum value 'float'"),
        ({"type": "string", "unit": "two\nlines"}, "Expected `str` matching regex"),
        ({"type": "number", "minimum": float("nan")}, "Expected `float`"),
        ({"type": "string", "format": "uri"}, "Object contains unknown field `format`"),
        ({}, "Object missing required field `type`"),
    ],
)
def test_a_field_that_contradicts_itself_is_refused(field: dict[str, object], reason: str) -> None:
    line = refusal(fields=[{"name": "visits", **field}])
    assert line.startswith(reason)
    assert "$.fields[0]" in line


def test_fields_of_one_name_are_refused() -> None:
    field = {"name": "visits", "type": "integer"}
    assert refusal(fields=[field, field]) == "event_types.fields: want distinct names"


def test_types_of_one_name_are_refused() -> None:
    with pytest.raises(RulesError, match="event_types: want distinct names"):
        Rules(event_types=(METER, METER))


def test_data_is_decoded_by_field() -> None:
    data = {
        "from": "Tartu",
        "plan": "pro",
        "count": 3,
        "share": 0.5,
        "done": True,
        "day": "2026-03-05",
        "at": "2026-03-05T09:30:00Z",
    }
    assert decoded(**data) == data


def test_an_optional_field_may_be_null_or_missing() -> None:
    missing = {"plan": None, "count": None, "share": None, "done": None, "day": None, "at": None}
    # The encoding leaves null out, too.
    assert decoded(**{"from": "", **missing}) == decoded(**{"from": ""}) == {"from": ""}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "Object missing required field `from`"),
        ({"from": 1}, "Expected `str`, got `int` - at `$.from`"),
        ({"from": "", "plan": "free"}, "Invalid enum value 'free' - at `$.plan`"),
        ({"from": "", "count": 2}, "Expected `int` >= 3 - at `$.count`"),
        ({"from": "", "count": 10}, "Expected `int` <= 9 - at `$.count`"),
        ({"from": "", "share": 0.6}, "Expected `float` <= 0.5 - at `$.share`"),
        ({"from": "", "done": 1}, "Expected `bool | null`, got `int` - at `$.done`"),
        ({"from": "", "day": "soon"}, "Invalid RFC3339 encoded date - at `$.day`"),
        (
            {"from": "", "at": "2026-03-05T09:30:00"},
            "Expected `datetime` with a timezone component - at `$.at`",
        ),
    ],
)
def test_a_wrong_field_is_named(data: dict[str, object], message: str) -> None:
    assert fault(**data) == message


@pytest.mark.parametrize("amount", [2**53 + 1, -(2**53) - 1])
def test_an_integer_without_bounds_stays_exact(amount: int) -> None:
    free = kind(fields=[{"name": "amount", "type": "integer"}])
    with pytest.raises(msgspec.ValidationError, match="amount"):
        msgspec.convert({"amount": amount}, own_types((free,))["gym.visited"].data)


@pytest.mark.parametrize("type", ["string", "integer", "number", "boolean", "date", "time"])
@pytest.mark.parametrize("required", [True, False])
def test_the_example_of_any_field_decodes(type: FieldType, required: bool) -> None:
    field = FieldRules(name="field", type=type, required=required)
    rules = EventTypeRules(name="a.b", family="web", by_customer=False, fields=(field,))
    example = own_example(rules)["data"]
    assert msgspec.to_builtins(msgspec.convert(example, own_types((rules,))["a.b"].data)) == example


@pytest.mark.parametrize(
    "bounds", [{"minimum": 5}, {"maximum": -5}, {"minimum": -3, "maximum": -2}]
)
def test_an_example_lies_within_the_bounds(bounds: dict[str, float]) -> None:
    for type in ("integer", "number"):
        rules = kind(fields=[{"name": "field", "type": type, **bounds}])
        msgspec.convert(own_example(rules)["data"], own_types((rules,))["gym.visited"].data)


def test_a_configuration_is_compiled_once() -> None:
    again = Rules.from_text(Rules(event_types=OWN_TYPES).to_text())
    assert own_types(again.event_types) is own_types(OWN_TYPES)


def test_the_built_in_types_come_first_among_the_known() -> None:
    assert known_types(OWN_TYPES) == (*TOUCHPOINTS, "meter.read", "contract.ended")


def test_rules_with_own_types_are_read_back_from_their_text() -> None:
    rules = Rules(event_types=(*OWN_TYPES, WIDE))
    assert Rules.from_text(rules.to_text()) == rules
    assert Rules.from_text(rules.to_text()).to_text() == rules.to_text()


def test_an_own_type_is_another_digest() -> None:
    assert Rules(event_types=OWN_TYPES).digest() != Rules().digest()


def test_own_types_by_the_customer_join_the_default_activity() -> None:
    rules = Rules(event_types=OWN_TYPES)
    assert rules.churn.activity == (*ACTIVITY_BY_DEFAULT, "meter.read")
    assert rules.churn.label_definition != Rules().churn.label_definition


def test_an_own_type_that_is_not_by_the_customer_leaves_the_label_as_it_is() -> None:
    assert Rules(event_types=(ENDED,)).churn == Rules().churn


def test_activity_that_is_listed_is_taken_literally() -> None:
    churn = ChurnRules(activity=("order.placed",))
    assert Rules(event_types=OWN_TYPES, churn=churn).churn.activity == ("order.placed",)


def test_every_setting_that_lists_types_takes_own_ones() -> None:
    rules = Rules(
        event_types=OWN_TYPES,
        churn=ChurnRules(cancel=("contract.ended",), activity=("meter.read", "order.placed")),
        targets=(TargetRules(name="again", after=("meter.read",), events=("contract.ended",)),),
    )
    assert rules.churn.cancel == ("contract.ended",)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"churn": {"cancel": ["contract.end"]}}, "churn.cancel: 'contract.end' is no event type"),
        ({"churn": {"activity": ["moon.seen"]}}, "churn.activity: 'moon.seen' is no event type"),
        (
            {"targets": [{"name": "again", "after": ["meter.raed"], "events": ["meter.read"]}]},
            r"targets\[0\].after: 'meter.raed' is no event type; did you mean 'meter.read'\?",
        ),
        (
            {"targets": [{"name": "again", "after": ["meter.read"], "events": ["moon.seen"]}]},
            r"targets\[0\].events: 'moon.seen' is no event type; see docs/events.md",
        ),
    ],
)
def test_a_type_that_nobody_knows_is_refused_where_it_is_listed(
    rules: dict[str, object], message: str
) -> None:
    own = [msgspec.to_builtins(kind) for kind in OWN_TYPES]
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.convert({**rules, "event_types": own}, Rules)


def test_stored_rules_can_be_read_by_the_build_that_took_one_of_their_types_over() -> None:
    text = Rules(event_types=OWN_TYPES).to_text().replace(b'"meter.read"', b'"store.visited"')
    rules = Rules.from_text(text)
    assert [kind.name for kind in rules.event_types] == ["contract.ended"]
    assert rules.churn.activity[-1] == "store.visited"
