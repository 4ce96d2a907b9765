"""Texts of the console: every language has all of them, and templates use no others."""

import re
from importlib import resources
from pathlib import Path

import pytest

from touchstream.agents.settings_reps import Language
from touchstream.schemas.envelope import parse_time
from touchstream.web.console.texts import LANGUAGES, texts_of

CONSOLE = resources.files("touchstream.web.console")
USED = re.compile(r"""\bt\(\s*["']([a-z][a-zA-Z0-9_-]*)["']""")


def keys(language: Language) -> dict[str, set[str]]:
    """Key -> the arguments of its text."""
    source = CONSOLE.joinpath(f"texts/{language}.ftl").read_text(encoding="utf-8")
    found = re.findall(r"^([a-zA-Z][\w-]*) =(.*(?:\n .*)*)", source, re.MULTILINE)
    return {key: set(re.findall(r"\{ ?\$(\w+)", text)) for key, text in found}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_the_keys_and_arguments_of_english(language: Language) -> None:
    assert keys(language) == keys("en")


def test_every_key_in_templates_and_code_is_there() -> None:
    sources = [*Path(str(CONSOLE)).glob("templates/*.html"), *Path(str(CONSOLE)).glob("*.py")]
    used = {key for source in sources for key in USED.findall(source.read_text(encoding="utf-8"))}
    assert len(used) > 20
    assert {key for key in used if key not in keys("en") and not key.endswith("-")} == set()


@pytest.mark.parametrize(
    ("language", "number", "share", "moment", "ago"),
    [
        ("en", "12,345.6", "43%", "28 Nov 2026, 15:04", "3 hours ago"),
        ("tr", "12.345,6", "%43", "28 Kas 2026, 15:04", "3 saat önce"),
    ],
    ids=["en", "tr"],
)
def test_numbers_and_moments_are_written_as_the_language_does(
    language: Language, number: str, share: str, moment: str, ago: str
) -> None:
    t = texts_of(language)
    at_ms = parse_time("2026-11-28T12:04:00Z")
    later_ms = parse_time("2026-11-28T15:04:00Z")
    assert t.number(12_345.6, 1) == number
    assert t.percent(0.43) == share
    assert t.moment(at_ms, "Europe/Istanbul") == moment
    assert t.ago(at_ms, later_ms) == ago
