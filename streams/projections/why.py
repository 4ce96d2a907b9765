"""Why a probability is what it is: the facts behind a score, for projections that emit it."""

from collections.abc import Sequence
from typing import NamedTuple

from touchstream.schemas.emissions.risk import Direction, Reason
from touchstream.streams.emit.risk import reasons
from touchstream.streams.emit.sentences import Teller
from touchstream.streams.features.view import View
from touchstream.streams.learn.snapshot import CHURN
from touchstream.streams.projections.projection import Context
from touchstream.streams.scoring import Scored


class Contributions(NamedTuple):
    """Log-odds that a score is made of."""

    features: Sequence[float]
    groups: Sequence[float]
    """Sums over the feature groups."""


def contributions_of(scored: Scored, ctx: Context) -> Contributions:
    """The contributions behind a score; about 10 us, so only for what is emitted."""
    added = scored.contributions()
    return Contributions(added, ctx.serving.features.groups.sums(added))


def direction_of(*, up: bool) -> Direction:
    """The direction of reasons for a crossing."""
    return "raises" if up else "lowers"


def reasons_of(
    found: Contributions,
    before: Sequence[float] | None,
    scored: Scored,
    ctx: Context,
    direction: Direction,
    target: str = CHURN,
) -> tuple[Reason, ...]:
    """The facts that raise (lower) the probability of ``target``, the strongest first.

    ``before``: each group's contribution at the last emission, None before the first.
    """
    teller = Teller(View(ctx.profile, scored.at_ms), scored.scorer.mean, target)
    features = ctx.serving.features
    return reasons(features, found.features, found.groups, before, teller, direction)
