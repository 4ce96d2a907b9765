"""A worker or learner as the command starts it, but for its clock and for where it may be stopped.

    python -m tests.integration.process worker|learner|notifier --trap FILE
        [--ticks] [--since MS --speed N]

``--since`` and ``--speed``: the learner stamps its ticks with a clock that began as ours at SINCE
and runs SPEED times as fast; weeks of labels take a minute. The notifier's clock is like that, too.
``--trap``: when FILE is there, the next commit takes it away and befalls what it says, two words:
``before`` (read, not yet committed) or ``after`` (committed, the reply not yet seen), and the name
of a signal that the process sends itself.
"""

import argparse
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faust

from touchstream.agents import logs
from touchstream.agents.cli.roles import run
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Commit
from touchstream.agents.stores.connect import open_store
from touchstream.agents.stores.redis import RedisStore
from touchstream.agents.wiring import learner_app, notifier_app, worker_app
from touchstream.schemas.units import Millis


class Trapped:
    """The store, with a trap at the commit."""

    def __init__(self, store: RedisStore, trap: Path) -> None:
        self._store = store
        self._trap = trap

    def __getattr__(self, verb: str) -> Any:  # noqa: ANN401 - every other verb of the store
        return getattr(self._store, verb)

    async def commit(self, commits: Sequence[Commit]) -> list[bool]:
        moment, name = self._sprung()
        if moment == "before":
            os.kill(os.getpid(), signal.Signals[name])
        accepted = await self._store.commit(commits)
        if moment == "after":
            os.kill(os.getpid(), signal.Signals[name])
        return accepted

    def _sprung(self) -> tuple[str, str]:
        try:
            moment, name = self._trap.read_text().split()
            self._trap.unlink()
        except FileNotFoundError:
            return "", ""
        return moment, name


def fast_now_ms(since_ms: int, speed: int) -> Millis:
    """The time of a clock that was right at ``since_ms`` and runs ``speed`` times too fast."""
    return Millis(since_ms + (time.time_ns() // 1_000_000 - since_ms) * speed)


def main() -> None:
    """Run until a signal comes."""
    parser = argparse.ArgumentParser(prog="tests.integration.process")
    parser.add_argument("role", choices=["worker", "learner", "notifier"])
    parser.add_argument("--ticks", action="store_true")
    parser.add_argument("--since", type=int, default=0)
    parser.add_argument("--speed", type=int, default=1)
    parser.add_argument("--trap", type=Path, required=True)
    asked = parser.parse_args()
    settings = Settings.load()
    logs.configure(settings.logging.format, settings.logging.level)
    store: Any = Trapped(open_store(settings), asked.trap)
    run(_app(asked, settings, store))


def _app(asked: argparse.Namespace, settings: Settings, store: Any) -> faust.App:  # noqa: ANN401
    def clock() -> Millis:
        return fast_now_ms(asked.since, asked.speed)

    match asked.role:
        case "worker":
            return worker_app(settings, store)
        case "notifier":
            return notifier_app(settings, store, now_ms=clock)
        case _:
            return learner_app(settings, store, writes_ticks=asked.ticks, now_ms=clock)


if __name__ == "__main__":
    main()
