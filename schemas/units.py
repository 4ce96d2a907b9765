"""Units and identifiers that more than one package speaks of."""

from typing import NewType

Millis = NewType("Millis", int)
"""A moment: milliseconds since 1970-01-01 UTC."""

CustomerId = NewType("CustomerId", str)
"""The CloudEvents subject and Kafka key of everything that concerns one customer."""

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

MAX_EVENT_BYTES = 256 * 1024
"""A touchpoint larger than this is a dead letter."""
