"""Indexes: sorted sets of customers that commits write, for lists that people read.

A projection writes to them through ``Update.indexes``. Every index stands here, because an erasure
takes the customer out of all of them.
"""

from collections.abc import Mapping

from touchstream.schemas.rules import Band

RISK_INDEXES: Mapping[Band, str] = {"medium": "risk.medium", "high": "risk.high"}
"""Band -> index of the customers in it now, by risk (0..1). Of band low there is none: it would
hold nearly everyone."""

INDEXES = tuple(RISK_INDEXES.values())

NOWHERE: Mapping[str, None] = dict.fromkeys(INDEXES)
"""Takes the customer out of every index."""
