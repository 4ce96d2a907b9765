"""The learner's knowledge between ticks: plain data that is cheap to import."""

import msgspec
from msgspec import Struct, field

from touchstream.schemas.rules import ReturnTarget, Rules, Target, TargetRules, Thresholds
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.features.feature import FeatureList
from touchstream.streams.learn.band_capacity import RiskFlow
from touchstream.streams.learn.baselines import Baselines
from touchstream.streams.learn.between_customer_variance import BetweenCustomerVariance
from touchstream.streams.learn.carry_over import COLUMN_KEYS, carried_over
from touchstream.streams.learn.drift_state import DriftState
from touchstream.streams.learn.progress import Tally
from touchstream.streams.learn.snapshot import CHURN, RETURN, ModelData, empty
from touchstream.streams.learn.trial import Trial

FORMAT = 3
MOST_FORMER = 4
"""Former feature lists that are remembered; rows wait no longer than a horizon."""


class Treatment(Struct, array_like=True):
    """Counts of treatment and its outcomes; reported, not learnt from."""

    recommended: int = 0
    """Examples in whose window an action was recommended."""
    carried_out: int = 0
    """Of these, the treated ones."""
    treated: int = 0
    treated_churned: int = 0
    treated_risk: float = 0.0
    """Sum of their predicted risks."""
    untreated: int = 0
    untreated_churned: int = 0
    untreated_risk: float = 0.0
    share: float = 0.0
    """Share of recent recommendations that were carried out (0..1)."""


class Learnt(Struct, kw_only=True):
    """Everything learnt about one target."""

    model: ModelData
    """The champion."""
    name: str
    """Its name in the registry."""
    challenger: ModelData | None = None
    challenger_name: str | None = None
    trial: Trial | None = None
    """Champion against challenger; None without one."""
    fallback: Trial
    """Champion against the recency rule."""
    fallen_back: bool = False
    """The recency rule is served, because it proved better."""
    label_definition: str = ""
    """Definition of label 1 (``schemas.rules``); empty in records of earlier builds."""
    label_definition_since_ms: Millis = Millis(0)
    """Rows scored up to then have labels of another definition and are not learnt."""
    drift_state: DriftState
    between_customer_variance: BetweenCustomerVariance = field(
        default_factory=BetweenCustomerVariance
    )
    treatment: Treatment = field(default_factory=Treatment)
    model_tally: Tally = field(default_factory=Tally)
    base_rate_tally: Tally = field(default_factory=Tally)
    recency_tally: Tally = field(default_factory=Tally)
    baselines: Baselines = field(default_factory=Baselines)
    flow: RiskFlow = field(default_factory=RiskFlow)
    """Churn only: rises of the risk, for the thresholds of the bands."""
    bands: Thresholds | None = None
    """Thresholds for the capacity; None if they are typed, or before the first rise."""

    @property
    def pace(self) -> tuple[int, int, int]:
        """Lengths of the rounds of trials and drift detection."""
        return self.fallback.round_ms, self.fallback.phases, self.drift_state.round_ms

    def goes_on(self, before: "Learnt | None") -> bool:
        """Whether ``before`` already had the champion, perhaps with other columns."""
        if before is None:
            return False
        models = [model for model in (before.model, before.challenger) if model is not None]
        return _history(self.model) in map(_history, models)

    @staticmethod
    def new(features: FeatureList, rules: Rules, target: Target) -> "Learnt":
        """Nothing learnt yet."""
        days = target.horizon_ms / DAY_MS
        learning = rules.learning
        challenger = learning.challenger

        def untrained(model: str) -> ModelData:
            return empty(features.digest, days, model, borrows=isinstance(target, ReturnTarget))

        return Learnt(
            model=untrained(learning.model),
            name=learning.model,
            challenger=None if challenger is None else untrained(challenger),
            challenger_name=challenger,
            trial=None if challenger is None else new_trial(target),
            fallback=new_trial(target),
            label_definition=target.label_definition,
            drift_state=DriftState.of(every_days(target)),
        )


