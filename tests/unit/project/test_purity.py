"""The bans of the core bite: what ruff and import-linter are set to refuse, they do refuse."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def ruff_on(source: str, folder: Path, package: str) -> str:
    """Ruff's output for ``source`` as a module of ``package``, in a copy of the configuration."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / package).mkdir()
    shutil.copy(ROOT / package / "ruff.toml", folder / package)
    (folder / package / "probe.py").write_text(f'"""A probe."""\n\n{source}\n')
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout


@pytest.mark.parametrize("package", ["schemas", "streams"])
@pytest.mark.parametrize(
    "source",
    [
        "import time\n\nNOW = time.time()",
        "from datetime import datetime\n\nNOW = datetime.now()",
        "from random import random\n\nLUCK = random()",
        "from os import environ\n\nHOME = environ",
        "import asyncio\n\nLOOP = asyncio",
        "import logging\n\nLOG = logging",
        "import redis.asyncio\n\nCLIENT = redis",
        "import faust\n\nAPP = faust",
    ],
)
def test_the_core_may_not_have(source: str, package: str, tmp_path: Path) -> None:
    assert "TID251" in ruff_on(source, tmp_path, package)


def test_the_core_may_calculate(tmp_path: Path) -> None:
    output = ruff_on("from math import exp\n\nE = exp(1.0)", tmp_path, "streams")
    assert output == "All checks passed!\n"
