"""One reading for all visitors, renewed behind their backs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Cached(Generic[T]):
    """A value that is read at most once in ``fresh_s``, however many ask.

    Within ``usable_s`` an older one is given at once and renewed in the background; beyond that the
    caller waits. A failed reading is raised to those who wait for it, and tried again by the next.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[T]],
        clock_s: Callable[[], float],
        fresh_s: float,
        usable_s: float,
    ) -> None:
        self._read = read
        self._clock_s = clock_s
        self._fresh_s = fresh_s
        self._usable_s = usable_s
        self._held: tuple[float, T] | None = None
        self._reading: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """The value; raises what the reading raises."""
        held, now_s = self._held, self._clock_s()
        if held is not None and now_s - held[0] <= self._fresh_s:
            return held[1]
        reading = self.begin()
        if held is not None and now_s - held[0] <= self._usable_s:
            return held[1]
        # Shielded: a visitor who leaves must not take the reading from the others.
        return await asyncio.shield(reading)

    def begin(self) -> asyncio.Task[T]:
        """Begin a reading unless one is under way."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._renew())
            self._reading.add_done_callback(self._is_done)
        return self._reading

    async def close(self) -> None:
        """End a reading under way."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _renew(self) -> T:
        value = await self._read()
        self._held = self._clock_s(), value
        return value

    def _is_done(self, task: asyncio.Task[T]) -> None:
        self._reading = None
        if not task.cancelled():
            # Looked at, or asyncio complains about a failure that nobody waited for.
            task.exception()
