"""The result of a check."""

from typing import NamedTuple

import orjson


class Finding(NamedTuple):
    """One claim, measured."""

    check: str
    met: bool
    wanted: str
    numbers: dict[str, float | int | str | None]

    def to_line(self) -> str:
        """One line of JSON, numbers to four places."""
        shown = {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in self.numbers.items()
        }
        line = {"check": self.check, "met": self.met, "wanted": self.wanted, **shown}
        return orjson.dumps(line).decode()
