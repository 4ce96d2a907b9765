"""`touchstream policy evaluate` in the process of a test."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.agents.cli.command import Output
from touchstream.agents.cli.exits import exit_code
from touchstream.agents.cli.main import app

CALL = 'kind = "constant"\naction = "call"\n'
Row = dict[str, Any]


class Command:
    """Runs the command in this process, whose imports are done, in ``folder``."""

    def __init__(
        self, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self._patch = patch
        self._capture = capture
        patch.chdir(folder)

    def evaluate(self, *arguments: str, log: str = "log.csv", policy: str | None = CALL) -> Output:
        """Without a policy, that of the log's own columns."""
        argv = ["touchstream", "policy", "evaluate", log, *arguments]
        if policy is not None:
            (self.folder / "policy.toml").write_text(policy)
            argv += ["--policy", "policy.toml"]
        self._patch.setattr(sys, "argv", argv)
        return Output(exit_code(app), *self._capture.readouterr())

    def values(self, *arguments: str, log: str = "log.csv", policy: str | None = CALL) -> Row:
        output = self.evaluate("--json", *arguments, log=log, policy=policy)
        assert (output.code, output.err) == (0, ""), output
        found: Row = json.loads(output.out)
        return found

    def replayed(self, *arguments: str) -> Row:
        more = ("--outcomes", "outcomes.jsonl", *arguments)
        return self.values(*more, log="decisions.jsonl", policy=CALL)
