"""One vocabulary and plain prose: docs/decisions/0024-one-vocabulary.md."""

import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PARTS = ("schemas", "streams", "agents", "web", "simulator", "bench", "tests")

OLD_NAMES = {
    "Chore",
    "Harness",
    "InForce",
    "Lookout",
    "Models",
    "Passed",
    "Post",
    "Run",
    "STRANGER",
    "Scatter",
    "Stand",
    "Standing",
    "TARDY",
    "Turn",
    "Wake",
    "Work",
    "_Lesson",
    "_Making",
    "aims",
    "believed",
    "clock_ms",
    "company",
    "crew",
    "desk",
    "in_force",
    "journal",
    "judge",
    "lookout",
    "looks_from",
    "marks",
    "meaning",
    "offered",
    "people",
    "scatter",
    "stage",
    "take_run",
    "take_turn",
    "told",
    "told_risk",
    "verdict",
    "wake_at",
}
"""Left columns of the table. Left out, because they are words of their own: Kafka's ``Topic``,
``cut`` in tests, ``watch``, ``here``, ``due``, ``post`` and ``said``."""

OLD_NAMES_ALLOWED = {
    ("schemas/touchpoints/actions.py", "verdict"): "the wire field of alert.feedback",
    ("streams/projections/alerts.py", "verdict"): "the same",
    ("tests/agents/stores/conftest.py", "marks"): "pytest.param(..., marks=)",
    ("tests/agents/stores/test_claims.py", "marks"): "pytest.param(..., marks=)",
}

MALE = re.compile(r"\bh(?:e|is|im|imself)\b", re.IGNORECASE)


def modules(parts: tuple[str, ...]) -> list[Path]:
    return sorted(path for part in parts for path in (ROOT / part).rglob("*.py"))


def pages() -> list[Path]:
    top = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md")
    return sorted([ROOT / name for name in top] + list((ROOT / "docs").rglob("*.md")))


def tokens(module: Path) -> Iterator[tokenize.TokenInfo]:
    with module.open("rb") as lines:
        yield from tokenize.tokenize(lines.readline)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("part", PARTS)
def test_no_name_of_the_first_vocabulary_is_left(part: str) -> None:
    found = {
        (named(module), token.string)
        for module in modules((part,))
        for token in tokens(module)
        if token.type == tokenize.NAME and token.string in OLD_NAMES
    }
    allowed = {(file, name) for file, name in OLD_NAMES_ALLOWED if file.startswith(f"{part}/")}
    assert found == allowed


def about_a_man(name: str, number: int, text: str) -> list[str]:
    return [f"{name}:{number}: {text.strip()}"] if MALE.search(text) else []


@pytest.mark.parametrize("page", pages(), ids=named)
def test_a_customer_is_they_on_every_page(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [
        hit
        for number, line in enumerate(lines, 1)
        for hit in about_a_man(named(page), number, line)
    ] == []


@pytest.mark.parametrize("part", PARTS)
def test_a_customer_is_they_in_names_comments_and_texts(part: str) -> None:
    assert [
        hit
        for module in modules((part,))
        if module != Path(__file__)
        for token in tokens(module)
        if token.type in {tokenize.NAME, tokenize.COMMENT, tokenize.STRING}
        for hit in about_a_man(named(module), token.start[0], _words(token))
    ] == []


def _words(token: tokenize.TokenInfo) -> str:
    return token.string.replace("_", " ") if token.type == tokenize.NAME else token.string


def test_the_readme_is_read_in_five_minutes() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


def test_the_glossary_has_only_words_of_our_own() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert 0 < len(re.findall(r"^\| \*\*", text, re.MULTILINE)) <= 25


def test_nothing_cites_a_document_that_is_not_in_the_project() -> None:
    foreign = re.compile(r"\b(?:DES" + r"IGN|TR" + r"APS)\b")
    files = [*modules(PARTS), *pages(), *(ROOT / "streams").glob("*.toml")]
    files += (ROOT / "schemas").glob("*.toml")
    assert [named(file) for file in files if foreign.search(file.read_text("utf-8"))] == []