class Knowledge(Struct, kw_only=True):
    """Everything the learner keeps between ticks, in Redis under its fence."""

    format: int = FORMAT
    tick: int = 0
    """The last tick that was learnt."""
    passed: dict[str, int] = {}
    """Shard -> sequence of its last record that has been learnt."""
    features: str
    """Digest of the feature list."""
    feature_keys: tuple[str, ...] = ()
    column_keys: tuple[str, ...] = ()
    """Features and columns of the basis by name and unit; empty in records of earlier builds."""
    former: dict[str, tuple[str, ...]] = {}
    """Digest of a former feature list -> its features: rows of it are still waiting for labels."""
    version: int = 0
    """The newest published version."""
    published_examples: int = 0
    refused: int = 0
    """Examples not learnt: of other features, of a removed target, or of a redefined one."""
    targets: dict[str, Learnt]

    @staticmethod
    def new(features: FeatureList, rules: Rules) -> "Knowledge":
        """Before the first example."""
        return Knowledge(
            features=features.digest,
            feature_keys=features.keys,
            column_keys=COLUMN_KEYS,
            targets={
                name: Learnt.new(features, rules, target_rules)
                for name, target_rules in rules.all_targets.items()
            },
        )

    @property
    def churn(self) -> Learnt:
        """The first target."""
        return self.targets[CHURN]

    @property
    def examples(self) -> int:
        """Matured examples learnt from, of all targets; ``return`` counts those borrowed, too."""
        return sum(learnt.model.examples for learnt in self.targets.values())

    def tallies(self) -> dict[str, Tally]:
        """Scores of each target's model, and for churn of both baselines on the same labels."""
        found = {name: learnt.model_tally for name, learnt in self.targets.items()}
        return {
            **found,
            "base_rate": self.churn.base_rate_tally,
            "recency": self.churn.recency_tally,
        }

    def tally_of_everybody(self) -> Tally:
        """Scores of open customers and of those who had left, as one: risk = 1 - P(return).

        Hardly anybody who has left comes back, so these scores are easy: they flatter the model.
        """
        gone = self.targets.get(RETURN)
        own = self.churn.model_tally
        return own if gone is None else own.plus(gone.model_tally.mirrored())

    def fits(self, other: "Knowledge") -> bool:
        """Whether both are about the same targets, features and models."""
        return self.features == other.features and self._asked() == other._asked()

    def keeping(self, before: "Knowledge", now_ms: Millis) -> "Knowledge":
        """Take over from ``before`` the targets whose definition is unchanged; returns itself.

        ``now_ms`` is the time of the last tick: earlier rows have the labels of ``before``.
        """
        same = before.features == self.features and before.column_keys in ((), self.column_keys)
        # Without the names of its columns, a list of another build cannot be carried over.
        if not same and not before.column_keys:
            return self
        if before.features != self.features:
            former = {**before.former, before.features: before.feature_keys}
            self.former = dict(list(former.items())[-MOST_FORMER:])
        for name, fresh in self.targets.items():
            known = before.targets.get(name)
            if known is not None:
                known = known if same else _carried(known, before.column_keys)
                self.targets[name] = _kept(fresh, known, now_ms)
        return self

    def _asked(self) -> dict[str, object]:
        return {
            name: (
                learnt.label_definition,
                learnt.model.columns,
                learnt.model.own is None,
                {learnt.name, learnt.challenger_name},
                learnt.pace,
            )
            for name, learnt in self.targets.items()
        }

    def copy(self) -> "Knowledge":
        """An independent copy, so that a failed tick leaves no trace."""
        return _decoder.decode(_encoder.encode(self))


def _history(model: ModelData) -> tuple[object, ...]:
    """What a model has learnt from, whatever its columns."""
    return type(model.estimator), model.since_ms, model.examples, model.churned


def _counting_own(fresh: ModelData, known: ModelData) -> ModelData:
    """``known``, which in a record of an earlier build did not tell own from borrowed examples.

    Then its evidence and its offset begin anew.
    """
    if fresh.own is None or known.own is not None:
        return known
    return msgspec.structs.replace(known, own=fresh.own, calibration=fresh.calibration)


def _carried(known: Learnt, keys: tuple[str, ...]) -> Learnt:
    challenger = known.challenger
    return msgspec.structs.replace(
        known,
        model=carried_over(known.model, keys),
        challenger=None if challenger is None else carried_over(challenger, keys),
    )


def _kept(fresh: Learnt, known: Learnt, now_ms: Millis) -> Learnt:
    """Reuse from ``known`` the models configured in ``fresh``; ``fresh`` if there are none.

    A promoted challenger stays champion while both are configured. Adding or removing a challenger
    keeps the champion; a new champion starts a new trial. If the definition of label 1 changes at
    ``now_ms``, learning starts over.
    """
    same_horizon = fresh.model.horizon_days == known.model.horizon_days
    if known.label_definition not in ("", fresh.label_definition) or not same_horizon:
        return msgspec.structs.replace(fresh, label_definition_since_ms=now_ms)
    models = {known.name: known.model}
    if known.challenger_name is not None and known.challenger is not None:
        models.setdefault(known.challenger_name, known.challenger)
    if fresh.model.columns != known.model.columns or fresh.name not in models:
        return msgspec.structs.replace(
            fresh, label_definition_since_ms=known.label_definition_since_ms
        )
    paired = {fresh.name, fresh.challenger_name} == {known.name, known.challenger_name}
    champion = known.name if paired else fresh.name
    stays, paced = champion == known.name, fresh.pace == known.pace
    others = known if paired else fresh
    challenger = others.challenger and _counting_own(fresh.model, others.challenger)
    return msgspec.structs.replace(
        known,
        label_definition=fresh.label_definition,
        model=_counting_own(fresh.model, models[champion]),
        name=champion,
        challenger=challenger,
        challenger_name=others.challenger_name,
        trial=known.trial if paired and paced else fresh.trial,
        fallback=known.fallback if stays and paced else fresh.fallback,
        fallen_back=known.fallen_back and stays,
        drift_state=known.drift_state if paced else fresh.drift_state,
    )


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Knowledge)


def every_days(target: Target) -> int:
    """Days in which every customer is scored about once."""
    return 1 if isinstance(target, TargetRules) else target.snapshot_every_days


def new_trial(target: Target) -> Trial:
    """A trial for one target, with rounds in which every customer is scored once."""
    return Trial.of(max(1, -(-target.horizon_ms // DAY_MS)), every_days(target))
