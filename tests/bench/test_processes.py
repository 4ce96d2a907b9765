import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.processes import arguments, children, cpu_seconds, crew_of

WAIT = "import sys; print('up', flush=True); sys.stdin.read()"


@contextmanager
def child(*extra: str, program: str = WAIT) -> Iterator[int]:
    command = [sys.executable, "-c", program, *extra]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_a_child_is_found_and_gone_when_it_has_ended() -> None:
    with child() as pid:
        assert pid in children(os.getpid())
    assert pid not in children(os.getpid())


def test_the_crew_is_told_by_its_role() -> None:
    with (
        child("touchstream.agents.cli.main", "worker") as worker,
        child("touchstream.agents.cli.main", "learner") as learner,
    ):
        found = set(crew_of(os.getpid()))
    assert found == {("worker", worker), ("learner", learner)}


def test_who_is_no_member_of_the_crew_is_left_alone() -> None:
    with child("touchstream.agents.cli.main", "replay"), child():
        assert list(crew_of(os.getpid())) == []


def test_a_process_that_has_ended_has_no_arguments() -> None:
    with child() as pid:
        assert arguments(pid)[1:3] == ["-c", WAIT]
    assert arguments(pid) == []


def test_cpu_time_is_what_the_process_used_not_what_passed() -> None:
    with child() as pid:
        before = cpu_seconds(pid)
        time.sleep(0.3)
        assert cpu_seconds(pid) - before < 0.2
    own = cpu_seconds(os.getpid())
    assert own > 0
    assert abs(own - time.process_time()) < 0.2
