"""One reading for all visitors."""

import asyncio

import pytest

from touchstream.web.console.cached import Cached


class Source:
    """Readings that a test lets go."""

    def __init__(self) -> None:
        self.readings = 0
        self.go_on = asyncio.Event()
        self.fails = False
        self.now_s = 0.0

    async def read(self) -> int:
        self.readings += 1
        number = self.readings
        await self.go_on.wait()
        if self.fails:
            raise LookupError("no answer")
        return number

    def cached(self) -> Cached[int]:
        return Cached(self.read, lambda: self.now_s, fresh_s=5.0, usable_s=60.0)


async def test_visitors_at_once_share_a_reading() -> None:
    source = Source()
    cached = source.cached()
    visitors = [asyncio.create_task(cached.get()) for _ in range(5)]
    await asyncio.sleep(0)
    source.go_on.set()
    assert await asyncio.gather(*visitors) == [1] * 5
    assert source.readings == 1


async def test_an_older_value_is_given_at_once_and_renewed_for_the_next() -> None:
    source = Source()
    source.go_on.set()
    cached = source.cached()
    assert await cached.get() == 1
    source.now_s = 5.1
    assert await cached.get() == 1
    await cached.begin()
    assert await cached.get() == 2


async def test_a_value_that_is_too_old_is_waited_for() -> None:
    source = Source()
    source.go_on.set()
    cached = source.cached()
    await cached.get()
    source.now_s = 60.1
    assert await cached.get() == 2


async def test_a_failed_reading_is_raised_and_tried_again() -> None:
    source = Source()
    source.go_on.set()
    source.fails = True
    cached = source.cached()
    with pytest.raises(LookupError):
        await cached.get()
    source.fails = False
    assert await cached.get() == 2


async def test_a_visitor_who_leaves_does_not_take_the_reading_from_the_others() -> None:
    source = Source()
    cached = source.cached()
    leaving, staying = asyncio.create_task(cached.get()), asyncio.create_task(cached.get())
    await asyncio.sleep(0)
    leaving.cancel()
    source.go_on.set()
    assert await staying == 1
