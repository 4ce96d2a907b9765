"""``touchstream up``: the roles of one deployment as child processes, restarted when they exit."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType

import structlog

from touchstream.agents.cli.failures import Failed
from touchstream.agents.replay.supervisor import Member, stop_all
from touchstream.agents.settings import Settings
from touchstream.agents.topics import check_topics

LOOK_EVERY_S = 0.5
PORT_VARIABLE = "TOUCHSTREAM_HTTP__PORT"

log = structlog.get_logger()


def up(settings: Settings, config: Path | None, workers: int) -> None:
    """Run until SIGTERM; raises :class:`SupervisorError` if a process cannot be kept alive."""
    require_topics(settings)
    members: list[Member] = []
    with _ended_by_sigterm() as ended:
        try:
            # The learner first: its first commit stores the rules that the workers need.
            for position, (name, role) in enumerate(_roles(settings, workers)):
                environ = _environ(settings, config, position)
                # most_starts=None: a deployment restarts its processes for ever.
                members.append(Member(name, role, environ, logs=None, most_starts=None))
                log.info("started", role=name, pid=members[-1].pid, http=environ[PORT_VARIABLE])
            while not ended.wait(LOOK_EVERY_S):
                _look(members)
        finally:
            stop_all(members)
            log.info("stopped", processes=len(members))


def _roles(settings: Settings, workers: int) -> Iterator[tuple[str, list[str]]]:
    yield "learner", ["learner", "--ticks"]
    for number in range(workers):
        yield f"worker-{number}", ["worker"]
    # Without anybody to send to there is nothing to run.
    if settings.reps or settings.queues:
        yield "notifier", ["notifier"]


def require_topics(settings: Settings) -> None:
    """Raise :class:`Failed` unless every topic is as the deployment needs it."""
    # The embedded broker makes them itself, and cannot describe them.
    if settings.kafka.embedded:
        return
    wrong = [topic for topic in check_topics(settings) if topic.faults]
    if wrong:
        summary = "; ".join(f"{topic.name}: {', '.join(topic.faults)}" for topic in wrong)
        raise Failed(f"topics are misconfigured: {summary}")


def _environ(settings: Settings, config: Path | None, position: int) -> Mapping[str, str]:
    """The environment of a process; its port is ``http.port`` plus its position."""
    port = settings.http.port
    environ = {PORT_VARIABLE: str(port + position if port else 0)}
    if config is not None:
        environ["TOUCHSTREAM_CONFIG"] = str(config.resolve())
    return environ


def _look(members: list[Member]) -> None:
    for member in members:
        before = member.pid
        member.look()
        if member.pid != before:
            log.warning("started_again", role=member.name, pid=member.pid)


@contextmanager
def _ended_by_sigterm() -> Iterator[Event]:
    ended = Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield ended
    finally:
        signal.signal(signal.SIGTERM, before)
