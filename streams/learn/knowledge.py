"""What the one learner knows between ticks: data all through, and light to import."""

import msgspec
from msgspec import Struct

from streams.features.feature import FeatureList
from streams.learn.baselines import Baselines
from streams.learn.progress import Tally
from streams.learn.snapshot import ModelData, empty

FORMAT = 1


class Knowledge(Struct, kw_only=True):
    """Everything the learner keeps between ticks; lies in Redis under its fence."""

    format: int = FORMAT
    tick: int = 0
    """The last tick that was learnt."""
    passed: dict[str, int] = {}
    """Shard -> sequence of its last record that has been learnt."""
    model: ModelData
    version: int = 0
    """The newest published version."""
    published_examples: int = 0
    model_tally: Tally = msgspec.field(default_factory=Tally)
    base_rate_tally: Tally = msgspec.field(default_factory=Tally)
    recency_tally: Tally = msgspec.field(default_factory=Tally)
    baselines: Baselines = msgspec.field(default_factory=Baselines)
    refused: int = 0
    """Examples of another feature list, not learnt."""
    treated: int = 0

    @staticmethod
    def new(features: FeatureList) -> "Knowledge":
        return Knowledge(model=empty(features.digest, len(features.names)))
