"""From a profile to a risk, from a risk to what is said of it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.emissions.risk import RiskChanged
from touchstream.schemas.emissions.signals import CustomerSignal
from touchstream.schemas.envelope import Event
from touchstream.schemas.rules import Band, LearningRules, Rules, TargetRules
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.context import ServingContext
from touchstream.streams.decide.bands import Crossing, held_back, next_band, rises
from touchstream.streams.decide.policy import DO_NOTHING, Choice, Situation, choose
from touchstream.streams.emit.action import action_recommended
from touchstream.streams.emit.risk import reasons, risk_changed
from touchstream.streams.emit.signal import customer_signal
from touchstream.streams.learn.ledger import MOST_ROWS, Snapshot, decided, millionths
from touchstream.streams.learn.scorer import Score, Scorer
from touchstream.streams.learn.snapshot import CHURN, ModelData
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.state import State

MAX_DELAY_FRACTION = 10
"""An event is looked from until this part of a target's horizon has gone by since."""


class Scored(NamedTuple):
    """What a model says of a profile at a moment."""

    at_ms: Millis
    """Nothing that is known of the customer lies after it."""
    prediction: Score
    vector: bytes
    """The features as the ledger stores them: what is learnt later is what was seen now."""
    subscribed: bool
    """A subscription was running."""
    scorer: Scorer

    @property
    def risk(self) -> float:
        """P(churn within the horizon), 0 to 1."""
        return self.prediction.risk


def score_all(
    profiles: Sequence[Profile], models: ServingContext, target: str = CHURN
) -> Sequence[Scored | None]:
    """Score profiles as of the last tick or their newest event; None before the first tick.

    What a batch shares is done once; a profile's score does not depend on those beside it.
    """
    if models.scorers is None or models.watermark_ms is None:
        return [None] * len(profiles)
    features, scorer, watermark_ms = models.features, models.scorers[target], models.watermark_ms
    moments = [max(profile.last_seen_ms, watermark_ms) for profile in profiles]
    vectors = [
        features.vector(profile, at_ms) for profile, at_ms in zip(profiles, moments, strict=True)
    ]
    prediction = scorer.score_all([features.unpack(vector) for vector in vectors], moments)
    return [
        Scored(at_ms, one, vector, _subscribed(profile, at_ms), scorer)
        for profile, at_ms, vector, one in zip(profiles, moments, vectors, prediction, strict=True)
    ]


def score(profile: Profile, models: ServingContext, target: str = CHURN) -> Scored | None:
    """Score one profile; see :func:`score_all`."""
    return score_all([profile], models, target)[0]


def _subscribed(profile: Profile, at_ms: Millis) -> bool:
    return profile.subscription is not None and profile.subscription.running(at_ms)


def snapshot(scored: Scored, models: ServingContext, outcome_flags: int = 0) -> Snapshot:
    """What was said, as it waits in the ledger for its label.

    A model that has learnt nothing says nothing, though others have made a version: 0.
    """
    return Snapshot(
        at_ms=scored.at_ms,
        millionths=millionths(scored.risk),
        model_version=models.version if scored.scorer.model.examples else 0,
        features=models.features.digest,
        vector=scored.vector,
        outcome_flags=outcome_flags,
    )


def apply_risk_band(
    state: State,
    subject: CustomerId,
    scored: Scored | None,
    models: ServingContext,
    cause: Cause,
    now_ms: Millis,
) -> tuple[State, Sequence[Emission]]:
    """Take the score into the state; say so when it crosses into another band, and what to do."""
    if scored is None:
        return state, ()
    state = msgspec.structs.replace(state, risk=scored.risk)
    band = _band(state, scored, models, now_ms)
    if band is None or band == state.band:
        return state, ()
    if state.band is None and band == "low":
        return msgspec.structs.replace(state, band=band), ()
    crossed, emitted = _cross(state, band, subject, scored, models, cause, now_ms)
    if not rises(state.band, band):
        return crossed, (emitted,)
    decided, action = _decide(crossed, band, subject, scored, models, cause, now_ms)
    return decided, (emitted, action)


def _band(state: State, scored: Scored, models: ServingContext, now_ms: Millis) -> Band | None:
    """The band to be in now; None while too little was learnt to put anybody anywhere."""
    rules = models.rules
    if not _enough(scored.scorer.model, rules.learning):
        return state.band
    band = next_band(state.band, scored.risk, rules.bands)
    if band == state.band:
        return band
    if rises(state.band, band) and scored.prediction.doubt() > rules.learning.widest:
        return state.band  # who is in a band leaves it all the same: a doubt keeps nobody there
    if state.band is None:
        return band
    turned = held_back(state.band, band, state.crossing, now_ms, rules.bands)
    return state.band if turned else band


def _enough(model: ModelData, rules: LearningRules) -> bool:
    """Whether so much was learnt that a person may be told."""
    rarer = min(model.churned, model.examples - model.churned)
    return model.examples >= rules.minimum_examples and rarer >= rules.minimum_of_each


