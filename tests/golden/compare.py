"""Whether two replays say the same, line by line, but for names that have changed since.

    python -m tests.golden.compare OLD_FOLDER NEW_FOLDER

Lines are compared in the order in which each customer's came: workers and partitions interleave
customers by chance. Left out is what names the run (``bench.equal.LEFT_OUT``). Exits 1 with the
first lines that differ.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import orjson

from bench.equal import LEFT_OUT

RENAMES: Mapping[str, Mapping[str, str]] = {"next-best-action.jsonl": {"policy": "rules"}}
"""File -> what a field was called -> what it is called now; a field of any depth."""
FILES = (
    "churn-risk.jsonl",
    "next-best-action.jsonl",
    "customer-signals.jsonl",
    "dead-letters.jsonl",
)
"""The ``scores*.jsonl`` come on top."""
ADDED = frozenset(
    {"customer.relation_changed", "engagement.dropping", "return.probability_changed"}
)
"""Types that are emitted only since."""
SHOWN = 3
WIDTH = 2_000
BAD_USAGE = 2


def differences(old: Path, new: Path) -> Iterator[str]:
    """What to tell of each file that differs."""
    scores = {file.name for folder in (old, new) for file in folder.glob("scores*.jsonl")}
    for name in (*FILES, *sorted(scores)):
        pairs = zip_longest(
            _lines(old / name, RENAMES.get(name, {})), _lines(new / name, {}), fillvalue=b"nothing"
        )
        unlike = [(place, *pair) for place, pair in enumerate(pairs, 1) if pair[0] != pair[1]]
        for place, before, after in islice(unlike, SHOWN):
            yield f"{name}, line {place}:\n- {_short(before)}\n+ {_short(after)}"
        if unlike:
            yield f"{name}: {len(unlike)} lines differ"


def _lines(file: Path, renames: Mapping[str, str]) -> Sequence[bytes]:
    """The file's lines under their new names, sorted by customer; a missing file has none."""
    found: list[tuple[str, bytes]] = []
    for line in file.read_bytes().splitlines() if file.exists() else ():
        whole, left_out = orjson.loads(line), LEFT_OUT.get(file.name, ())
        if whole.get("type") in ADDED:
            continue
        fields = {name: value for name, value in whole.items() if name not in left_out}
        written = orjson.dumps(_renamed(fields, renames))
        found.append((str(fields.get("customer") or fields.get("subject") or written), written))
    return [line for _, line in sorted(found, key=lambda pair: pair[0])]


def _renamed(fields: Any, renames: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(fields, dict):
        return {renames.get(name, name): _renamed(value, renames) for name, value in fields.items()}
    return [_renamed(each, renames) for each in fields] if isinstance(fields, list) else fields


def _short(line: bytes) -> str:
    return line[:WIDTH].decode(errors="replace")


def main(arguments: Sequence[str]) -> int:
    """Compare two folders; 1 if they differ."""
    if len(arguments) != 2:
        print("usage: python -m tests.golden.compare OLD_FOLDER NEW_FOLDER", file=sys.stderr)
        return BAD_USAGE
    found = list(differences(Path(arguments[0]), Path(arguments[1])))
    print("\n".join(found) or "the same")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
