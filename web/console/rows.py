"""A row of the queue, and where rows come from."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol, get_args

from touchstream.schemas.emissions.alerts import SaveabilityFrom, ValueFrom
from touchstream.schemas.emissions.risk import Reason
from touchstream.schemas.rules import Band
from touchstream.schemas.units import Millis

Sort = Literal["priority", "risk", "since"]
SORTS: tuple[Sort, ...] = get_args(Sort)
EVERYBODY = "*"
"""The assignee of leads and operators: every alert; no id of a rep or queue."""
MOST_ROWS = 50
"""Rows of a list; a rep's day is 20."""
MOST_READ = 1_000
"""Customers read of each assignee's list: snoozed and filtered ones, and those of a queue that
another rep gets, must not hide what waits below them."""


class QueueRow(NamedTuple):
    """An open alert."""

    alert: str
    customer: str
    kind: str
    """``churn``, ``return``, ``engagement`` or the name of a target."""
    band: Band | None
    risk: float | None
    """0..1."""
    score: float
    """Priority: risk x value x saveability, in minor units."""
    value_minor: int
    currency: str
    reasons: tuple[Reason, ...]
    """The strongest first."""
    action: str | None
    """Name of the action recommended last."""
    decision: str | None
    """Its decision."""
    since_ms: Millis
    """When the alert was raised."""
    owner: str | None
    queue: str
    trend: tuple[float, ...] = ()
    """Risks of the last snapshots, the oldest first."""
    snoozed_until_ms: Millis | None = None
    """The latest moment at which it awakes; None: it is awake."""
    claimed_by: str | None = None
    answered: str | None = None
    """The answer that was sent and is not applied yet."""
    loss: float | None = None
    """The risk in the priority (0..1): of a former customer, that they stay away."""
    value_from: ValueFrom = "default"
    saveability: float = 1.0
    """Share of such customers whom an action keeps (0..1)."""
    saveability_from: SaveabilityFrom = "none"


class Listing(NamedTuple):
    """What somebody sees, in no order."""

    rows: Sequence[QueueRow]
    is_cut: bool = False
    """Whether a list was longer than what is read of it."""


class Alerts(Protocol):
    """The open alerts, by assignee."""

    async def open_alerts(
        self, assignees: Sequence[str], limit: int
    ) -> Mapping[str, Sequence[QueueRow]]:
        """Assignee -> the alerts of the ``limit`` customers of highest priority, of owner or queue.

        Claims are not filled in.
        """

    async def alerts_of(self, customer: str) -> Sequence[QueueRow]:
        """All open alerts of a customer, whoever owns them; claims are not filled in."""

    async def customer_of(self, alert: str) -> str | None:
        """Whom an open alert is about; None: it is not open, or not any more."""


class View(NamedTuple):
    """What a visitor wants to see of the list."""

    kind: str = ""
    """Empty: all kinds."""
    band: str = ""
    sort: Sort = "priority"
    snoozed: bool = False
    """Show those that sleep, and only those."""
    customer: str = ""
    """All alerts of this customer, on their page; empty: a list of the queue."""

    def chosen(self, rows: Sequence[QueueRow]) -> list[QueueRow]:
        """The rows of this view in its order; equal ones by alert, so that the order is one."""
        shown = [row for row in rows if self._shows(row)]
        return sorted(shown, key=lambda row: (_place(row, self.sort), row.alert))

    def _shows(self, row: QueueRow) -> bool:
        if self.customer:
            return row.customer == self.customer
        sleeps = row.snoozed_until_ms is not None
        of_kind = not self.kind or row.kind == self.kind
        return of_kind and (not self.band or row.band == self.band) and sleeps == self.snoozed


def _place(row: QueueRow, sort: Sort) -> float:
    match sort:
        case "priority":
            return -row.score
        case "risk":
            return -(row.risk or 0.0)
        case "since":
            return -float(row.since_ms)
