"""The layout of a message: title, introduction, sections of items, one button, a note.

Every string becomes one line without control characters, so that a customer's id cannot add a
header to a mail, a line to a text, or turn what follows from right to left. HTML is escaped.
"""

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

TEMPLATES = Path(__file__).parent / "mail"
MOST_CHARACTERS = 1_000
MOST_IN_SUBJECT = 120
"""A list of mails shows less."""
_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Message(NamedTuple):
    """A message to one recipient."""

    subject: str
    """One line."""
    text: str
    """For mails."""
    html: str
    """For mails."""
    chat: str
    """For chats: the text without the mail's closing note. Not escaped for any chat's markup."""


class Item(NamedTuple):
    """A line with details and a link; empty: without."""

    title: str
    details: tuple[str, ...]
    link_text: str = ""
    link: str = ""


class Section(NamedTuple):
    """A list with a heading; ``more`` follows a list that was cut."""

    title: str
    items: tuple[Item, ...]
    more: str = ""


class Page(NamedTuple):
    """All that a message says."""

    language: str
    title: str
    intro: str
    sections: tuple[Section, ...]
    button: Item | None
    note: str


def one_line(text: str, most: int = MOST_CHARACTERS) -> str:
    """Without line breaks, control and direction characters; cut with an ellipsis.

    >>> one_line("ada" + chr(10) + "Bcc: eve" + chr(0x202E))
    'ada Bcc: eve'
    """
    plain = _BIDI.sub("", text)
    spaced = "".join(" " if unicodedata.category(one) in _CONTROLS else one for one in plain)
    line = " ".join(spaced.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def rendered(page: Page) -> Message:
    """Subject, plain text and HTML of a page.

    Raises
    ------
    ValueError
        A link is not an absolute http(s) address.
    """
    clean = _clean(page)
    html = _template().render(page=clean)
    chat = _chat(clean)
    text = f"{chat}\n-- \n{clean.note}\n"
    return Message(one_line(clean.title, MOST_IN_SUBJECT), text, html, chat)


def _clean(page: Page) -> Page:
    return page._replace(
        title=one_line(page.title),
        intro=one_line(page.intro),
        sections=tuple(map(_clean_section, page.sections)),
        button=None if page.button is None else _clean_item(page.button),
    )


def _clean_section(section: Section) -> Section:
    return section._replace(items=tuple(map(_clean_item, section.items)))


def _clean_item(item: Item) -> Item:
    return item._replace(
        title=one_line(item.title),
        details=tuple(map(one_line, item.details)),
        link=_checked(item.link) if item.link else "",
    )


def _checked(link: str) -> str:
    parts = urlsplit(link)
    # Not in the message: a link may carry a token.
    web = parts.scheme in {"http", "https"} and parts.netloc
    if not web or " " in link or not link.isprintable():
        raise ValueError("want links that begin with https:// or http:// and have no blanks")
    return link


def _chat(page: Page) -> str:
    blocks = [page.title, page.intro]
    for section in page.sections:
        blocks += [section.title, *map(_item_text, section.items), section.more]
    blocks.append("" if page.button is None else _item_text(page.button))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _item_text(item: Item) -> str:
    lines = [item.title, *(f"- {detail}" for detail in item.details)]
    if item.link:
        lines.append(f"{item.link_text}: {item.link}")
    return "\n".join(line for line in lines if line)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("message.html.j2")