def _cross(
    state: State,
    band: Band,
    subject: CustomerId,
    scored: Scored,
    models: ServingContext,
    cause: Cause,
    now_ms: Millis,
) -> tuple[State, Emission]:
    low, high = scored.prediction.interval()
    now = scored.scorer.contributions(models.features.unpack(scored.vector), scored.at_ms)
    topics = models.features.groups
    changed = RiskChanged(
        horizon_days=models.rules.churn.horizon_days,
        risk_before=state.last_emitted_risk,
        risk=scored.risk,
        low=low,
        high=high,
        band_before=state.band,
        band=band,
        n=scored.scorer.model.examples,
        model_version=models.version,
        rules=models.rules_digest,
        reasons=reasons(models.features, now, state.last_emitted_by(topics)),
        cause=cause,
    )
    crossed = msgspec.structs.replace(
        state,
        band=band,
        crossing=Crossing(now_ms, rises(state.band, band)),
        last_emitted_contributions=topics.pack(topics.sums(now)),
        last_emitted_risk=scored.risk,
    )
    return crossed, risk_changed(subject, changed, cause, now_ms)


def _decide(
    state: State,
    band: Band,
    subject: CustomerId,
    scored: Scored,
    models: ServingContext,
    cause: Cause,
    now_ms: Millis,
) -> tuple[State, Emission]:
    assert state.profile is not None  # who is scored has a profile
    situation = Situation(
        subject=subject,
        profile=state.profile,
        risk=scored.risk,
        band=band,
        recommended_ms=state.recommended_ms,
        now_ms=now_ms,
        cause=f"{cause.source} {cause.id}",
    )
    choice = choose(situation, models.rules)
    emission = action_recommended(
        situation, choice, models.rules, models.rules_digest, models.version, cause
    )
    state = _noted(state, choice, max(now_ms, scored.at_ms), models.rules)
    if choice.action == DO_NOTHING:
        return state, emission
    names = {rule.name for rule in models.rules.actions}  # what is no action any more is forgotten
    recommended = {name: at for name, at in state.recommended_ms.items() if name in names}
    recommended[choice.action] = now_ms
    return msgspec.structs.replace(state, recommended_ms=recommended), emission


def _noted(state: State, choice: Choice, at_ms: Millis, rules: Rules) -> State:
    """The decision in every row that waits for the truth, whatever it is of."""
    acts, holdout = choice.action != DO_NOTHING, rules.deciding.holdout
    return msgspec.structs.replace(
        state,
        ledger=decided(state.ledger, at_ms, choice.offer_probability, acts, rules.churn, holdout),
        targets={
            target.name: decided(
                state.targets[target.name], at_ms, choice.offer_probability, acts, target, holdout
            )
            for target in rules.targets
            if target.name in state.targets
        },
    )


def is_scored_at(target: TargetRules, state: State, event: Event, models: ServingContext) -> bool:
    """Whether a further target is scored at this event, which is folded already.

    One that came after a tick is looked from as of that tick, if that is not too late: by more than
    a tenth of the horizon, or after something newer of him, it is no moment any more.
    """
    if event.type not in target.after or models.watermark_ms is None:
        return False
    late_ms = models.watermark_ms - event.time_ms
    newest = state.profile is not None and state.profile.last_seen_ms == event.time_ms
    room = len(state.targets.get(target.name, ())) < MOST_ROWS
    return newest and room and late_ms < target.horizon_ms / MAX_DELAY_FRACTION


def target_rules(state: State, prediction: Mapping[str, Scored], models: ServingContext) -> State:
    """Let what was said of the further targets wait for the truth."""
    waiting = {
        target.name: (
            *state.targets.get(target.name, ()),
            snapshot(prediction[target.name], models),
        )
        for target in models.rules.targets
        if target.name in prediction
    }
    if not waiting:
        return state
    return msgspec.structs.replace(state, targets={**state.targets, **waiting})


def signal_all(
    state: State,
    subject: CustomerId,
    prediction: Mapping[str, Scored],
    models: ServingContext,
    cause: Cause,
    now_ms: Millis,
) -> tuple[State, Sequence[Emission]]:
    """Tell what was said of the further targets, where that was asked for."""
    emissions: list[Emission] = []
    for target in models.rules.targets:
        if target.name in prediction:
            state, emitted = _signal(
                state, subject, target, prediction[target.name], models, cause, now_ms
            )
            emissions += emitted
    return state, emissions


def _signal(
    state: State,
    subject: CustomerId,
    target: TargetRules,
    scored: Scored,
    models: ServingContext,
    cause: Cause,
    now_ms: Millis,
) -> tuple[State, Sequence[Emission]]:
    """Say when a target's probability rises to ``signal_at``, and when it falls below again."""
    was = target.name in state.raised
    if target.signal_at is None or not _enough(scored.scorer.model, models.rules.learning):
        return state, ()
    if was == (scored.risk >= target.signal_at):
        return state, ()
    others = tuple(name for name in state.raised if name != target.name)
    state = msgspec.structs.replace(state, raised=others if was else (*others, target.name))
    signal = CustomerSignal(
        signal=target.name,
        before=was,
        value=not was,
        probability=scored.risk,
        rules=models.rules_digest,
        cause=cause,
    )
    return state, (customer_signal(subject, signal, cause, now_ms),)
