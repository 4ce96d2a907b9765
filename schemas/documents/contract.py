"""The contract of one deployment as files: the built-in types and those that its rules add."""

from collections.abc import Iterator, Sequence

from touchstream.schemas.documents.dictionary import dictionary_text
from touchstream.schemas.documents.json_schemas import schema_name, schema_text
from touchstream.schemas.documents.sources import event_types, example
from touchstream.schemas.event_types import EventTypeRules, own_example, own_types

DICTIONARY_NAME = "events.md"


def contract_files(own: Sequence[EventTypeRules]) -> Iterator[tuple[str, str]]:
    """Each file by its name: the event dictionary, and a JSON Schema for each type."""
    yield DICTIONARY_NAME, dictionary_text(own)
    for kind in event_types():
        yield schema_name(kind), schema_text(kind, example(kind.name))
    for rules, entry in zip(own, own_types(tuple(own)).values(), strict=True):
        yield schema_name(entry), schema_text(entry, own_example(rules))
