"""Who gets an alert today, as the notifier sees it: owners, deputies, queues, escalation."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from touchstream.agents.notifier.directory import Directory
from touchstream.agents.settings import Settings
from touchstream.schemas.units import MINUTE_MS, Millis
from touchstream.web.console.principal import Principal
from touchstream.web.console.rows import EVERYBODY, QueueRow


class Duty(NamedTuple):
    """Who stands in for whom at one moment; two are equal if nothing changes between them."""

    directory: Directory
    at_ms: Millis
    stands_in: Mapping[str, str]
    """Owner -> the rep or queue who gets their alerts; owners without any are left out."""
    owners: Mapping[str, Sequence[str]]
    """Rep or queue -> the other owners for whom it stands in."""

    def recipient(self, row: QueueRow) -> str:
        """The rep or queue who gets the alert: of an owner nobody stands in for, its queue."""
        return self.stands_in.get(row.owner or "", row.queue)

    def lists(self, assignees: Sequence[str]) -> tuple[str, ...]:
        """The reps and queues whose lists hold everything that these assignees get."""
        others = (owner for one in assignees for owner in self.owners.get(one, ()))
        return tuple(dict.fromkeys((*assignees, *others)))

    def is_seen(self, row: QueueRow, assignees: Sequence[str]) -> bool:
        """Whether the alert waits for one of them; an absent rep goes on seeing their own."""
        is_theirs = row.owner in assignees or self.recipient(row) in assignees
        return is_theirs or EVERYBODY in assignees

    def may_answer(self, row: QueueRow, principal: Principal) -> bool:
        """Whether they get the alert, or it could be escalated to them."""
        if self.is_seen(row, principal.assignees):
            return True
        chain = self.directory.escalation(self.recipient(row), self.at_ms)
        return not set(principal.assignees).isdisjoint(chain)


class Roster:
    """The duty of now, worked out once a minute: absence is by local days."""

    def __init__(self, settings: Settings, wall_ms: Callable[[], Millis]) -> None:
        self._directory = Directory(settings)
        self._wall_ms = wall_ms
        self._minute: int | None = None
        self._duty = Duty(self._directory, Millis(0), {}, {})

    def duty(self) -> Duty:
        """Who stands in for whom now; the same object until that changes."""
        now_ms = self._wall_ms()
        if now_ms // MINUTE_MS != self._minute:
            self._minute = now_ms // MINUTE_MS
            stands_in = self._stands_in(now_ms)
            if stands_in != self._duty.stands_in or not self._duty.at_ms:
                self._duty = Duty(self._directory, now_ms, stands_in, _owners(stands_in))
        return self._duty

    def _stands_in(self, now_ms: Millis) -> dict[str, str]:
        found = {
            one.id: self._directory.standing_in(one.id, now_ms)
            for one in self._directory.everybody()
        }
        return {owner: one for owner, one in found.items() if one is not None}


def _owners(stands_in: Mapping[str, str]) -> dict[str, list[str]]:
    owners: dict[str, list[str]] = {}
    for owner, one in stands_in.items():
        if owner != one:
            owners.setdefault(one, []).append(owner)
    return owners
