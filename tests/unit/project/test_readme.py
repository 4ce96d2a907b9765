"""The words are true: blocks are what the code does, and every file and command named exists."""

import re
import tomllib
from pathlib import Path

import orjson
import pytest

from agents.settings import known_keys
from streams.features.catalogue import FEATURES
from streams.learn.basis import COLUMNS
from streams.learn.models.registry import MODELS
from tests.story.trace import stops

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(
    [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    + [page for page in (ROOT / "docs").rglob("*.md") if page.name != "events.md"]
)
BLOCK = re.compile(r"<!-- trace: ([a-z-]+) -->\n```json\n(.*?)```", re.DOTALL)
FILE = re.compile(r"`((?:schemas|streams|agents|bench|tests|docs)/[\w./-]+)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[\w-]+)?\)")
MODULE = re.compile(r"python -m ([a-z_.]+)")
TARGET = re.compile(r"\bmake ([a-z]+)\b")
SETTING = re.compile(r"`([a-z]+)\.([a-z_]+)`")
MADE_LATER = {"docs/events.md"}


def test_readme_shows_every_stop_of_the_trace_once_and_in_order() -> None:
    assert [name for name, _ in BLOCK.findall(README)] == list(stops())


@pytest.mark.parametrize(("name", "shown"), BLOCK.findall(README), ids=lambda text: text[:20])
def test_the_block_in_the_readme_is_what_the_code_does(name: str, shown: str) -> None:
    assert orjson.loads(shown) == orjson.loads(orjson.dumps(stops()[name]))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {ROOT / name for name in FILE.findall(text)}
    linked = {page.parent / name for name in LINK.findall(text)}
    assert sorted(str(path) for path in named | linked if not path.exists()) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_module_that_is_to_be_run_exists(page: Path) -> None:
    for name in MODULE.findall(page.read_text(encoding="utf-8")):
        path = ROOT.joinpath(*name.split("."))
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


def test_every_command_that_the_readme_shows_exists() -> None:
    from agents.cli.main import app, letters  # noqa: PLC0415 - Typer's app, for this test alone

    commands = {_name(command.name, command.callback) for command in app.registered_commands}
    commands |= {group.name or "" for group in app.registered_groups}
    assert letters.registered_commands
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]*`", README, re.DOTALL))
    shown = set(re.findall(r"(?:^|`)touchstream ([a-z-]+)", code, re.MULTILINE))
    assert {"demo", "replay", "worker"} <= commands
    assert shown <= commands


def test_models_page_lists_every_feature_with_its_unit_in_order() -> None:
    assert table_under("## Features") == [(f.name, f.unit, f.text) for f in FEATURES.features]


def test_models_page_lists_every_derived_column_with_its_unit_in_order() -> None:
    rows = table_under("### What is worked out of them")
    assert [(name, unit) for name, unit, _ in rows] == [(name, unit) for name, unit, _ in COLUMNS]


def test_models_page_lists_every_model() -> None:
    assert {name for name, _, _ in table_under("## The models")} == set(MODELS)


def table_under(heading: str) -> list[tuple[str, str, str]]:
    """The first three columns of the table of that section of docs/models.md."""
    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    section = re.split(r"^#+ ", text.partition(f"{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)
    return re.findall(r"^\| `(\w+)`[^|]* \| (.+?) \| (.+?) \|", section[0], re.MULTILINE)


def test_the_settings_that_the_readme_shows_are_read() -> None:
    [shown] = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    keys = known_keys()
    for table, values in tomllib.loads(shown).items():
        assert set(values) <= set(keys[table])


def _name(name: str | None, callback: object) -> str:
    return name or getattr(callback, "__name__", "").replace("_", "-")
