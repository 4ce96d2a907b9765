"""The seam: everything that is known of a customer is a projection of their log.

A projection is one file here and one line in ``registry.py``. It keeps a state of its own in the
customer's slots, is told of the events that it listens to, and wakes itself by a timer. It sees
the profile, the features and the projections that it ``reads``; nothing sees its state but those
that read it, so a new one changes nothing else.
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
"""In :attr:`Context.fired` where the time to forget an erasure has come."""


class TimerFired(NamedTuple):
    """A tick reaches one customer whose next timer it has passed."""

    subject: CustomerId
    number: int
    """Of the tick."""
    time_ms: Millis


Trigger = Event | TimerFired
"""What moves a customer on: a touchpoint, or a tick."""


class Context(Struct, gc=False):
    """One customer in one step, for every projection alike. Nobody changes it."""

    subject: CustomerId
    profile: Profile
    """With the event folded in."""
    previous_profile: Profile | None
    """Before the event; None for a customer who was unknown."""
    serving: ServingContext
    rules: Rules
    """Those of ``serving``."""
    now_ms: Millis
    """The event's received stamp, or the tick's time."""
    trigger: Trigger
    slots: "Slots"
    """The states of other projections; only those in ``reads`` may be asked for."""
    active: bool = False
    """The event is a sign of life."""
    by_customer: bool = False
    """The event was done by the customer."""
    fired: frozenset[str] = frozenset()
    """Names of the projections whose timers a tick has passed."""

    @property
    def cause(self) -> Cause:
        """What emissions of this step derive their ids from."""
        trigger = self.trigger
        if isinstance(trigger, TimerFired):
            return Cause(type=TICK_TYPE, source=OWN_SOURCE, id=str(trigger.number))
        return Cause(type=trigger.type, source=trigger.source, id=trigger.id)


class ScoreRequest(NamedTuple):
    """A model's prediction is wanted of the customer as they are now."""

    target: str


class Update(Struct, Generic[S], frozen=True, gc=False):
    """What a projection makes of a trigger."""

    state: S | None
    """None: the slot is empty again."""
    emissions: Sequence[Emission] = ()
    candidates: Sequence[Candidate] = ()
    """Things worth a decision; one decision per customer and trigger is taken over all of them."""
    examples: Sequence[Matured] = ()
    """Labels that became final."""
    measures: Sequence[Measure] = ()
    """For the aggregates."""
    indexes: Mapping[str, float | None] = {}
    """Sorted set -> the customer's score in it; None: no member any more."""
    counters: Sequence[str] = ()


class Projection(Protocol[S]):
    """One thing that is known of a customer. Pure: state in, state out.

    ``None`` as an update means that nothing changes, and costs nothing.
    """

    name: ClassVar[str]
    slot: ClassVar[int]
    """Its place in the state's bytes; never used again for another projection."""
    state_type: ClassVar[type[Any]]
    """A frozen array-like Struct whose ``tag`` is the version of its fields."""
    max_bytes: ClassVar[int]
    """Of its encoded state under the default rules."""
    listens_to: ClassVar[frozenset[str]]
    """Event types that :meth:`on_event` is called for."""
    reads: ClassVar[tuple[str, ...]]
    """Projections that it may look at; they come before it in the registry."""
    merges_exactly: ClassVar[bool]
    """``merge`` of two histories equals the projection of both together."""

    def on_event(self, state: S | None, event: Event, ctx: Context) -> Update[S] | None: ...

    def on_timer(self, state: S, now_ms: Millis, ctx: Context) -> Update[S] | None: ...

    def next_timer_ms(self, state: S, rules: Rules) -> Millis | None:
        """When a tick has to call :meth:`on_timer`; None: no tick needs to."""

    def merge(self, a: S, b: S, ctx: Context) -> S:
        """The state of two ids that turn out to be one person; ``merge(a, b) == merge(b, a)``."""

    def upgrade(self, version: int, fields: list[Any]) -> S:
        """Read what an earlier version wrote; raises ``ValueError`` for a version it never had."""

    def describe(self, state: S, profile: Profile | None, now_ms: Millis) -> Mapping[str, object]:
        """Its fields by name, as ``touchstream customer`` shows them at a moment."""


@runtime_checkable
class ScoredProjection(Protocol):
    """A projection that asks for predictions. ``Any`` is its own state, or None."""

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
        """Take in the predictions that were asked for, by target."""


@runtime_checkable
class DecidedProjection(Protocol):
    """A projection that remembers decisions."""

    def on_decision(self, state: Any, decision: Decision, ctx: Context) -> Any: ...  # noqa: ANN401
