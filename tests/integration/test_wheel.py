"""The wheel installs one name beside another project's ``agents``, and its demo runs."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEIGHBOUR = "openai-agents==0.24.0"
"""A package whose import name is ``agents``."""
pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _pip(sys.executable, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, ROOT)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a clean environment with the wheel and the neighbour."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    found = folder / "bin" / "python"
    _pip(found, "install", "--require-hashes", "-r", ROOT / "requirements-runtime.lock")
    _pip(found, "install", "--no-deps", wheel, NEIGHBOUR)
    return found


def test_nothing_but_touchstream_stands_at_the_top_of_the_wheel(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"touchstream"}


def test_the_languages_and_the_layout_of_mails_are_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    folder = "touchstream/agents/languages"
    assert {f"{folder}/en.ftl", f"{folder}/tr.ftl", f"{folder}/mail/message.html.j2"} <= names


def test_agents_is_still_the_neighbours(python: Path, tmp_path: Path) -> None:
    code = (
        "import importlib.util, touchstream.agents, touchstream.streams.customer\n"
        "print(importlib.util.find_spec('agents').origin)\n"
        "print(touchstream.agents.__file__)"
    )
    neighbour, ours = _run(python, "-c", code, cwd=tmp_path).splitlines()
    assert Path(neighbour).parent.name == "agents"
    assert Path(ours).parent.parent.name == "touchstream"
    assert Path(neighbour).parent != Path(ours).parent


def test_the_installed_demo_runs_for_ten_seconds(python: Path, tmp_path: Path) -> None:
    printed = _run(
        python.with_name("touchstream"), "demo", "--seconds", "10", cwd=tmp_path, timeout=240
    )
    summary = json.loads(printed[printed.index("\n{\n") :])
    assert summary["records"]["applied"] == summary["expected"]["applied"] > 0


def _pip(python: str | Path, *arguments: str | Path) -> None:
    quiet = ("--quiet", "--disable-pip-version-check")
    subprocess.run([python, "-m", "pip", *arguments, *quiet], check=True, stdin=subprocess.DEVNULL)


def _run(*command: str | Path, cwd: Path, timeout: float = 60) -> str:
    """What a command of the clean environment prints; nothing of this one is in its way."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
