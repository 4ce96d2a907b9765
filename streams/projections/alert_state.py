"""What a customer's state holds of their alerts."""

from msgspec import Struct

from touchstream.schemas.emissions.alerts import ValueFrom
from touchstream.schemas.emissions.risk import Reason
from touchstream.schemas.rules import Band
from touchstream.schemas.touchpoints.actions import Rating
from touchstream.schemas.units import Millis
from touchstream.streams.decide.priority import UNLEARNT_SAVEABILITY, score_of
from touchstream.streams.learn.ledger import MILLION
from touchstream.streams.learn.snapshot import RETURN

MOST_REASONS = 3
"""Reasons kept and shown: a person reads no more."""


class Snoozed(Struct, frozen=True, array_like=True, gc=False):
    """When a snoozed alert awakes: at the first of these."""

    until_ms: Millis | None = None
    millionths: int | None = None
    """When the risk reaches this."""
    next_touchpoint: bool = False


class OpenAlert(Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """An alert that is neither answered nor over, as last emitted."""

    kind: str
    id: bytes
    raised_ms: Millis
    expires_ms: Millis
    band: Band
    millionths: int
    """The risk, as an integer so that the decimal is exact."""
    value_minor: int
    value_from: ValueFrom
    reasons: tuple[Reason, ...] = ()
    action: str | None = None
    decision: bytes = b""
    """Id of the recommendation behind ``action``; empty: made by a build that kept none."""
    recommended_ms: Millis | None = None
    snoozed: Snoozed | None = None
    rating: Rating | None = None
    acknowledged_by: str | None = None

    @property
    def loss_millionths(self) -> int:
        """Probability of what an action may avert: of a former customer, that they stay away."""
        return MILLION - self.millionths if self.kind == RETURN else self.millionths

    @property
    def score(self) -> float:
        """The priority, in minor units."""
        return score_of(self.loss_millionths, self.value_minor, UNLEARNT_SAVEABILITY)


class RestingAlert(Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """An alert that is over, until the next one of its kind may be raised."""

    kind: str
    id: bytes
    since_ms: Millis
    millionths: int
    """The risk that it was raised or updated with last."""
    rating: Rating | None = None


class AlertsState(Struct, frozen=True, array_like=True, omit_defaults=True, tag=1, gc=False):
    """A customer's alerts, one of each kind at most, and whose they are."""

    queue: str
    owner: str | None = None
    open: tuple[OpenAlert, ...] = ()
    resting: tuple[RestingAlert, ...] = ()

    @property
    def score(self) -> float | None:
        """The highest priority of an open alert; None without one."""
        return max((one.score for one in self.open), default=None)
