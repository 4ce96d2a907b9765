"""``touchstream worker`` and ``touchstream learner``: one role each, until a signal comes."""

import faust

from agents.settings import Settings
from agents.wiring import learner_app, worker_app


def work(settings: Settings) -> None:
    """Run a worker; does not return."""
    _run(worker_app(settings))


def learn(settings: Settings, *, writes_ticks: bool = True) -> None:
    """Run the learner; does not return. In a replay the replay writes the ticks."""
    _run(learner_app(settings, writes_ticks=writes_ticks))


def _run(app: faust.App) -> None:
    worker = faust.Worker(app, override_logging=False, redirect_stdouts=False, quiet=True)
    raise worker.execute_from_commandline()
