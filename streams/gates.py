"""Why nothing was emitted: the gate that holds a risk back, and what would open it."""

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from touchstream.schemas.rules import Band, Rules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.context import ServingContext
from touchstream.streams.decide.bands import Gate, gated_band, next_band
from touchstream.streams.decide.policy import held_out
from touchstream.streams.projections.banding import enough_evidence
from touchstream.streams.projections.churn import ChurnState
from touchstream.streams.projections.read import churn_of, relation_of
from touchstream.streams.projections.relation import RelationState, term_is_over_for
from touchstream.streams.scoring import Scored, score
from touchstream.streams.state import State

_EPOCH = datetime.fromtimestamp(0, UTC)


class Silence(Struct, frozen=True, kw_only=True):
    """One gate that holds an emission back."""

    gate: Gate
    text: str
    """The reason, in a sentence."""
    opens: str
    """What would have to change."""


def silences(subject: str, state: State, serving: ServingContext) -> list[Silence]:
    """The gates that hold back an emission or an action for this customer now, the first first.

    Empty if nothing is held back: the risk is in no band above low, or was never scored.
    """
    relation, churn = relation_of(state), churn_of(state)
    if relation is not None and relation.is_over:
        return [_relation(relation)]
    scored = None if state.profile is None else score(state.profile, serving)
    if scored is None:
        return []
    found = _of_risk(churn, relation, scored, serving)
    at_risk = churn.band in ("medium", "high")
    if at_risk and held_out(subject, serving.rules):
        found.append(_HOLDOUT)
    return found


def _of_risk(
    churn: ChurnState, relation: RelationState | None, scored: Scored, serving: ServingContext
) -> list[Silence]:
    rules, model = serving.rules, scored.scorer.model
    thresholds = rules.bands.typed or model.bands
    if not enough_evidence(model, rules.learning):
        return [_evidence(model.examples, model.churned, rules)]
    if thresholds is None:
        return [_CAPACITY]
    band = next_band(churn.band, scored.risk, thresholds)
    if band == "low":
        return []
    if band == churn.band:
        leave = thresholds.high_leave if band == "high" else thresholds.medium_leave
        return [_own_band(churn, band, leave)]
    now_ms = serving.watermark_ms or scored.at_ms
    over = term_is_over_for(relation, max(scored.at_ms, now_ms))
    _, gate = gated_band(
        churn.band,
        band,
        scored.prediction.doubt(),
        churn.crossing,
        now_ms,
        rules,
        term_is_over=over,
    )
    match gate:
        case "interval":
            return [_interval(scored, rules)]
        case "cooldown":
            return [_cooldown(churn, rules)]
        case "term":
            return [_term(relation, rules)]
        case _:
            return []


def _relation(relation: RelationState) -> Silence:
    since = "" if relation.since_ms is None else f" since {_day(relation.since_ms)}"
    opens = "any sign of life" if relation.status == "lapsed" else "a new contract or an order"
    return Silence(
        gate="relation",
        text=f"the relation is {relation.status}{since}: nobody is warned about former customers",
        opens=opens,
    )


def _evidence(examples: int, churned: int, rules: Rules) -> Silence:
    learning, rarer = rules.learning, min(churned, examples - churned)
    return Silence(
        gate="evidence",
        text=(
            f"the model has learnt {examples:,} of {learning.minimum_examples:,} examples, "
            f"{rarer:,} of {learning.minimum_of_each:,} of the rarer label"
        ),
        opens="labels that mature",
    )


_CAPACITY = Silence(
    gate="capacity",
    text="no thresholds follow from the capacity yet",
    opens="the first snapshots that are scored by a model with enough examples",
)
_HOLDOUT = Silence(
    gate="holdout",
    text="the customer is in the permanent holdout: the risk is emitted, no action is recommended",
    opens="nothing: learning the risk rests on the holdout (deciding.holdout)",
)


def _own_band(churn: ChurnState, band: Band, leave: float) -> Silence:
    since = "" if churn.crossing is None else f" since {_day(churn.crossing.at_ms)}"
    return Silence(
        gate="own_band",
        text=f"the customer is in band {band}{since}, which was emitted when they entered it",
        opens=f"a risk below {leave:.2f}, and a rise after it",
    )


def _interval(scored: Scored, rules: Rules) -> Silence:
    return Silence(
        gate="interval",
        text=(
            f"more examples could move the risk within {scored.prediction.doubt():.2f}, "
            f"and learning.widest allows {rules.learning.widest:.2f}"
        ),
        opens="examples of customers like this one",
    )


def _cooldown(churn: ChurnState, rules: Rules) -> Silence:
    at_ms = Millis(0) if churn.crossing is None else churn.crossing.at_ms
    until_ms = Millis(at_ms + rules.bands.cooldown_days * DAY_MS)
    return Silence(
        gate="cooldown",
        text=f"the last change of band was on {_day(at_ms)}, and a reversal waits",
        opens=f"the first touchpoint or tick from {_day(until_ms)} on",
    )


def _term(relation: RelationState | None, rules: Rules) -> Silence:
    ends_ms = None if relation is None else relation.ends_ms
    ended = "" if ends_ms is None else f" on {_day(ends_ms)}"
    return Silence(
        gate="term",
        text=f"the term ended{ended}, and a renewal may still arrive",
        opens=f"a renewal; without one the relation ends {rules.churn.label_grace_days} d later",
    )


def _day(at_ms: Millis) -> str:
    return f"{_EPOCH + timedelta(milliseconds=at_ms):%Y-%m-%d}"
