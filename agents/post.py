"""The learner's record under its fence, for whoever wants to know how far it is."""

from msgspec import Struct

from schemas.units import Millis
from streams.learn.knowledge import Knowledge

HERE = "here"
"""Id of a few words in the learner's shard that say how far it is; cheap to poll."""


class Here(Struct, frozen=True):
    """How far the learner is."""

    tick: int
    version: int


class Post(Struct, kw_only=True):
    """Everything the learner goes on from."""

    knowledge: Knowledge
    written: int = 0
    """Number of the last tick written to the log."""
    written_ms: Millis = Millis(0)
    sent: int = 0
    """Number of its newest outbox entry."""
    marks: dict[int, int] = {}
    """Some ticks -> the newest version when they were learnt: what is older is named no more."""
    swept: int = 0
    """The newest version that was removed."""
