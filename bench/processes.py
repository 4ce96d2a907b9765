"""Resources used by a process, from /proc; Linux only."""

import os
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PARENT, _UTIME, _STIME = 1, 11, 12
"""Places in /proc/PID/stat after the name, which stands in parentheses and may hold anything."""


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, all its threads together."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[_UTIME]) + int(fields[_STIME])) / _TICKS_PER_S


def children(pid: int) -> list[int]:
    """The processes that ``pid`` has started and that still run."""
    found = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    return sorted(child for child in found if _parent(child) == pid)


def arguments(pid: int) -> list[str]:
    """The command line; empty for a process that has ended."""
    return [part.decode() for part in _bytes(PROC / str(pid) / "cmdline").split(b"\0") if part]


def crew_of(pid: int, roles: tuple[str, ...] = ("worker", "learner")) -> Iterator[tuple[str, int]]:
    """Role and id of each worker and learner that a replay or a demo at ``pid`` has started."""
    for child in children(pid):
        command = arguments(child)
        if "touchstream.agents.cli.main" in command:
            role = command[command.index("touchstream.agents.cli.main") + 1]
            if role in roles:
                yield role, child


def _parent(pid: int) -> int:
    """0 for a process that has ended."""
    fields = _bytes(PROC / str(pid) / "stat").decode(errors="replace").rpartition(")")[2].split()
    return int(fields[_PARENT]) if fields else 0


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
