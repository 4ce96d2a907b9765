"""Explanations of a customer's risk: reasons in words, each verified by the events.

A reason sums the log-odds, relative to the average example, of all features derived from the same
kinds of events; ``streams/proof.py`` verifies it by leaving those events out.
"""

from collections.abc import Iterator, Sequence

from touchstream.schemas.emissions.risk import Direction
from touchstream.streams.context import ServingContext
from touchstream.streams.emit.risk import LEAST_LOG_ODDS, strongest, typed_reason
from touchstream.streams.emit.sentences import Teller
from touchstream.streams.explanation import PLAIN, Before, ExplainedReason, Explanation, Part, plain
from touchstream.streams.features.feature import Feature, FeatureList
from touchstream.streams.features.view import View
from touchstream.streams.learn.scorer import Scorer
from touchstream.streams.learn.snapshot import CHURN
from touchstream.streams.projections.read import churn_of
from touchstream.streams.scoring import score
from touchstream.streams.state import State


def explain(state: State, models: ServingContext, target: str = CHURN) -> Explanation | None:
    """The risk as of the last tick, and its reasons; None where nothing can be scored."""
    profile = state.profile
    scored = None if profile is None else score(profile, models, target)
    if scored is None or profile is None:
        return None
    low, high = scored.prediction.interval()
    values, now = models.features.unpack(scored.vector), scored.contributions()
    features, is_churn = models.features, target == CHURN
    before = churn_of(state).last_emitted_by(features.groups) if is_churn else None
    return Explanation(
        target=target,
        at_ms=scored.at_ms,
        risk=scored.risk,
        low=low,
        high=high,
        n=scored.scorer.model.examples,
        log_odds=round(scored.prediction.logit, 4),
        rest=round(scored.prediction.logit - sum(now), 4),
        before=_before(state) if is_churn else None,
        reasons=tuple(
            _reasons(
                Teller(View(profile, scored.at_ms), scored.scorer.mean, target),
                values,
                now,
                before,
                scored.scorer,
                features,
            )
        ),
    )


def _before(state: State) -> Before | None:
    churn = churn_of(state)
    if churn.crossing is None:
        return None
    return Before(at_ms=churn.crossing.at_ms, risk=churn.last_emitted_risk)


def _reasons(
    teller: Teller,
    values: Sequence[float],
    now: Sequence[float],
    before: Sequence[float] | None,
    scorer: Scorer,
    features: FeatureList,
) -> Iterator[ExplainedReason]:
    groups, sums = features.groups.all, features.groups.sums(now)
    parts = [_part(*one, scorer) for one in zip(features.features, values, now, strict=True)]
    for number in sorted(range(len(sums)), key=lambda number: (-abs(sums[number]), number)):
        group, change = groups[number], None if before is None else sums[number] - before[number]
        # A reason that has vanished since the last emission explains its change.
        if max(abs(sums[number]), abs(change or 0.0)) < LEAST_LOG_ODDS:
            continue
        direction: Direction = "raises" if sums[number] > 0 else "lowers"
        found = strongest(features, group, now, teller, direction)
        place, words = (group.lead(now), None) if found is None else found
        lead, total = parts[place], round(sums[number], 4)
        moved = None if change is None else round(change, 4)
        its = sorted((parts[place] for place in group.places), key=lambda p: -abs(p.contribution))
        yield ExplainedReason(
            feature=lead.feature,
            text=lead.text,
            unit=lead.unit,
            value=lead.value,
            typical=lead.typical,
            contribution=total,
            change=moved,
            about=group.about,
            sentence=None if words is None else words.text,
            fact=None
            if words is None
            else typed_reason(lead.feature, words, total, moved, direction),
            parts=tuple(part for part in its if abs(part.contribution) >= LEAST_LOG_ODDS),
        )


def _part(feature: Feature, value: float, added: float, scorer: Scorer) -> Part:
    return Part(
        feature=feature.name,
        text=feature.text,
        unit=PLAIN[feature.unit][1],
        value=plain(feature.unit, value),
        typical=plain(feature.unit, scorer.mean(feature.name)),
        contribution=round(added, 4),
    )
