"""Fields that producers probably misspell, told once each in the log of a worker."""

from collections.abc import Mapping

import structlog

from touchstream.streams.intake.unknown_fields import unknown_fields_in

log = structlog.get_logger()

MOST_TOLD = 200
"""Lines of one process; a producer that invents names must not fill the log."""


class MisspeltFields:
    """Remembers what it has told, by type and field."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def tell(self, counters: Mapping[str, int]) -> None:
        """Log the misspellings among the counters of a shard that are new to this process."""
        for found in unknown_fields_in(counters):
            name = (found.type, found.field)
            if found.did_you_mean is None or name in self._told or len(self._told) >= MOST_TOLD:
                continue
            self._told.add(name)
            log.warning(
                "field_misspelt",
                type=found.type,
                field=found.field,
                did_you_mean=found.did_you_mean,
                events=found.events,
            )
