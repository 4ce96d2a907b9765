"""The active configuration and models, compiled once per tick for a whole shard."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import Millis
from touchstream.streams.decide.arbitration import Decision
from touchstream.streams.features.feature import FeatureList
from touchstream.streams.learn.scorer import Scorer

OnDecision = Callable[[Decision, Emission], None]
"""Called with each decision and its emission; must not block."""


class ServingContext(NamedTuple):
    """Configuration and models activated by the last tick; the same for every customer."""

    rules: Rules
    rules_digest: str
    """Identifies ``rules`` in ticks and emissions."""
    features: FeatureList
    version: int
    scorers: Mapping[str, Scorer] | None
    """By target; None before the first tick, when events are folded but not scored."""
    watermark_ms: Millis | None
    """The last tick's time; None before the first."""
    on_decision: OnDecision | None = None
    """Of an evaluation that runs a log again; a worker has none."""
