"""The console's own texts by language, and numbers and moments as each writes them."""

from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from typing import get_args
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_decimal, format_percent
from fluent.runtime import FluentBundle, FluentResource

from touchstream.agents.languages.texts import Texts as FactTexts
from touchstream.agents.settings_reps import Language
from touchstream.schemas.emissions.risk import Reason
from touchstream.schemas.units import Millis

LANGUAGES: tuple[Language, ...] = get_args(Language)
FALLBACK: Language = "en"
Argument = str | int | float


class Texts:
    """One language."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._facts = FactTexts(language)
        # Isolation marks are for texts of mixed direction; both languages run one way.
        self._bundle = FluentBundle([language], use_isolating=False)
        source = resources.files("touchstream.web.console").joinpath(f"texts/{language}.ftl")
        self._bundle.add_resource(FluentResource(source.read_text(encoding="utf-8")))

    def __call__(self, key: str, /, **arguments: Argument) -> str:
        """The text of a key; raises KeyError for one that the language does not have."""
        message = self._bundle.get_message(key)
        if message.value is None:
            raise KeyError(key)
        text, errors = self._bundle.format_pattern(message.value, arguments)
        if errors:
            raise errors[0]
        return str(text)

    def reason(self, reason: Reason, at_ms: Millis) -> str:
        """A reason in words; ``at_ms``: the moment that it is true of."""
        return self._facts.reason(reason, at_ms)

    def money(self, minor: float, currency: str) -> str:
        """An amount in minor units of an ISO 4217 currency."""
        return self._facts.money(minor, currency)

    def action(self, name: str) -> str:
        """What to do; an action of the deployment's own is its name."""
        return self._facts.action(name)

    def has(self, key: str) -> bool:
        """Whether the language has this text."""
        return self._bundle.has_message(key)

    def known(self, key: str, otherwise: str) -> str:
        """The text of a key, or the name itself for one of a deployment's own."""
        return self(key) if self.has(key) else otherwise

    def number(self, value: float | None, digits: int = 0) -> str:
        """A number with separators; a dash for none."""
        if value is None:
            return "-"
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return format_decimal(value, format=pattern, locale=self.language)

    def percent(self, share: float | None, digits: int = 0) -> str:
        """A share as a percentage; a dash for none."""
        if share is None:
            return "-"
        pattern = (
            "%" + self._digits(digits) if self.language == "tr" else self._digits(digits) + "%"
        )
        return format_percent(share, format=pattern, locale=self.language)

    def moment(self, at_ms: Millis | None, time_zone: str) -> str:
        """Day and minute in a time zone; a dash for none."""
        if at_ms is None:
            return "-"
        at = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(time_zone))
        return format_datetime(at, "d MMM y, HH:mm", locale=self.language)

    def day(self, at_ms: Millis, time_zone: str) -> str:
        """The day in a time zone, short."""
        at = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(time_zone))
        return format_datetime(at, "d MMM", locale=self.language)

    def ago(self, at_ms: Millis | None, now_ms: Millis) -> str:
        """How long ago, roughly; a dash for unknown."""
        if at_ms is None:
            return "-"
        return format_timedelta(
            timedelta(milliseconds=at_ms - now_ms),
            add_direction=True,
            locale=self.language,
            threshold=1.2,
        )

    def _digits(self, digits: int) -> str:
        return "#,##0" + ("." + "0" * digits if digits else "")


@cache
def texts_of(language: Language) -> Texts:
    return Texts(language)


def preferred(accept_language: str) -> Language:
    """The first language of the header that the console speaks; before anybody is signed in.

    >>> preferred("tr-TR,tr;q=0.9,en;q=0.8"), preferred("et"), preferred("")
    ('tr', 'en', 'en')
    """
    for part in accept_language.split(","):
        tag = part.partition(";")[0].strip().lower().partition("-")[0]
        for language in LANGUAGES:
            if tag == language:
                return language
    return FALLBACK
