"""Bands of any target: the evidence they need, and the gates before a change."""

from touchstream.schemas.rules import Band, LearningRules, Thresholds
from touchstream.streams.decide.bands import Crossing, Gate, gated_band, next_band, rises
from touchstream.streams.learn.snapshot import ModelData
from touchstream.streams.projections.projection import Context
from touchstream.streams.scoring import Scored


def enough_evidence(model: ModelData, rules: LearningRules) -> bool:
    """Whether the model has learnt enough examples of both labels for its risks to be emitted.

    Borrowed examples are none: their base rate is another target's.
    """
    found = model.evidence
    # A model that has seen almost only one label cannot rank customers.
    rarer = min(found.churned, found.examples - found.churned)
    return found.examples >= rules.minimum_examples and rarer >= rules.minimum_of_each


def next_band_of(
    before: Band | None,
    crossing: Crossing | None,
    scored: Scored,
    thresholds: Thresholds | None,
    ctx: Context,
    *,
    term_is_over: bool = False,
) -> tuple[Band | None, Gate | None]:
    """The band after a prediction of any target, and the gate that held back a rise.

    ``before`` stays until there is enough evidence, and thresholds.
    """
    rules = ctx.rules
    if thresholds is None:
        return before, None
    band = next_band(before, scored.risk, thresholds)
    if not enough_evidence(scored.scorer.model, rules.learning):
        return before, "evidence" if rises(before, band) else None
    doubt = scored.prediction.doubt() if rises(before, band) else 0.0
    after, gate = gated_band(
        before, band, doubt, crossing, ctx.now_ms, rules, term_is_over=term_is_over
    )
    return after, gate if rises(before, band) else None
