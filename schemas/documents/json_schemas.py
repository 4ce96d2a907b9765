"""JSON Schema 2020-12 of whole events, as they stand in Kafka in structured mode."""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from touchstream.schemas.documents.notes import field_notes, summary
from touchstream.schemas.emissions.registry import EmittedType
from touchstream.schemas.envelope import JSON_TYPE, OWN_SOURCE, SPECVERSION
from touchstream.schemas.registry import TouchpointType

Json = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_ATTRIBUTE = {"type": "string", "minLength": 1, "maxLength": 256}


def event_schema(kind: TouchpointType | EmittedType, example: Json) -> Json:
    """Describe the whole CloudEvent of one type, with an example."""
    definitions = struct_schemas([kind.data])
    properties = _attributes(kind.name)
    properties["data"] = {"$ref": f"#/$defs/{kind.data.__name__}"}
    required = ["specversion", "id", "source", "type", "subject", "time"]
    if definitions[kind.data.__name__]["required"]:
        required.append("data")
    if isinstance(kind, EmittedType):
        properties |= _attributes_of_ours()
        required += ["datacontenttype", "sequence"]
    return {
        "$schema": DIALECT,
        "$id": f"urn:touchstream:schema:{kind.name}",
        "title": kind.name,
        "description": summary(kind.data),
        **({"x-class": kind.event_class} if isinstance(kind, EmittedType) else {}),
        "type": "object",
        "properties": properties,
        "required": required,
        "$defs": definitions,
        "examples": [example],
    }


def schema_text(kind: TouchpointType | EmittedType, example: Json) -> str:
    """Write :func:`event_schema` as a file."""
    return json.dumps(event_schema(kind, example), indent=2, ensure_ascii=False) + "\n"


def schema_name(kind: TouchpointType | EmittedType) -> str:
    """The name of that file."""
    return f"{kind.name}.schema.json"


def struct_schemas(
    structs: Iterable[type[Struct]], ref_template: str = "#/$defs/{name}"
) -> dict[str, Json]:
    """Describe structs and those that they hold, by class name, with the notes of their fields."""
    described: dict[str, Json] = {}
    for struct in structs:
        _, schemas = msgspec.json.schema_components([struct], ref_template=ref_template)
        # Own types are made at run time, so no module holds them.
        namespace = {**vars(sys.modules[struct.__module__]), struct.__name__: struct}
        for name, schema in schemas.items():
            described[name] = _with_notes(schema, namespace[name])
    return described


def _with_notes(schema: Mapping[str, Any], struct: type[Struct]) -> Json:
    notes = field_notes(struct)
    noted = dict(schema)
    noted["description"] = summary(struct)
    noted["properties"] = {
        name: {**described, "description": notes[name]} if name in notes else described
        for name, described in schema["properties"].items()
    }
    return noted


def _attributes(name: str) -> Json:
    return {
        "specversion": {"const": SPECVERSION},
        "id": {**_ATTRIBUTE, "description": "Unique within source."},
        "source": {
            **_ATTRIBUTE,
            "format": "uri-reference",
            "description": "Who says so.",
        },
        "type": {"const": name},
        "subject": {**_ATTRIBUTE, "description": "Customer id; the Kafka key."},
        "time": {
            "type": "string",
            "format": "date-time",
            "description": "When it happened, RFC 3339 with an offset.",
        },
        "datacontenttype": {"type": "string", "pattern": f"^{JSON_TYPE}"},
        "dataschema": {"type": "string", "format": "uri"},
    }


def _attributes_of_ours() -> Json:
    return {
        "source": {"const": OWN_SOURCE},
        "datacontenttype": {"const": JSON_TYPE},
        "sequence": {
            "type": "string",
            "minLength": 1,
            "description": "Rises per shard and topic; what is not above the last is a repeat.",
        },
    }
