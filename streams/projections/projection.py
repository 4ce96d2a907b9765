"""The interface of projections, which derive everything about a customer from their log.

A projection is one file here and one line in ``registry.py``. It keeps its own state in the
customer's slots, receives the events that it listens to, and can set a timer. It reads the profile,
the features and the projections in ``reads``; only its readers see its state, so a new projection
changes nothing else.
"""

from collections.abc import Mapping, Sequence
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    NamedTuple,
    Protocol,
    TypeVar,
    runtime_checkable,
)

from msgspec import Struct

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.envelope import OWN_SOURCE, Event
from touchstream.schemas.registry import TICK_TYPE
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.context import ServingContext
from touchstream.streams.decide.arbitration import Candidate, Decision
from touchstream.streams.learn.ledger import Matured
from touchstream.streams.measures.metric import Measure
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.scoring import Scored

if TYPE_CHECKING:
    from touchstream.streams.projections.slots import Slots

S = TypeVar("S", bound=Struct)

TOMBSTONE = "tombstone"
"""In :attr:`Context.fired` when a tombstone expires."""


class TimerFired(NamedTuple):
    """A tick for one customer whose timer has passed."""

    subject: CustomerId
    number: int
    """Number of the tick."""
    time_ms: Millis


Trigger = Event | TimerFired
"""The trigger of a step: a touchpoint or a tick."""


class Context(Struct, gc=False):
    """One customer in one step, shared by all projections, which must not change it."""

    subject: CustomerId
    profile: Profile
    """The profile after the event."""
    previous_profile: Profile | None
    """The profile before the event; None for an unknown customer."""
    serving: ServingContext
    rules: Rules
    """The rules of ``serving``."""
    now_ms: Millis
    """The event's received stamp, or the tick's time."""
    trigger: Trigger
    slots: "Slots"
    """The states of other projections; read only those in ``reads``."""
    active: bool = False
    """The event is a sign of life."""
    by_customer: bool = False
    """The event was done by the customer."""
    fired: frozenset[str] = frozenset()
    """Names of the projections whose timers a tick has passed."""

    @property
    def cause(self) -> Cause:
        """The cause from which emissions of this step derive their ids."""
        trigger = self.trigger
        if isinstance(trigger, TimerFired):
            return Cause(type=TICK_TYPE, source=OWN_SOURCE, id=str(trigger.number))
        return Cause(type=trigger.type, source=trigger.source, id=trigger.id)


class ScoreRequest(NamedTuple):
    """A request for a model's prediction for the customer's current profile."""

    target: str


class RiskStep(NamedTuple):
    """The part of one customer in how often the risk rises: for bands by capacity."""

    rise: tuple[int, int] | None = None
    """At a snapshot: :func:`touchstream.streams.learn.band_capacity.rise`."""
    entered: bool = False
    """They entered the band high."""


class Update(Struct, Generic[S], frozen=True, gc=False):
    """The result of a projection for one trigger."""

    state: S | None
    """None empties the slot."""
    emissions: Sequence[Emission] = ()
    candidates: Sequence[Candidate] = ()
    """Candidates for a decision; one decision is made per customer and trigger."""
    examples: Sequence[Matured] = ()
    """Labels that became final."""
    measures: Sequence[Measure] = ()
    """Increments of the aggregates."""
    counters: Sequence[str] = ()
    risk_flow: RiskStep | None = None
    indexes: Mapping[str, float | None] = {}
    """Index -> the customer's score in it; None takes the customer out of it."""


class Projection(Protocol[S]):
    """A pure state machine over a customer's triggers: state in, state out.

    Return ``None`` instead of an update if nothing changes; it costs nothing.
    """

    name: ClassVar[str]
    slot: ClassVar[int]
    """Number of its slot in the stored state; never reused for another projection."""
    state_type: ClassVar[type[Any]]
    """A frozen array-like Struct whose ``tag`` is the version of its fields."""
    max_bytes: ClassVar[int]
    """Bound on its encoded state under the default rules."""
    listens_to: ClassVar[frozenset[str]]
    """Built-in event types that :meth:`on_event` is called for.

    A projection that listens to all of them, or to all activity, hears own types too
    (``registry.py``)."""
    reads: ClassVar[tuple[str, ...]]
    """Projections whose state it reads; they precede it in the registry."""
    merges_exactly: ClassVar[bool]
    """Whether ``merge`` of two histories equals the projection of their union."""

    def on_event(self, state: S | None, event: Event, ctx: Context) -> Update[S] | None: ...

    def on_timer(self, state: S, now_ms: Millis, ctx: Context) -> Update[S] | None: ...

    def next_timer_ms(self, state: S, rules: Rules) -> Millis | None:
        """When a tick must call :meth:`on_timer`; None: never."""

    def merge(self, a: S, b: S, ctx: Context) -> S:
        """The state of two ids of one person; ``merge(a, b) == merge(b, a)``."""

    def upgrade(self, version: int, fields: list[Any]) -> S:
        """Convert the fields of an earlier version; raises ``ValueError`` for an unknown one."""

    def describe(self, state: S, profile: Profile | None, now_ms: Millis) -> Mapping[str, object]:
        """Fields to show in ``touchstream customer``, by name, at a moment."""


@runtime_checkable
class ScoredProjection(Protocol):
    """A projection that requests predictions. ``Any`` is its own state, or None."""

    def score_requests(
        self,
        state: Any,  # noqa: ANN401
        trigger: Trigger,
        ctx: Context,
    ) -> Sequence[ScoreRequest]: ...

    def on_scores(
        self,
        state: Any,  # noqa: ANN401
        scores: Mapping[str, Scored],
        ctx: Context,
        trigger: Trigger,
    ) -> "Update[Any] | None":
        """Apply the requested predictions, by target."""


@runtime_checkable
class DecidedProjection(Protocol):
    """A projection that records decisions."""

    def on_decision(self, state: Any, decision: Decision, ctx: Context) -> Any: ...  # noqa: ANN401


@runtime_checkable
class ConcludingProjection(Protocol):
    """A projection that looks at the finished step, the decision included, and may emit."""

    def on_conclusion(
        self,
        state: Any,  # noqa: ANN401
        scores: Mapping[str, Scored],
        emissions: Sequence[Emission],
        ctx: Context,
    ) -> "Update[Any] | None":
        """Called if a projection in ``reads`` was written in this step.

        ``scores`` are the step's predictions by target, ``emissions`` all that it has emitted.
        """

    def on_erasure(
        self,
        state: Any,  # noqa: ANN401
        subject: CustomerId,
        cause: Cause,
        now_ms: Millis,
    ) -> "Update[Any]":
        """Retract what others were told of an erased customer, and leave all indexes.

        Only emissions, measures and indexes of the update count.
        """
