"""Paths of the documents, and of the examples that are written by hand."""

import json
from pathlib import Path
from typing import Any

from touchstream.schemas.emissions.registry import EMITTED, EmittedType
from touchstream.schemas.registry import TOUCHPOINTS, TouchpointType

PROJECT = Path(__file__).resolve().parents[2]  # behind the link in src/
JSON_SCHEMAS = Path("schemas/json")
EXAMPLES = JSON_SCHEMAS / "examples"
ASYNCAPI = Path("schemas/asyncapi.yaml")
DICTIONARY = Path("docs/events.md")
_SHIPPED_EXAMPLES = Path(__file__).resolve().parents[1] / "json" / "examples"
"""The examples of the project or of an installed package."""


class MissingExample(Exception):
    """An event type has no example; the message names the file to write."""


def event_types() -> list[TouchpointType | EmittedType]:
    """Every type that is read or emitted, in the order of the registries."""
    return [*TOUCHPOINTS.values(), *EMITTED.values()]


def example(name: str) -> dict[str, Any]:
    """Read the example of an event type: a whole CloudEvent."""
    path = EXAMPLES / f"{name}.json"
    try:
        text = (_SHIPPED_EXAMPLES / path.name).read_text(encoding="utf-8")
    except FileNotFoundError as exc:
        raise MissingExample(f"{path}: write a whole CloudEvent of type {name}") from exc
    written: dict[str, Any] = json.loads(text)
    return written
