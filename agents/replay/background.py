"""A coroutine that runs beside a block of code."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def running(coroutine: Coroutine[None, None, None]) -> AsyncIterator["asyncio.Task[None]"]:
    """Run ``coroutine`` beside the block; if it fails, the block ends with its error."""
    owner = asyncio.current_task()
    task: asyncio.Task[None] = asyncio.create_task(coroutine)
    # Kept here, because the cancellation that ends the block hides the cause.
    failures: list[BaseException] = []

    def ended(done: "asyncio.Task[None]") -> None:
        if not done.cancelled() and done.exception() is not None and owner is not None:
            failures.append(done.exception())  # type: ignore[arg-type]
            owner.cancel()  # the block may wait for something that will never come now

    task.add_done_callback(ended)
    try:
        yield task
    except asyncio.CancelledError:
        if failures:
            raise failures[0] from None
        raise
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task
