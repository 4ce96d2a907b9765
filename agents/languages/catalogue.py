"""The texts of the languages, parsed once a process and checked against each other."""

from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import get_args

from babel import Locale, UnknownLocaleError
from babel.numbers import NumberPattern, parse_pattern
from fluent.runtime import FluentBundle, FluentResource
from fluent.runtime.resolver import Pattern
from fluent.syntax.ast import Junk, Message, Resource, TextElement

from touchstream.agents.settings_reps import Language
from touchstream.schemas.emissions.risk import ReasonKind

FOLDER = Path(__file__).parent
LANGUAGES: tuple[Language, ...] = get_args(Language)

Argument = str | int | float | Decimal


class LanguageError(Exception):
    """A file of texts is incomplete, or a text was asked for that no file has."""


class Catalogue:
    """The texts of one language: ``key``, or ``key.attribute``."""

    def __init__(self, language: Language, source: str) -> None:
        resource = FluentResource(source)
        junk = [entry for entry in resource.body if isinstance(entry, Junk)]
        if junk:
            raise LanguageError(f"{language}.ftl: cannot be read: {junk[0].content!r}")
        self.locale = _locale(language, resource)
        # Without marks of isolation: the English must be the core's own sentence.
        self._bundle = FluentBundle([str(self.locale)], use_isolating=False)
        self._bundle.add_resource(resource)
        self.language = language
        self.keys = _keys(language, resource)
        self._patterns = {key: self._pattern(key) for key in self.keys}
        self._numbers: tuple[NumberPattern, ...] = tuple(
            parse_pattern(f"#,##0.{'0' * digits}" if digits else "#,##0") for digits in range(4)
        )
        self._number: NumberPattern = self.locale.decimal_formats[None]

    def text(self, key: str, /, **arguments: Argument) -> str:
        """The text of a key with its arguments.

        Raises
        ------
        LanguageError
            There is no such key, or an argument is missing.
        """
        pattern = self._patterns.get(key)
        if pattern is None:
            raise LanguageError(f"{self.language}.ftl has no text {key!r}")
        text, errors = self._bundle.format_pattern(pattern, arguments)
        if errors or not isinstance(text, str):
            raise LanguageError(f"{self.language}.ftl: {key}: {'; '.join(map(str, errors))}")
        return text

    def number(self, number: float | Decimal) -> str:
        """A number by the locale; a Decimal keeps its decimals (0 to 3)."""
        pattern = self._number
        if isinstance(number, Decimal):
            pattern = self._numbers[-int(number.as_tuple().exponent)]
        text: str = pattern.apply(number, self.locale)
        return text

    def _pattern(self, key: str) -> Pattern:
        name, _, attribute = key.partition(".")
        message = self._bundle.get_message(name)
        found = message.attributes[attribute] if attribute else message.value
        if found is None:
            raise LanguageError(f"{self.language}.ftl: {key} is empty")
        return found


def _locale(language: Language, resource: Resource) -> Locale:
    for entry in resource.body:
        if isinstance(entry, Message) and entry.id.name == "locale" and entry.value is not None:
            name = "".join(
                part.value for part in entry.value.elements if isinstance(part, TextElement)
            )
            try:
                return Locale.parse(name)
            except (ValueError, UnknownLocaleError):
                raise LanguageError(
                    f"{language}.ftl: locale = {name}: want one that babel knows, such as en_GB"
                ) from None
    raise LanguageError(f"{language}.ftl has no text 'locale'")


def _keys(language: Language, resource: Resource) -> frozenset[str]:
    found: list[str] = []
    for entry in resource.body:
        if isinstance(entry, Message):
            found.append(entry.id.name)
            found += (f"{entry.id.name}.{one.id.name}" for one in entry.attributes)
    twice = {key for key in found if found.count(key) > 1}
    if twice:
        raise LanguageError(f"{language}.ftl: {sorted(twice)[0]} stands there twice")
    return frozenset(found)


@cache
def catalogues() -> dict[Language, Catalogue]:
    """The languages, all with the same keys; read at the first call.

    Raises
    ------
    LanguageError
        A file is missing, cannot be read, or lacks a key that another one has.
    """
    found = {language: Catalogue(language, _source(language)) for language in LANGUAGES}
    check_keys(found.values())
    return found


def check_keys(languages: Iterable[Catalogue]) -> None:
    """Refuse languages that do not have the same keys, or no sentence for a kind of reason."""
    found = tuple(languages)
    wanted = frozenset(f"reason-{kind}" for kind in get_args(ReasonKind))
    wanted = wanted.union(*(one.keys for one in found))
    for one in found:
        missing = sorted(wanted - one.keys)
        if missing:
            raise LanguageError(f"{one.language}.ftl lacks the texts {', '.join(missing)}")


def _source(language: Language) -> str:
    try:
        return (FOLDER / f"{language}.ftl").read_text("utf-8")
    except OSError as error:
        raise LanguageError(f"{language}.ftl cannot be read: {error.strerror}") from error
