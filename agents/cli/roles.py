"""``touchstream worker`` and ``touchstream learner``: run one role until a signal arrives."""

import logging
import os
import signal
import threading
from typing import NoReturn

import faust
import structlog

from touchstream.agents import garbage
from touchstream.agents.settings import Settings
from touchstream.agents.wiring import learner_app, notifier_app, worker_app

SHUTDOWN_PATIENCE_S = 8.0
"""Docker and Kubernetes kill after 10 s or more."""

log = structlog.get_logger()


def work(settings: Settings) -> None:
    """Run a worker; does not return."""
    run(worker_app(settings))


def learn(settings: Settings, *, writes_ticks: bool = True) -> None:
    """Run the learner; does not return. In a replay, the replay writes the ticks."""
    run(learner_app(settings, writes_ticks=writes_ticks))


def notify(settings: Settings) -> None:
    """Run the notifier; does not return."""
    run(notifier_app(settings))


def run(app: faust.App) -> None:
    """Run an app until a signal arrives; does not return."""
    garbage.relax()
    worker = _Worker(app, override_logging=False, redirect_stdouts=False, quiet=True)
    raise worker.execute_from_commandline()


class _Worker(faust.Worker):
    """Faust's worker, with a bounded shutdown: Faust's own waits for a broker that may be down."""

    def _schedule_shutdown(self, signal: signal.Signals) -> None:
        # A thread, because the event loop itself may hang.
        timer = threading.Timer(SHUTDOWN_PATIENCE_S, _leave)
        timer.daemon = True
        timer.start()
        super()._schedule_shutdown(signal)


def _leave() -> NoReturn:
    """Exit at once; the next start resumes from Redis."""
    log.warning("left_without_waiting", after_s=SHUTDOWN_PATIENCE_S)
    logging.shutdown()
    os._exit(0)
