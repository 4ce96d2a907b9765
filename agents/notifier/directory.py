"""Who is there: reps and queues of the settings, and who stands in for whom."""

from collections.abc import Mapping

from touchstream.agents.notifier.hours import local
from touchstream.agents.settings import Settings
from touchstream.agents.settings_reps import QueueSettings, Recipient, RepSettings
from touchstream.schemas.units import Millis


class Directory:
    """The reps and queues by id."""

    def __init__(self, settings: Settings) -> None:
        self.reps: Mapping[str, RepSettings] = {one.id: one for one in settings.reps}
        self.queues: Mapping[str, QueueSettings] = {one.id: one for one in settings.queues}

    def get(self, name: str | None) -> Recipient | None:
        """The rep or queue of that id; None: there is none."""
        if name is None:
            return None
        return self.reps.get(name) or self.queues.get(name)

    def everybody(self) -> list[Recipient]:
        """All of them, in the order of the settings."""
        return [*self.reps.values(), *self.queues.values()]

    def operators(self) -> list[RepSettings]:
        """Who is told of faults: the operators, else the leads."""
        roles = {rep.role for rep in self.reps.values()}
        role = "operator" if "operator" in roles else "lead"
        return [rep for rep in self.reps.values() if rep.role == role]

    def responsible(self, owner: str | None, queue: str, now_ms: Millis) -> str | None:
        """Who gets an alert now: the owner, their deputy while they are away, else the queue."""
        found = self.standing_in(owner, now_ms)
        if found is not None:
            return found
        return queue if queue in self.queues or queue in self.reps else None

    def standing_in(self, name: str | None, now_ms: Millis) -> str | None:
        """The rep or queue itself, or the first deputy who is there; None: nobody is."""
        seen: set[str] = set()
        while name is not None and name not in seen:
            seen.add(name)
            rep = self.reps.get(name)
            if rep is None:
                return name if name in self.queues else None
            if not is_absent(rep, now_ms):
                return name
            name = rep.deputy
        return None

    def escalation(self, name: str | None, now_ms: Millis) -> list[str]:
        """The recipient, and in order everybody to whom an alert goes that nobody answers."""
        chain: list[str] = []
        while name is not None and name not in chain:
            chain.append(name)
            found = self.get(name)
            name = None if found is None else self.standing_in(found.escalate_to, now_ms)
        return chain


def is_absent(rep: RepSettings, now_ms: Millis) -> bool:
    """Whether the rep is away on this local day."""
    today = local(rep, now_ms).date()
    return any(one.first <= today <= one.last for one in rep.absent)
