"""The programs that pages show, run as they stand but for a few words."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from touchstream.agents import clients
from touchstream.agents.embedded.broker import EmbeddedBroker

ROOT = Path(__file__).parents[2]
SNIPPET = re.compile(r"<!-- snippet: (\w+) -->\n```\w+\n(.*?)```", re.DOTALL)


def snippet(page: str, name: str, changes: Mapping[str, str]) -> str:
    """The text of a page's snippet with some of its words replaced; each has to be there."""
    text = dict(SNIPPET.findall((ROOT / page).read_text(encoding="utf-8")))[name]
    for word, other in changes.items():
        assert word in text
        text = text.replace(word, other)
    return str(text)


def command(page: str, name: str, changes: Mapping[str, str]) -> list[str]:
    """The command that runs a Python snippet."""
    return [sys.executable, "-W", "ignore", "-c", snippet(page, name, changes)]


def embedded(broker: EmbeddedBroker) -> dict[str, str]:
    """The embedded broker cannot say which version of the protocol it speaks."""
    return {'"127.0.0.1:9092"': f'"{broker.bootstrap}", api_version={clients.SPOKEN}'}
