"""Installed packages equal the resolved ones, byte by byte, and no registry is named."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = ("requirements.lock", "requirements-runtime.lock")


def entries(lock: str) -> list[str]:
    """Each locked requirement with its hashes, on one line."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def locked(lock: str) -> dict[str, set[Version]]:
    versions: dict[str, set[Version]] = {}
    for entry in entries(lock):
        name, version = re.split(r"==| ", entry)[:2]
        versions.setdefault(name, set()).add(Version(version))
    return versions


def unmet(requirements: list[str], lock: str) -> list[str]:
    versions = locked(lock)
    return [
        text
        for text in requirements
        if not (found := versions.get(Requirement(text).name))
        or not all(Requirement(text).specifier.contains(version) for version in found)
    ]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes(lock: str) -> None:
    assert len(entries(lock)) > 30
    assert [entry for entry in entries(lock) if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address_and_no_option_of_an_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert not re.search(r"://|^\s*--(?!hash)", text, re.MULTILINE)


def extra(name: str) -> list[str]:
    """The requirements of an extra, the project's own extras that it names included."""
    asked: list[str] = []
    for text in PROJECT["optional-dependencies"][name]:
        requirement = Requirement(text)
        own = requirement.name == PROJECT["name"]
        asked += [more for one in requirement.extras for more in extra(one)] if own else [text]
    return asked


def test_the_lock_meets_what_the_project_asks_for() -> None:
    asked = PROJECT["dependencies"] + extra("dev")
    assert unmet(asked, "requirements.lock") == []


def test_the_runtime_lock_meets_what_running_and_building_ask_for() -> None:
    asked = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["build"]
    assert unmet(asked, "requirements-runtime.lock") == []


def test_the_image_runs_what_was_tested() -> None:
    tested = locked("requirements.lock")
    assert {
        name: versions
        for name, versions in locked("requirements-runtime.lock").items()
        if versions != tested[name]
    } == {}


def test_libraries_whose_inner_parts_we_lean_on_are_pinned_exactly() -> None:
    exact = {text for text in PROJECT["dependencies"] if "==" in text.split(";")[0]}
    assert exact == {
        "aiokafka==0.14.0",
        "confluent-kafka==2.16.1",
        "faust-streaming==0.15.3",
        "kafka-python==3.0.12",
        "redis==8.1.0",
        "river==0.26.1",
    }
