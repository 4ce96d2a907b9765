"""Indexes: sorted sets of customers that commits write, for lists that people read.

A projection writes to them through ``Update.indexes``, and takes the customer out again when they
are erased.
"""

from collections.abc import Mapping
from hashlib import blake2b

from touchstream.schemas.rules import Band
from touchstream.streams.projections.alert_state import AlertsState

RISK_INDEXES: Mapping[Band, str] = {"medium": "risk.medium", "high": "risk.high"}
"""Band -> index of the customers in it now, by risk (0..1). Of band low there is none: it would
hold nearly everyone."""

ALERTS_INDEX = "alerts"
"""Customers with an open alert, by its priority; the highest of several."""

INDEXES = (*RISK_INDEXES.values(), ALERTS_INDEX)
"""Those with a name of their own; queues and owners have one each."""

NO_RISK: Mapping[str, None] = dict.fromkeys(RISK_INDEXES.values())
"""Takes the customer out of every index of risks."""


def queue_index(queue: str) -> str:
    """The index of the alerts that the routing sends to a queue, owned ones included."""
    return f"{ALERTS_INDEX}.queue.{_hashed(queue)}"


def owner_index(owner: str) -> str:
    """The index of the alerts of a rep's customers."""
    return f"{ALERTS_INDEX}.owner.{_hashed(owner)}"


def alert_indexes(state: AlertsState) -> dict[str, float]:
    """The indexes that a customer with these alerts is in, and their score."""
    score = state.score
    if score is None:
        return {}
    found = {ALERTS_INDEX: score, queue_index(state.queue): score}
    if state.owner is not None:
        found[owner_index(state.owner)] = score
    return found


def _hashed(name: str) -> str:
    # Names of queues and reps are any text; a key must not hold a person's address.
    return blake2b(name.encode(), digest_size=8).hexdigest()
