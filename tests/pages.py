"""The generated parts of docs/walkthrough.md, docs/models.md and docs/metrics.md.

``python -m tests.pages`` writes them. A part begins at ``<!-- made: NAME -->`` and ends at the next
empty line. ``tests/unit/project/test_readme.py`` compares the pages with the code.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.sentences import CASES, NEVER, texts
from tests.story.trace import stops
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.basis import DERIVED
from touchstream.streams.measures.catalogue import CATALOGUE, RATIOS
from touchstream.streams.measures.metric import Dimension

ROOT = Path(__file__).parents[1]
PAGES = ("docs/walkthrough.md", "docs/models.md", "docs/metrics.md")
PART = re.compile(r"<!-- made: ([a-z-]+) -->\n(.*?)\n(?=\n)", re.DOTALL)
WIDTH = 100
VALUES_SHOWN = 10


def written(page: str) -> str:
    """The page as it stands."""
    return (ROOT / page).read_text(encoding="utf-8")


def made(page: str) -> str:
    """The page with every part as the code has it."""
    texts = parts()
    return PART.sub(lambda at: f"<!-- made: {at[1]} -->\n{texts[at[1]]}\n", written(page))


def parts() -> dict[str, str]:
    """Name -> text, in the order in which they stand in the pages."""
    blocks = {name: f"```json\n{_as_json(value)}\n```" for name, value in stops().items()}
    tables = {"features": _features(), "columns": _columns(), "sentences": _sentences()}
    return {**blocks, **tables, "measures": _measures(), "ratios": _ratios()}


def _features() -> str:
    return _table(
        ("feature", "unit", "in words", "formula"),
        ((f"`{f.name}`", f.unit, f.text, _summary(f.measure)) for f in FEATURES.features),
    )


def _columns() -> str:
    """The summary of a group of columns stands beside the first of them."""
    return _table(
        ("column", "unit", "of", "what"),
        (
            (
                f"`{name}`",
                unit,
                ", ".join(map("`{}`".format, of)) or "the moment",
                "" if number else _summary(work),
            )
            for work, columns in DERIVED
            for number, (name, unit, of) in enumerate(columns)
        ),
    )


def _sentences() -> str:
    """A usual value has no sentence, so it has no column."""
    by_name = {case.feature: texts(case) for case in CASES}
    return _table(
        ("feature", "low", "high"),
        (
            (f"`{name}`", by_name[name][0] or "-", by_name[name][2] or "-")
            if name in by_name
            else (f"`{name}`", f"never told: {NEVER[name]}", "")
            for name in FEATURES.names
        ),
    )


def _measures() -> str:
    return _table(
        ("metric", "kind", "unit", "by", "bucket", "kept", "meaning"),
        (
            (
                f"`{each.name}`",
                each.kind,
                each.unit,
                "; ".join(map(_dimension, each.dimensions)) or "nothing",
                each.bucket,
                f"{each.retention_days} d",
                each.description,
            )
            for each in CATALOGUE
        ),
    )


def _dimension(dimension: Dimension) -> str:
    """The values themselves where they are few."""
    few = len(dimension.values) <= VALUES_SHOWN
    values = f" ({', '.join(dimension.values)})" if few else f" ({len(dimension.values)} values)"
    return f"{dimension.name}{values}"


def _ratios() -> str:
    return _table(
        ("ratio", "of", "n", "meaning"),
        (
            (
                f"`{each.name}`",
                f"`{each.numerator}`"
                + ("" if each.where is None else f" with {' '.join(each.where)}"),
                f"`{each.denominator}`",
                each.description,
            )
            for each in RATIOS
        ),
    )


def _summary(of: Callable[..., Any]) -> str:
    """The first sentence of its docstring."""
    return (inspect.getdoc(of) or "").partition("\n\n")[0].replace("\n", " ")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def _as_json(value: Any, indent: str = "") -> str:  # noqa: ANN401 - any JSON
    """Write values that fit on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(indent) + len(line) <= WIDTH:
        return line
    inner = indent + "  "
    if isinstance(value, list):
        rows = [inner + _as_json(each, inner) for each in value]
    else:
        rows = [f'{inner}"{name}": {_as_json(each, inner)}' for name, each in value.items()]
    return f"{line[0]}\n" + ",\n".join(rows) + f"\n{indent}{line[-1]}"


def main() -> None:
    """Write the pages anew."""
    for page in PAGES:
        (ROOT / page).write_text(made(page), encoding="utf-8")


if __name__ == "__main__":
    main()
