"""Scoring: from profiles to predictions."""

from collections.abc import Sequence

from msgspec import Struct

from touchstream.schemas.units import Millis
from touchstream.streams.context import ServingContext
from touchstream.streams.learn.ledger import Snapshot, millionths
from touchstream.streams.learn.scorer import Score, Scorer, Wave
from touchstream.streams.learn.snapshot import CHURN
from touchstream.streams.profiles.profile import Profile


class Scored(Struct, frozen=True, gc=False):
    """A model's prediction for a profile at a moment."""

    at_ms: Millis
    """No event in the profile is later."""
    prediction: Score
    vector: bytes
    """The features as the ledger stores them, so that training sees what was scored."""
    subscribed: bool
    """A subscription was running."""
    scorer: Scorer
    wave: Wave
    """The rows scored together; this one is number ``place``."""
    place: int

    @property
    def risk(self) -> float:
        """P(churn within the horizon), 0 to 1."""
        return self.prediction.risk

    def contributions(self) -> Sequence[float]:
        """Log-odds that each measurement adds, from the columns that the score used."""
        return self.scorer.contributions_in(self.wave, self.place)


def score_all(
    profiles: Sequence[Profile], serving: ServingContext, target: str = CHURN
) -> Sequence[Scored | None]:
    """Score profiles as of the last tick or their newest event; None before the first tick.

    Shared work is done once per batch; a score does not depend on the other profiles.
    """
    if serving.scorers is None or serving.watermark_ms is None:
        return [None] * len(profiles)
    features, scorer, watermark_ms = serving.features, serving.scorers[target], serving.watermark_ms
    # Never before the newest event: features would see their own future.
    moments = [max(profile.last_seen_ms, watermark_ms) for profile in profiles]
    vectors = [
        features.vector(profile, at_ms) for profile, at_ms in zip(profiles, moments, strict=True)
    ]
    wave = scorer.score_wave(features.unpack_all(vectors), moments)
    found = zip(profiles, moments, vectors, wave.scores, strict=True)
    return [
        Scored(at_ms, prediction, vector, _subscribed(profile, at_ms), scorer, wave, place)
        for place, (profile, at_ms, vector, prediction) in enumerate(found)
    ]


def score(profile: Profile, serving: ServingContext, target: str = CHURN) -> Scored | None:
    """Score one profile; see :func:`score_all`."""
    return score_all([profile], serving, target)[0]


def _subscribed(profile: Profile, at_ms: Millis) -> bool:
    return profile.subscription is not None and profile.subscription.running(at_ms)


def snapshot(scored: Scored, serving: ServingContext, outcome_flags: int = 0) -> Snapshot:
    """A prediction as it waits in the ledger for its label.

    Version 0 marks an untrained model, even if others have made a version.
    """
    return Snapshot(
        at_ms=scored.at_ms,
        millionths=millionths(scored.risk),
        model_version=serving.version if scored.scorer.model.examples else 0,
        features=serving.features.digest,
        vector=scored.vector,
        outcome_flags=outcome_flags,
    )
