"""The documents of own event types: schema, dictionary and decoder say the same."""

from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.agents.cli.command import touchstream
from tests.make import OWN_TYPES
from touchstream.schemas.documents.contract import contract_files
from touchstream.schemas.documents.dictionary import dictionary_text, own_dictionary_text
from touchstream.schemas.documents.json_schemas import event_schema
from touchstream.schemas.documents.sources import JSON_SCHEMAS, PROJECT
from touchstream.schemas.event_types import EventTypeRules, FieldRules, own_example, own_types

Json = dict[str, Any]

GYM = EventTypeRules(
    name="gym.visited",
    family="store",
    by_customer=True,
    fields=(
        FieldRules(name="place", type="string", required=True, description="The gym."),
        FieldRules(name="plan", type="string", values=("basic", "pro")),
        FieldRules(name="visits", type="integer", minimum=1.0, maximum=20.0),
        FieldRules(name="share", type="number", minimum=0.0, unit="of the month"),
        FieldRules(name="guest", type="boolean"),
        FieldRules(name="since", type="date"),
        FieldRules(name="left", type="time"),
    ),
)
OWN = (*OWN_TYPES, GYM)
KINDS = own_types(OWN)
SCHEMAS = {rules.name: event_schema(KINDS[rules.name], own_example(rules)) for rules in OWN}
VALIDATORS = {name: jsonschema.Draft202012Validator(schema) for name, schema in SCHEMAS.items()}
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.integers(0, 21)
    # Not 1.0: JSON Schema calls it an integer, the decoder does not (docs/events.md says so).
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: number % 1 != 0)
    | st.sampled_from(["basic", "pro", "", "x" * 32_768, "x" * 32_769])
)
MOMENTS = {"since": st.none() | st.just("2026-03-05"), "left": st.none() | st.integers()}
"""Formats are notes in JSON Schema, so no text that the decoder would refuse."""


@pytest.mark.parametrize("rules", OWN, ids=lambda rules: rules.name)
def test_the_example_of_an_own_type_obeys_its_schema_and_decodes(rules: EventTypeRules) -> None:
    example = own_example(rules)
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[rules.name])
    VALIDATORS[rules.name].validate(example)
    msgspec.convert(example["data"], KINDS[rules.name].data)


@given(st.data())
def test_schema_and_decoder_agree_on_any_data(data: st.DataObject) -> None:
    rules = data.draw(st.sampled_from(OWN))
    names = [field.name for field in rules.fields] + ["a_field_of_next_year"]
    changed = {
        name: data.draw(MOMENTS.get(name, VALUES))
        for name in data.draw(st.sets(st.sampled_from(names), max_size=2))
    }
    event = own_example(rules)
    event["data"] = {**event["data"], **changed}
    try:
        msgspec.convert(event["data"], KINDS[rules.name].data)
        decodes = True
    except msgspec.ValidationError:
        decodes = False
    assert VALIDATORS[rules.name].is_valid(event) == decodes


def test_a_schema_names_type_unit_and_meaning() -> None:
    schema = SCHEMAS["gym.visited"]
    fields = schema["$defs"]["GymVisited"]["properties"]
    assert schema["properties"]["type"] == {"const": "gym.visited"}
    assert schema["$defs"]["GymVisited"]["required"] == ["place"]
    assert fields["place"]["description"] == "The gym."
    assert fields["share"]["x-unit"] == "of the month"
    assert fields["share"]["description"] == "Unit: of the month."


def test_the_dictionary_lists_own_types_after_the_built_in_ones() -> None:
    text = dictionary_text(OWN)
    places = [text.index(f"### {name}\n") for name in ("alert.feedback", "meter.read")]
    assert places == sorted(places)
    assert (
        "| [`meter.read`](#meterread) | content | always | The customer read their meter. |" in text
    )
    assert "| `kwh` | yes | whole number ≥ 0, ≤ 9,007,199,254,740,992 | Unit: kWh. |" in text
    assert "| `left` |  | time like `2026-03-05T08:30:00Z` | Not described. |" in text


def test_the_part_about_own_types_is_that_of_the_whole_dictionary() -> None:
    _, _, sections = own_dictionary_text(OWN).partition("### meter.read")
    assert sections
    assert sections in dictionary_text(OWN)


def test_the_contract_of_a_deployment_has_the_files_of_the_project_and_its_own() -> None:
    files = dict(contract_files(OWN))
    ours = {path.name: path.read_text("utf-8") for path in (PROJECT / JSON_SCHEMAS).glob("*.json")}
    assert {name: files[name] for name in ours} == ours
    assert {*files} - {*ours} == {
        "events.md",
        "contract.ended.schema.json",
        "gym.visited.schema.json",
        "meter.read.schema.json",
    }


def configuration(folder: Path) -> Path:
    file = folder / "own.toml"
    file.write_text(
        '[[event_types]]\nname = "meter.read"\nfamily = "content"\nby_customer = true\n'
        '[[event_types.fields]]\nname = "kwh"\ntype = "integer"\nunit = "kWh"\n'
    )
    return file


def test_the_command_prints_the_entries_of_own_types(tmp_path: Path) -> None:
    done = touchstream("schemas", "--config", configuration(tmp_path), cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("# Own event types\n")
    assert "### meter.read" in done.out


def test_the_command_writes_every_schema_and_the_dictionary(tmp_path: Path) -> None:
    out = tmp_path / "contract"
    done = touchstream("schemas", "--config", configuration(tmp_path), "--out", out, cwd=tmp_path)
    assert done.code == 0, done.err
    files = {path.name for path in out.iterdir()}
    assert orjson.loads(done.out) == {
        "out": str(out),
        "files": len(files),
        "own": ["meter.read"],
    }
    assert {"events.md", "meter.read.schema.json", "order.placed.schema.json"} <= files
    schema = orjson.loads((out / "meter.read.schema.json").read_bytes())
    assert schema["$defs"]["MeterRead"]["properties"]["kwh"]["x-unit"] == "kWh"


def test_without_own_types_the_command_says_where_an_example_is(tmp_path: Path) -> None:
    done = touchstream("schemas", cwd=tmp_path)
    assert (done.code, done.out) == (1, "")
    assert "docs/own-event-types.md" in done.err
    assert len(done.err.splitlines()) == 1
