"""A limit on failed sign-ins of one address."""

from collections import OrderedDict, deque
from collections.abc import Callable

MOST_FAILURES = 10
WINDOW_S = 60.0
MOST_ADDRESSES = 10_000
"""Addresses remembered; beyond them the one that failed least recently is forgotten."""


class RateLimit:
    """Counts failures in a sliding window."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def is_exceeded(self, address: str) -> bool:
        """Whether the address has failed too often lately."""
        return len(self._recent(address)) >= MOST_FAILURES

    def fail(self, address: str) -> None:
        """Count a failure."""
        recent = self._recent(address)
        recent.append(self._clock_s())
        self._failures[address] = recent
        self._failures.move_to_end(address)
        while len(self._failures) > MOST_ADDRESSES:
            self._failures.popitem(last=False)

    def _recent(self, address: str) -> deque[float]:
        recent = self._failures.get(address, deque())
        while recent and recent[0] <= self._clock_s() - WINDOW_S:
            recent.popleft()
        return recent
