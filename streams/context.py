"""What shapes results since the last tick, compiled once for every customer of a shard."""

from collections.abc import Mapping
from typing import NamedTuple

from touchstream.schemas.rules import Rules
from touchstream.schemas.units import Millis
from touchstream.streams.features.feature import FeatureList
from touchstream.streams.learn.scorer import Scorer


class ServingContext(NamedTuple):
    """What is in force since a tick, compiled; the same for every customer until the next one."""

    rules: Rules
    rules_digest: str
    """Names ``rules`` in ticks and emissions."""
    features: FeatureList
    version: int
    scorers: Mapping[str, Scorer] | None
    """By target; None before the first tick: events are folded, nothing is scored."""
    watermark_ms: Millis | None
    """The last tick's time; None before the first."""
