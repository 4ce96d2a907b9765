"""``touchstream schemas``: the event contract with the types that the settings add."""

from pathlib import Path

import orjson

from touchstream.agents.cli.failures import Failed
from touchstream.agents.settings import Settings
from touchstream.schemas.documents.contract import contract_files
from touchstream.schemas.documents.dictionary import own_dictionary_text


def schemas(settings: Settings, out: Path | None) -> str:
    """Write the files to ``out`` and return their count, or return the text about own types."""
    own = settings.rules.event_types
    if out is None:
        if not own:
            raise Failed(
                "event_types: the settings add none; docs/own-event-types.md has an example "
                "(--out DIR writes the built-in ones)"
            )
        return own_dictionary_text(own)
    files = dict(contract_files(own))
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")
    counts = {"out": str(out), "files": len(files), "own": [kind.name for kind in own]}
    return orjson.dumps(counts).decode()
