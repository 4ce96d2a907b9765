"""The lists of all open streams, read by one poller for the whole process."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import structlog

from touchstream.agents.stores.base import StoreError
from touchstream.agents.stores.claims import Claims
from touchstream.web.console.duty import Duty, Roster
from touchstream.web.console.rows import MOST_READ, Alerts, Listing, QueueRow

EVERY_S = 0.5
"""Between two readings; a rep sees a new alert half a second later at most."""
ANSWERED_S = 60.0
"""An answer that was not applied by then is shown no longer: perhaps nobody applies it."""

log = structlog.get_logger()


class Known(NamedTuple):
    """Lists of the store, and who gets what of them."""

    lists: Mapping[str, Sequence[QueueRow]]
    duty: Duty

    def listing(self, assignees: Sequence[str]) -> Listing:
        """What these see of the lists, each alert once."""
        found = [self.lists.get(one, ()) for one in self.duty.lists(assignees)]
        rows = {row.alert: row for one in found for row in one}
        return Listing(
            [row for row in rows.values() if self.duty.is_seen(row, assignees)],
            any(len(one) >= MOST_READ for one in found),
        )


class Live:
    """Reads the lists that somebody looks at, and wakes those for whom something changed."""

    def __init__(
        self,
        alerts: Alerts,
        claims: Claims,
        roster: Roster,
        clock_s: Callable[[], float],
        every_s: float = EVERY_S,
    ) -> None:
        self._alerts = alerts
        self._claims = claims
        self._roster = roster
        self._clock_s = clock_s
        self._every_s = every_s
        self._watched: Counter[str] = Counter()
        self._wakes: set[asyncio.Event] = set()
        self._known = Known({}, roster.duty())
        self._answered: dict[str, tuple[str, float]] = {}
        self._nudge = asyncio.Event()
        self._poller: asyncio.Task[None] | None = None
        self.closing = False
        self.readings = 0
        """Readings of the store by the poller so far."""

    def start(self) -> None:
        """Begin to poll; nothing is read while nobody looks."""
        self._poller = asyncio.create_task(self._poll())

    def end_streams(self) -> None:
        """Let every stream end; called before the server waits for its connections."""
        self.closing = True
        self._wake()

    async def close(self) -> None:
        """End the streams and the poller."""
        self.end_streams()
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.gather(self._poller, return_exceptions=True)

    async def rows(self, assignees: Sequence[str]) -> Listing:
        """The alerts of these assignees as they are now, each once."""
        duty = self._roster.duty()
        return Known(await self._read(duty.lists(assignees)), duty).listing(assignees)

    async def rows_of(self, customer: str) -> list[QueueRow]:
        """The alerts of a customer as they are now, whoever owns them."""
        found = await self._alerts.alerts_of(customer)
        if not found:
            return []
        holders = await self._claims.holders(sorted(row.alert for row in found))
        self._forget_answers()
        return [self._marked(row, holders) for row in found]

    def known_rows(self, assignees: Sequence[str]) -> Listing:
        """The alerts as last read by the poller, for a stream that watches them."""
        return self._known.listing(assignees)

    @contextmanager
    def watching(self, assignees: Sequence[str]) -> Iterator[asyncio.Event]:
        """Have the lists of these read; the event is set after every change of any list."""
        wake = asyncio.Event()
        self._watched.update(assignees)
        self._wakes.add(wake)
        self._nudge.set()
        try:
            yield wake
        finally:
            self._wakes.discard(wake)
            self._watched.subtract(assignees)
            self._watched += Counter()  # without those that nobody watches

    def is_read(self, assignees: Sequence[str]) -> bool:
        """Whether the poller has read all of these lists."""
        return all(one in self._known.lists for one in self._known.duty.lists(assignees))

    def answered(self, alert: str, answer: str) -> None:
        """Show an answer until it is applied."""
        self._answered[alert] = answer, self._clock_s() + ANSWERED_S
        self._nudge.set()

    def changed(self) -> None:
        """Read at once: somebody here has changed something."""
        self._nudge.set()

    async def _poll(self) -> None:
        while not self.closing:
            if self._watched:
                await self._refresh()
                await self._pause()
            else:
                # Old by the time somebody looks again.
                self._known = Known({}, self._roster.duty())
                self._nudge.clear()
                await self._nudge.wait()

    async def _pause(self) -> None:
        self._nudge.clear()
        try:
            async with asyncio.timeout(self._every_s):
                await self._nudge.wait()
        except TimeoutError:
            pass

    async def _refresh(self) -> None:
        duty = self._roster.duty()
        try:
            lists = await self._read(duty.lists(sorted(self._watched)))
        except StoreError as error:
            # The lists stay as they were; the next reading may succeed.
            log.warning("queue_not_read", error=str(error))
            return
        self.readings += 1
        known = Known(lists, duty)
        if known != self._known:
            self._known = known
            self._wake()

    def _wake(self) -> None:
        for wake in self._wakes:
            wake.set()

    async def _read(self, assignees: Sequence[str]) -> Mapping[str, Sequence[QueueRow]]:
        found = await self._alerts.open_alerts(assignees, MOST_READ)
        holders = await self._claims.holders(
            sorted({row.alert for rows in found.values() for row in rows})
        )
        self._forget_answers()
        return {
            assignee: [self._marked(row, holders) for row in found.get(assignee, ())]
            for assignee in assignees
        }

    def _marked(self, row: QueueRow, holders: Mapping[str, str]) -> QueueRow:
        answer, _ = self._answered.get(row.alert, (None, 0.0))
        holder = holders.get(row.alert)
        # The same object as long as nothing changes: comparing it then costs nothing.
        if holder is None and answer is None:
            return row
        return row._replace(claimed_by=holder, answered=answer)

    def _forget_answers(self) -> None:
        now_s = self._clock_s()
        self._answered = {alert: held for alert, held in self._answered.items() if now_s < held[1]}
