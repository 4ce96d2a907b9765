"""Compare two replays: the law, file by file.

    python -m bench.equal FOLDER FOLDER

Lines are compared as a multiset. Fields that name the run and not the world are left out:
``sequence`` of an emission, ``partition`` and ``offset`` of a dead letter.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import orjson

LEFT_OUT = {
    "profiles.jsonl": (),
    "scores.jsonl": (),
    "churn-risk.jsonl": ("sequence",),
    "customer-risk.jsonl": ("sequence",),
    "next-best-action.jsonl": ("sequence",),
    "customer-signals.jsonl": ("sequence",),
    "alerts.jsonl": ("sequence",),
    "dead-letters.jsonl": ("partition", "offset"),
}
"""Output -> fields that may differ; the ``scores-NAME.jsonl`` of further targets come on top."""

SHOWN = 3
"""Lines shown of each difference."""


def differences(one: Path, other: Path) -> list[str]:
    """A sentence for each file that differs; none if the two folders are equal."""
    return [
        shown for name in _names(one, other) if (shown := _difference(name, one, other)) is not None
    ]


def _names(one: Path, other: Path) -> list[str]:
    further = {file.name for folder in (one, other) for file in folder.glob("scores-*.jsonl")}
    return [*LEFT_OUT, *sorted(further)]


def _difference(name: str, one: Path, other: Path) -> str | None:
    here, there = _lines(one / name), _lines(other / name)
    if here == there:
        return None
    only_here, only_there = here - there, there - here
    return (
        f"{name}: {here.total()} and {there.total()} lines; only in {one}: {_few(only_here)}; "
        f"only in {other}: {_few(only_there)}"
    )


def _lines(file: Path) -> Counter[bytes]:
    left_out = LEFT_OUT.get(file.name, ())
    if file.name not in LEFT_OUT and not file.exists():
        return Counter()  # a target of the other run alone
    with file.open("rb") as lines:
        if not left_out:
            return Counter(line.rstrip(b"\n") for line in lines)
        return Counter(_without(orjson.loads(line), left_out) for line in lines)


def _without(line: dict[str, object], names: Sequence[str]) -> bytes:
    kept = {name: value for name, value in line.items() if name not in names}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)


def _few(lines: Counter[bytes]) -> str:
    some = b" ".join(sorted(lines.elements())[:SHOWN]).decode(errors="replace")
    return f"{lines.total()} ({some})" if lines else "0"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare two folders; 1 if they differ."""
    chosen = sys.argv[1:] if arguments is None else arguments
    if len(chosen) != 2:  # noqa: PLR2004 - two folders
        print("usage: python -m bench.equal FOLDER FOLDER", file=sys.stderr)
        return 2
    found = differences(Path(chosen[0]), Path(chosen[1]))
    print("\n".join(found) or "the same")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
