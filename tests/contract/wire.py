"""The contract as one flat table, and which changes to it break somebody (docs/delivery.md).

    python -m tests.contract.wire

writes the table of today as the one to be compatible with: when a version is released, and when its
major number is raised. Touchpoints are written by others, so fields may not be taken away, required
or narrowed; emissions are read by others, so fields may not be taken away or become optional.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from touchstream.schemas.documents.asyncapi import CONTRACT_VERSION
from touchstream.schemas.documents.json_schemas import event_schema
from touchstream.schemas.emissions.registry import EMITTED
from touchstream.schemas.registry import TOUCHPOINTS

Json = dict[str, Any]
Table = Mapping[str, Mapping[str, Json]]
"""Type -> path of a field -> ``required``, ``types``, ``values`` of an enumeration, limits."""

FILE = Path(__file__).with_name("wire.json")
LEAST = ("minLength", "minimum", "exclusiveMinimum", "minItems")
MOST = ("maxLength", "maximum", "maxItems", "maxProperties")


def released() -> Json:
    """Version, touchpoints and emissions that others rely on."""
    found: Json = orjson.loads(FILE.read_bytes())
    return found


def today() -> Json:
    """The same of this build."""
    return {
        "version": CONTRACT_VERSION,
        "touchpoints": {
            name: fields_of(event_schema(kind, {})) for name, kind in TOUCHPOINTS.items()
        },
        "emissions": {name: fields_of(event_schema(kind, {})) for name, kind in EMITTED.items()},
        "topics": {name: kind.topic for name, kind in EMITTED.items()},
    }


def fields_of(schema: Json) -> dict[str, Json]:
    """The fields of an event's data, nested ones by their path."""
    return dict(_walk(schema["properties"]["data"], schema["$defs"], ""))


def _walk(node: Json, types: Json, path: str) -> Iterator[tuple[str, Json]]:
    for branch in _branches(node, types):
        for name, field in branch.get("properties", {}).items():
            inner = f"{path}.{name}" if path else name
            required = name in branch.get("required", ())
            yield inner, {"required": required, **_facts(field, types)}
            yield from _walk(field, types, inner)
        for key, suffix in (("items", "[]"), ("additionalProperties", ".*")):
            if isinstance(branch.get(key), dict):
                yield f"{path}{suffix}", {"required": False, **_facts(branch[key], types)}
                yield from _walk(branch[key], types, f"{path}{suffix}")


def _branches(node: Json, types: Json) -> list[Json]:
    """The alternatives of a schema, references followed."""
    if "$ref" in node:
        return _branches(types[node["$ref"].rpartition("/")[2]], types)
    if "anyOf" in node:
        return [found for each in node["anyOf"] for found in _branches(each, types)]
    return [node]


def _facts(node: Json, types: Json) -> Json:
    branches = _branches(node, types)
    values = [value for branch in branches for value in branch.get("enum", ())]
    limits = {key: b[key] for b in branches for key in (*LEAST, *MOST) if key in b}
    names = {name for branch in branches for name in _types(branch)}
    return {"types": sorted(names), "values": sorted(values), **limits}


def _types(branch: Json) -> list[str]:
    if "enum" in branch:
        return ["string"]
    named = branch.get("type", "any")
    return named if isinstance(named, list) else [named]


def breaks_producers(old: Table, new: Table) -> Iterator[str]:
    """Events of today that would be refused, dropped or read in part."""
    for kind, fields in old.items():
        if kind not in new:
            yield f"{kind}: gone"
            continue
        for path, was in fields.items():
            now = new[kind].get(path)
            if now is None:
                yield f"{kind}.{path}: gone"
            else:
                yield from (f"{kind}.{path}: {what}" for what in _narrower(was, now))
        for path, now in new[kind].items():
            if now["required"] and path not in fields and _parent_known(path, fields):
                yield f"{kind}.{path}: new and required"


def _parent_known(path: str, fields: Mapping[str, Json]) -> bool:
    """A required field of a new optional object asks nothing of anybody."""
    parent = path.rpartition(".")[0]
    return not parent or parent in fields


def _narrower(was: Json, now: Json) -> Iterator[str]:
    if now["required"] and not was["required"]:
        yield "required"
    if gone := set(was["types"]) - set(now["types"]):
        yield f"no longer {', '.join(sorted(gone))}"
    if now["values"] and (lost := set(was["values"]) - set(now["values"])):
        yield f"no longer {', '.join(sorted(lost))}"
    if now["values"] and not was["values"]:
        yield "only some values"
    for key in (*LEAST, *MOST):
        if key in now and _tighter(key, was.get(key), now[key]):
            yield f"{key} {now[key]}, was {was.get(key)}"


def _tighter(key: str, before: float | None, after: float) -> bool:
    if before is None:
        return True
    return after > before if key in LEAST else after < before


def breaks_consumers(old: Json, new: Json) -> Iterator[str]:
    """Emissions of tomorrow that a program of today would miss or misread."""
    for kind, topic in old["topics"].items():
        if new["topics"].get(kind, topic) != topic:
            yield f"{kind}: moved to {new['topics'][kind]}"
    for kind, fields in old["emissions"].items():
        if kind not in new["emissions"]:
            yield f"{kind}: gone"
            continue
        for path, was in fields.items():
            fault = _misread(was, new["emissions"][kind].get(path))
            if fault is not None:
                yield f"{kind}.{path}: {fault}"


def _misread(was: Json, now: Json | None) -> str | None:
    if now is None:
        return "gone"
    if was["required"] and not now["required"]:
        return "optional"
    more = sorted(set(now["types"]) - set(was["types"]))
    return f"now also {', '.join(more)}" if more else None


if __name__ == "__main__":
    FILE.write_bytes(
        orjson.dumps(today(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    )
