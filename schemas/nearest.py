"""The known event type that an unknown one resembles: it is probably misspelt."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple

SIMILARITY = 0.87
"""Least ratio of difflib. `call.end` has 0.89 to `call.ended`; types of one kind with other verbs,
such as `subscription.resumed` and `subscription.renewed`, have up to 0.85."""

_REMEMBERED = 1_024
_WORD_BEGINS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN_WORDS = re.compile(r"[^a-z0-9]+")
_VERSION = re.compile(r"\.v?[0-9]+$")


class Suggestion(NamedTuple):
    """An unknown name, and the known one that was probably meant."""

    unknown: str
    known: str


@lru_cache(_REMEMBERED)
def nearest(name: str, known: tuple[str, ...]) -> str | None:
    """The known event type that ``name`` resembles; None if there is none.

    Case, separators, a prefix such as ``com.example.`` and a version at the end do not count.

    >>> types = ("order.placed", "order.returned", "web.form_submitted")
    >>> [nearest(name, types) for name in ("order.place", "com.shop.OrderPlaced.v1", "web.form")]
    ['order.placed', 'order.placed', None]
    """
    form = _VERSION.sub("", _form(name))
    by_form = {_form(each): each for each in known}
    for end in _ends(form):
        if end in by_form:
            return by_form[end]
    close = get_close_matches(form, by_form, n=1, cutoff=SIMILARITY)
    return by_form[close[0]] if close else None


def _form(name: str) -> str:
    """The words of a name in lower case, with a point between them."""
    return _BETWEEN_WORDS.sub(".", _WORD_BEGINS.sub(".", name).lower()).strip(".")


def _ends(form: str) -> Iterable[str]:
    """The form and what is left of it without its first word, without two, and so on."""
    words = form.split(".")
    return (".".join(words[first:]) for first in range(len(words)))
