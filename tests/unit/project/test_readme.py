"""The words are true: blocks are what the code does, and every file and command named exists."""

import re
import tomllib
from pathlib import Path

import pytest

from tests import pages
from touchstream.agents.settings import known_keys
from touchstream.streams.learn.models.registry import MODELS

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(
    [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    + [page for page in (ROOT / "docs").rglob("*.md") if page.name != "events.md"]
)
FILE = re.compile(r"`((?:schemas|streams|agents|simulator|bench|tests|docs)/[\w./-]+)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[\w-]+)?\)")
MODULE = re.compile(r"python -m ([a-z_.]+)")
TARGET = re.compile(r"\bmake ([a-z]+)\b")
SETTING = re.compile(r"`([a-z]+)\.([a-z_]+)`")


@pytest.mark.parametrize("page", pages.PAGES)
def test_what_follows_from_the_code_is_what_the_page_says(page: str) -> None:
    assert pages.written(page) == pages.made(page)


def test_every_part_that_follows_from_the_code_stands_once_and_in_order() -> None:
    shown = [name for page in pages.PAGES for name, _ in pages.PART.findall(pages.written(page))]
    assert shown == list(pages.parts())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {ROOT / name for name in FILE.findall(text)}
    linked = {page.parent / name for name in LINK.findall(text)}
    assert sorted(str(path) for path in named | linked if not path.exists()) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_module_that_is_to_be_run_exists(page: Path) -> None:
    for name in MODULE.findall(page.read_text(encoding="utf-8")):
        path = ROOT.joinpath(*name.removeprefix("touchstream.").split("."))
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    doors = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    code = "\n".join(re.findall(r"```.*?```|`[^`]*`", page.read_text(), re.DOTALL))
    assert set(TARGET.findall(code)) <= doors


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name != "CHANGELOG.md"],  # it names what is gone
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    keys = known_keys()
    for table, key in SETTING.findall(page.read_text(encoding="utf-8")):
        if table in keys and key not in {"md", "py", "toml"}:
            assert key in keys[table], f"{table}.{key}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_is_shown_exists(page: Path) -> None:
    from touchstream.agents.cli.main import app  # noqa: PLC0415 - Typer's app, for this test alone

    commands = {_name(command.name, command.callback) for command in app.registered_commands}
    commands |= {group.name or "" for group in app.registered_groups}
    text = page.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]*`", text, re.DOTALL))
    shown = set(re.findall(r"(?:^|`)touchstream ([a-z-]+)", code, re.MULTILINE))
    assert {"demo", "replay", "worker", "dead-letters"} <= commands
    assert shown <= commands


def test_models_page_lists_every_model() -> None:
    section = (ROOT / "docs" / "models.md").read_text().partition("## The models\n")[2]
    table = section.partition("\n\nAll see")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(MODELS)


def test_the_settings_that_the_readme_shows_are_read() -> None:
    [shown] = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    keys = known_keys()
    for table, values in tomllib.loads(shown).items():
        assert set(values) <= set(keys[table])


def _name(name: str | None, callback: object) -> str:
    return name or getattr(callback, "__name__", "").replace("_", "-")
