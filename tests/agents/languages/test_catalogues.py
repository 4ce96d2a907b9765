"""The languages have the same texts, and one that is incomplete does not load."""

import re

import pytest

from touchstream.agents.languages.catalogue import (
    FOLDER,
    LANGUAGES,
    Catalogue,
    LanguageError,
    catalogues,
    check_keys,
)
from touchstream.agents.languages.texts import Texts
from touchstream.agents.settings_reps import Language

VARIABLE = re.compile(r"\{ \$(\w+)")


def source(language: Language) -> str:
    return (FOLDER / f"{language}.ftl").read_text("utf-8")


def variables(language: Language) -> dict[str, set[str]]:
    """The arguments of each message."""
    entries = re.split(r"\n(?=[a-z])", source(language))
    return {
        entry.split(" =")[0]: set(VARIABLE.findall(entry)) for entry in entries if " =" in entry
    }


def test_every_file_is_a_language_of_the_settings() -> None:
    assert {file.stem for file in FOLDER.glob("*.ftl")} == set(LANGUAGES)


def test_all_languages_have_the_same_keys() -> None:
    found = {language: words.keys for language, words in catalogues().items()}
    assert found["tr"] == found["en"]


def test_no_language_uses_an_argument_that_english_is_not_given() -> None:
    given = variables("en")
    # The number of days that a silence has lasted has a form of its own in Turkish.
    given["reason-silence"].add("since")
    extra = {key: found - given[key] for key, found in variables("tr").items()}
    assert {key for key, found in extra.items() if found} == set()


def test_a_language_that_lacks_a_text_does_not_load() -> None:
    short = Catalogue("tr", source("tr").replace("band-high = yüksek\n", ""))
    with pytest.raises(LanguageError, match=r"^tr\.ftl lacks the texts band-high$"):
        check_keys([catalogues()["en"], short])


def test_languages_that_all_lack_the_sentence_of_a_reason_do_not_load() -> None:
    short = Catalogue("en", source("en").replace("reason-term_end", "reason-other"))
    with pytest.raises(LanguageError, match=r"^en\.ftl lacks the texts reason-term_end$"):
        check_keys([short])


def test_a_file_that_is_not_fluent_names_the_line() -> None:
    with pytest.raises(LanguageError, match=r"^en\.ftl: cannot be read: 'no equals sign"):
        Catalogue("en", "locale = en_GB\nno equals sign\n")


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(LanguageError, match=r"^en\.ftl: band-low stands there twice$"):
        Catalogue("en", "locale = en_GB\nband-low = low\nband-low = small\n")


@pytest.mark.parametrize("locale", ["xx_YY", "not a locale"])
def test_a_locale_that_babel_does_not_know_is_refused(locale: str) -> None:
    with pytest.raises(LanguageError, match=r"^en\.ftl: locale = .*: want one that babel knows"):
        Catalogue("en", f"locale = {locale}\n")


def test_a_file_without_a_locale_is_refused() -> None:
    with pytest.raises(LanguageError, match=r"^en\.ftl has no text 'locale'$"):
        Catalogue("en", "band-low = low\n")


def test_a_missing_key_and_a_missing_argument_are_errors_and_no_blanks() -> None:
    with pytest.raises(LanguageError, match=r"^en\.ftl has no text 'no-such-text'$"):
        Texts("en").text("no-such-text")
    with pytest.raises(LanguageError, match=r"^en\.ftl: message-do: .*action"):
        Texts("en").text("message-do")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_can_be_written_and_is_not_blank(language: Language) -> None:
    words, names = catalogues()[language], set().union(*variables("en").values(), {"n"})
    for key in words.keys:
        for n in (0, 1, 2):
            text = words.text(key, **dict.fromkeys(names, "x") | {"n": n})
            assert text.strip()
            assert "{" not in text
