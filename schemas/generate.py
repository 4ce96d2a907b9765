"""Write the documents that follow from the types.

``python -m touchstream.schemas.generate [--check]``
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from touchstream.schemas.documents.asyncapi import asyncapi_text
from touchstream.schemas.documents.dictionary import dictionary_text
from touchstream.schemas.documents.json_schemas import schema_name, schema_text
from touchstream.schemas.documents.sources import (
    ASYNCAPI,
    DICTIONARY,
    JSON_SCHEMAS,
    PROJECT,
    MissingExample,
    event_types,
    example,
)

COMMAND = "python -m touchstream.schemas.generate"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what differs, or with ``--check`` name it and return 1."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if a file differs")
    check = parser.parse_args(arguments).check
    try:
        differing = [*stale_files(PROJECT)]
    except MissingExample as exc:
        print(exc, file=sys.stderr)
        return 1
    for path, text in differing:
        print(f"{path} is not current: run {COMMAND}" if check else f"{path}")
        if not check:
            _put(PROJECT / path, text)
    return 1 if check and differing else 0


def documents() -> dict[Path, str]:
    """Return the text of every generated file, by its path in the project."""
    written = {ASYNCAPI: asyncapi_text(), DICTIONARY: dictionary_text()}
    for kind in event_types():
        written[JSON_SCHEMAS / schema_name(kind)] = schema_text(kind, example(kind.name))
    return written


def stale_files(project: Path) -> Iterator[tuple[Path, str | None]]:
    """Yield each file that differs, with the text it should have; None: it should not be there."""
    wanted = documents()
    for path, text in wanted.items():
        if not (project / path).exists() or (project / path).read_text(encoding="utf-8") != text:
            yield path, text
    for file in sorted((project / JSON_SCHEMAS).glob("*.schema.json")):
        path = file.relative_to(project)
        if path not in wanted:
            yield path, None


def _put(file: Path, text: str | None) -> None:
    if text is None:
        file.unlink()
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
