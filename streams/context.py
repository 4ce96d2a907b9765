"""The active configuration and models, compiled once per tick for a whole shard."""

from collections.abc import Mapping
from typing import NamedTuple

from touchstream.schemas.rules import Rules
from touchstream.schemas.units import Millis
from touchstream.streams.features.feature import FeatureList
from touchstream.streams.learn.scorer import Scorer


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
