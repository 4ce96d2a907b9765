from typing import Any

import jsonschema
import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.schemas.documents.json_schemas import event_schema
from touchstream.schemas.documents.sources import MissingExample, event_types, example
from touchstream.schemas.emissions.envelope import decode_emission, encode_emission
from touchstream.schemas.emissions.registry import EMITTED
from touchstream.schemas.envelope import decode_data, parse_time, unknown_fields
from touchstream.schemas.registry import TOUCHPOINTS

Json = dict[str, Any]

SCHEMAS = {kind.name: event_schema(kind, example(kind.name)) for kind in event_types()}
VALIDATORS = {name: jsonschema.Draft202012Validator(schema) for name, schema in SCHEMAS.items()}


field_values = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    # Not 1.0: JSON Schema calls it an integer, the decoder does not (docs/events.md says so).
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: number % 1 != 0)
    | st.sampled_from(["", "EUR", "EUR\n", "customer", "nps", "x" * 256, "x" * 257, "x" * 2049])
    | st.lists(st.fixed_dictionaries({"sku": st.text(max_size=2)}), max_size=2)
    | st.dictionaries(st.text(max_size=2), st.none() | st.integers(0, 9), max_size=2)
)


def decodes(event: Json) -> bool:
    try:
        decode_data(event["type"], event.get("data"))
    except msgspec.ValidationError:
        return False
    return True


def read(name: str, event: Json) -> object:
    if name in EMITTED:
        return decode_emission(orjson.dumps(event))
    return decode_data(name, event["data"])


def required_data() -> list[tuple[str, str]]:
    return [
        (kind.name, field)
        for kind in event_types()
        for field in SCHEMAS[kind.name]["$defs"][kind.data.__name__]["required"]
    ]


@pytest.mark.parametrize("name", VALIDATORS)
def test_every_schema_is_one_of_2020_12(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("name", VALIDATORS)
def test_every_field_of_every_schema_is_explained(name: str) -> None:
    definitions = SCHEMAS[name]["$defs"].values()
    fields = [field for definition in definitions for field in definition["properties"].values()]
    assert [field for field in fields if not field.get("description")] == []


@pytest.mark.parametrize("name", EMITTED)
def test_every_schema_of_an_emission_says_which_question_it_answers(name: str) -> None:
    assert SCHEMAS[name]["x-class"] == EMITTED[name].event_class


@pytest.mark.parametrize("name", VALIDATORS)
def test_every_example_obeys_its_schema(name: str) -> None:
    VALIDATORS[name].validate(example(name))


@pytest.mark.parametrize("name", TOUCHPOINTS)
def test_every_example_of_a_touchpoint_decodes_and_is_read_back(name: str) -> None:
    event = example(name)
    data = decode_data(name, event.get("data"))
    assert decode_data(name, msgspec.to_builtins(data)) == data
    assert unknown_fields(name, event.get("data")) == ()
    parse_time(event["time"])


@pytest.mark.parametrize("name", EMITTED)
def test_every_example_of_an_emission_is_what_touchstream_writes(name: str) -> None:
    event = example(name)
    output, sequence = decode_emission(orjson.dumps(event))
    assert orjson.loads(encode_emission(output, sequence)) == event


@pytest.mark.parametrize(("name", "field"), required_data())
def test_an_event_without_a_required_field_is_refused(name: str, field: str) -> None:
    event = example(name)
    del event["data"][field]
    with pytest.raises(jsonschema.ValidationError, match=field):
        VALIDATORS[name].validate(event)
    with pytest.raises(msgspec.ValidationError, match=field):
        read(name, event)


@pytest.mark.parametrize("name", VALIDATORS)
@pytest.mark.parametrize("attribute", ["specversion", "id", "source", "type", "subject", "time"])
def test_a_schema_asks_for_every_attribute_of_the_envelope(name: str, attribute: str) -> None:
    event = example(name)
    del event[attribute]
    with pytest.raises(jsonschema.ValidationError, match=attribute):
        VALIDATORS[name].validate(event)


@pytest.mark.parametrize("name", VALIDATORS)
def test_a_field_that_the_schema_does_not_know_is_no_error(name: str) -> None:
    event = example(name)
    event["data"] = {**event.get("data", {}), "a_field_of_next_year": 1}
    VALIDATORS[name].validate(event)


@given(st.data())
def test_schema_and_decoder_agree_on_any_touchpoint(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(TOUCHPOINTS)))
    event = example(name)
    fields = [*TOUCHPOINTS[name].data.__struct_fields__, "a_field_of_next_year"]
    changed = data.draw(st.dictionaries(st.sampled_from(fields), field_values, max_size=2))
    event["data"] = {**event.get("data", {}), **changed}
    assert VALIDATORS[name].is_valid(event) == decodes(event)


def test_a_type_without_an_example_is_told_which_file_to_write() -> None:
    with pytest.raises(MissingExample, match=r"schemas/json/examples/moon\.seen\.json"):
        example("moon.seen")
