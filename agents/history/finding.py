"""How often something was found in a history, and where at first."""

from dataclasses import dataclass, field

PLACES_KEPT = 5
"""Lines named for each finding; all are counted."""


@dataclass
class Finding:
    """How often something was found, and where at first."""

    count: int = 0
    lines: list[str] = field(default_factory=list)
    """``FILE:NUMBER`` of the first ones."""

    def add(self, where: str) -> None:
        self.count += 1
        if len(self.lines) < PLACES_KEPT:
            self.lines.append(where)

    @property
    def places(self) -> str:
        """The first lines, and how many more there are: ``a:1, a:7 and 3 more``."""
        more = self.count - len(self.lines)
        return ", ".join(self.lines) + (f" and {more:,} more" if more else "")
