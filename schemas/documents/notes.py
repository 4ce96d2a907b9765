"""Notes of fields: the docstrings below them, which Python itself does not keep."""

import ast
import inspect
import sys
from functools import cache

from msgspec import Struct


def field_notes(struct: type[Struct]) -> dict[str, str]:
    """Return the note of every field that has one, those of base classes included."""
    notes: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        notes |= _notes_by_class(base.__module__).get(base.__name__, {})
    return notes


def summary(documented: object) -> str:
    """Return the first paragraph of a docstring, on one line."""
    return _one_line((inspect.getdoc(documented) or "").split("\n\n")[0])


@cache
def _notes_by_class(module: str) -> dict[str, dict[str, str]]:
    if not module.startswith("touchstream.schemas."):
        return {}
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: _notes(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _notes(definition: ast.ClassDef) -> dict[str, str]:
    notes = {}
    for field, note in zip(definition.body, definition.body[1:], strict=False):
        match field, note:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                notes[name] = _one_line(text)
            case _:
                pass
    return notes


def _one_line(text: str) -> str:
    return " ".join(text.split())
