"""The HTML elements of the page; every text is escaped here."""

from collections.abc import Iterable, Sequence
from html import escape


class Written(str):
    """A number that is formatted already; other texts are aligned left."""

    __slots__ = ()


Cell = str | int | float | None
"""A text, a count, a measure (four digits), or nothing."""


def shown(cell: Cell) -> str:
    """A cell formatted for reading.

    >>> [shown(158027), shown(0.22346), shown(None)]
    ['158,027', '0.2235', '-']
    """
    if cell is None:
        return "-"
    if isinstance(cell, int):
        return f"{cell:,}"
    return escape(cell) if isinstance(cell, str) else f"{cell:.4f}"


def percent(share: float | None) -> Written | None:
    """A share with one decimal; it does not break across lines.

    >>> percent(0.0778).split()
    ['7.8', '%']
    """
    return None if share is None else Written(f"{100 * share:.1f}\N{NO-BREAK SPACE}%")


def notice(sentence: str, kind: str = "") -> str:
    """A highlighted sentence; ``kind`` is good, warn or empty."""
    whole = escape(sentence).replace(" %", "\N{NO-BREAK SPACE}%")
    return f'<p class="says {kind}">{whole}</p>'


def tiles(numbers: Iterable[tuple[str, Cell]]) -> str:
    """Large numbers with labels."""
    inside = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{shown(cell)}</dd></div>" for name, cell in numbers
    )
    return f'<dl class="tiles">{inside}</dl>'


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A table that scrolls on its own where the screen is narrow."""
    body = list(rows)
    sides = [_side(column) for column in zip(*body, strict=True)] or [""] * len(head)
    top = _row("th", sides, [escape(name) for name in head])
    inside = "\n".join(_row("td", sides, map(shown, row)) for row in body)
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption>\n'
        f"<thead>{top}</thead>\n<tbody>{inside}</tbody></table></div>"
    )


def figure(title: str, svg: str, caption: str) -> str:
    """A plot with its caption."""
    named = svg.replace('role="img"', f'role="img" aria-label="{escape(title)}"', 1)
    return (
        f"<figure><h3>{escape(title)}</h3>\n{named}\n"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def narrow(part: str) -> str:
    """An element that stands alone, no wider than one of two side by side."""
    return f'<div class="narrow">{part}</div>'


def side_by_side(*parts: str) -> str:
    """Elements side by side if there is room."""
    return f'<div class="side">{"".join(f"<div>{part}</div>" for part in parts if part)}</div>'


def _side(column: Iterable[Cell]) -> str:
    text = any(isinstance(cell, str) and not isinstance(cell, Written) for cell in column)
    return ' class="text"' if text else ""


def _row(tag: str, sides: Iterable[str], cells: Iterable[str]) -> str:
    pairs = zip(sides, cells, strict=True)
    return "<tr>" + "".join(f"<{tag}{side}>{cell}</{tag}>" for side, cell in pairs) + "</tr>"
