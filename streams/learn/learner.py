"""The learner's processing of a tick: pure, so that a model version is a function of the log."""

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec
from msgspec import Struct

from touchstream.schemas.examples import Example
from touchstream.schemas.examples import TickCompleted as ShardCompleted
from touchstream.schemas.rules import ReturnTarget, Rules, Target
from touchstream.streams.features.feature import FeatureList
from touchstream.streams.learn.band_capacity import RiskFlow, thresholds_for
from touchstream.streams.learn.baselines import recency_rank
from touchstream.streams.learn.carry_over import translated
from touchstream.streams.learn.drift import update_drift
from touchstream.streams.learn.drift_inputs import drift_inputs
from touchstream.streams.learn.drift_state import DriftState
from touchstream.streams.learn.governance import Signal, conclude_trials, served
from touchstream.streams.learn.knowledge import Knowledge, Learnt, Treatment
from touchstream.streams.learn.online import OnlineModel
from touchstream.streams.learn.snapshot import CHURN, Version, seal
from touchstream.streams.learn.trial import log_loss

LARGEST_WEIGHT = 20.0
"""Bound on the weight of an untreated example, as at a holdout of one in twenty."""
NEGLIGIBLE_SHARE = 0.05
"""Share of recommendations carried out below which selection bias is gradually neglected."""
RECENT = 1_000
"""Recommendations in the running mean of the share carried out. A long history without any would
otherwise hide for years that they are carried out now."""


class TickCompleted(Struct, frozen=True):
    """The result of learning a tick."""

    knowledge: Knowledge
    published: bytes | None
    """The sealed version ``knowledge.version``; None if this tick published none."""
    signals: Sequence[Signal] = ()


def pass_tick(
    before: Knowledge,
    number: int,
    passed: dict[str, int],
    examples: Iterable[Example],
    rules: Rules,
    features: FeatureList,
    completed: Sequence[ShardCompleted] = (),
) -> TickCompleted:
    """Learn one tick's examples; publish a version when one is due.

    ``completed`` are the shards' records of the tick, in any order. If they are of a backfill,
    signals are withheld: nobody can act upon the past.

    The examples are learnt in the order (matured, customer, scored). Order of arrival depends on
    shards and retries; this order makes the model a function of the log.
    """
    # A tick whose commit fails is learnt again from the same knowledge.
    after = before.copy()
    after.tick, after.passed = number, passed
    signals: list[Signal] = []
    all_targets = rules.all_targets
    taken = 0
    batch = sorted(examples, key=lambda e: (e.target, e.matured_ms, e.customer, e.at_ms))
    mirrored: Sequence[WeightedExample] = ()
    by_target = {name: list(its) for name, its in groupby(batch, key=lambda e: e.target)}
    for target, target_rules in sorted(all_targets.items()):
        known = [row for row in by_target.get(target, ()) if _is_known(row, after, features)]
        taken += len(known)
        learnt = after.targets[target]
        borrowed = mirrored if isinstance(target_rules, ReturnTarget) else ()
        if not known and not borrowed:
            continue
        rows = [_values(example, after, features) for example in known]
        taught = _Class(learnt, target_rules, rules, features).teach(known, rows, borrowed)
        if target == CHURN:
            mirrored = _mirrored(taught, features)
        if known:
            values = drift_inputs(known, rows, rules, features)
            signals += _drifts(target, learnt.drift_state, known, values, number)
            signals += conclude_trials(
                target, learnt, target_rules, rules.learning, known[-1].matured_ms
            )
    after.refused += len(batch) - taken
    _count_flow(after.churn, completed, rules)
    if any(one.history for one in completed):
        signals = []
    due = number % rules.learning.publish_every_ticks == 0
    # Without new examples the version would equal the last one.
    if not due or after.examples == after.published_examples:
        return TickCompleted(after, None, signals)
    after.version += 1
    after.published_examples = after.examples
    return TickCompleted(after, seal(version_of(after)), signals)


def _count_flow(churn: Learnt, completed: Sequence[ShardCompleted], rules: Rules) -> None:
    """Add up how often the risk rose in this tick; find the thresholds for the capacity."""
    if rules.bands.typed is not None:
        churn.flow, churn.bands = RiskFlow(), None
        return
    rises: Counter[int] = Counter()
    for one in completed:  # integers: the order of the shards does not show
        rises.update({int(place): count for place, count in one.rises.items()})
    scored = sum(one.scored for one in completed)
    if not scored and not churn.flow.scored:
        return
    at_ms = max((one.time_ms for one in completed), default=churn.flow.at_ms)
    entered = sum(one.entered for one in completed)
    churn.flow = churn.flow.add(at_ms, scored, entered, rises)
    every_days = rules.churn.snapshot_every_days
    churn.bands = thresholds_for(churn.flow, rules.bands, every_days, churn.baselines.base_rate())


def _is_known(row: Example, knowledge: Knowledge, features: FeatureList) -> bool:
    """Whether the row's features are known, and its label is of the target's current definition."""
    learnt = knowledge.targets.get(row.target)
    if learnt is None or row.features not in (features.digest, *knowledge.former):
        return False
    return row.at_ms > learnt.label_definition_since_ms


def _values(row: Example, knowledge: Knowledge, features: FeatureList) -> Sequence[float]:
    """The row's features in the order of today's list."""
    vector = base64.b64decode(row.vector)
    if row.features == features.digest:
        return features.unpack(vector)
    return translated(vector, knowledge.former[row.features])


def version_of(knowledge: Knowledge) -> Version:
    """The next version: every target's champion, or its fallback."""
    return Version(models={name: served(learnt) for name, learnt in knowledge.targets.items()})


class WeightedExample(NamedTuple):
    """An example with its training weight."""

    example: Example
    values: Sequence[float]
    recency: float
    """Prediction of the recency rule, before it learns this tick."""
    stands_for: float
    """Weight, in untreated customers; 0: not learnt."""


def _mirrored(
    taught: Sequence[WeightedExample], features: FeatureList
) -> Sequence[WeightedExample]:
    """Churn's examples without a running subscription, as examples of a return.

    Their label is silence, the opposite of a return, and the silence of an open customer teaches
    what follows a longer one: the return model starts months earlier, with .011 more AUC (CDNOW,
    91 d; docs/models.md).
    """
    running = features.names.index("subscription_running")
    return [
        lesson._replace(
            example=msgspec.structs.replace(lesson.example, label=1 - lesson.example.label)
        )
        for lesson in taught
        if lesson.values[running] != 1
    ]


class _Class:
    """Teaches one tick's examples of one target to champion, challenger and baselines."""

    def __init__(
        self,
        learnt: Learnt,
        target_rules: Target,
        rules: Rules,
        features: FeatureList,
    ) -> None:
        self._learnt, self._target_rules, self._rules = learnt, target_rules, rules
        self._silence = features.names.index("silence_days")
        forgetting = rules.learning.forgetting
        self._champion = OnlineModel(learnt.model, forgetting)
        self._challenger = learnt.challenger and OnlineModel(learnt.challenger, forgetting)

    def teach(
        self,
        examples: Sequence[Example],
        rows: Sequence[Sequence[float]],
        borrowed: Sequence[WeightedExample] = (),
    ) -> Sequence[WeightedExample]:
        """Learn them in order; changes ``learnt`` in place, returns the ones learnt.

        The models also learn the ``borrowed`` examples of another target, and nothing else does:
        neither calibration nor any comparison. All models predict all examples before any of them
        learns one: labels of one tick are correlated, so learning the first would leak into
        predictions of the last.
        """
        learnt = self._learnt
        lessons = [self._lesson(*row) for row in zip(examples, rows, strict=True)]
        # Before any label of this tick, like the models' predictions.
        base_rate = learnt.baselines.base_rate()
        for lesson in lessons:
            self._judge(lesson, base_rate)
        for example in examples:
            _count(learnt.treatment, example)
        taught = [lesson for lesson in lessons if lesson.stands_for]
        self._learn(taught, borrowed)
        for lesson in taught:
            silence = lesson.values[self._silence]
            learnt.baselines.learn(silence, lesson.example.label, lesson.stands_for)
        learnt.model = self._champion.data(learnt.between_customer_variance.variance())
        if self._challenger:
            learnt.challenger = self._challenger.data(learnt.between_customer_variance.variance())
        return taught

    def _lesson(self, example: Example, values: Sequence[float]) -> WeightedExample:
        rule = self._learnt.baselines.recency(values[self._silence])
        return WeightedExample(example, values, rule, self._stands_for(example))

    def _judge(self, lesson: WeightedExample, base_rate: float) -> None:
        """Compare the served prediction and both baselines with the label."""
        example, learnt = lesson.example, self._learnt
        if not example.model_version:  # no prediction before the first version
            return
        learnt.model_tally.add(example.probability, example.label)
        learnt.base_rate_tally.add(base_rate, example.label)
        rank = recency_rank(lesson.values[self._silence])
        learnt.recency_tally.add(lesson.recency, example.label, rank)

    def _learn(
        self, taught: Sequence[WeightedExample], borrowed: Sequence[WeightedExample]
    ) -> None:
        """Let champion and challenger predict, then learn; add their losses to the trials."""
        learnt, lessons = self._learnt, [*taught, *borrowed]
        whole = (
            [lesson.values for lesson in lessons],
            [lesson.example.at_ms for lesson in lessons],
            [lesson.example.label for lesson in lessons],
            [lesson.stands_for * self._target_rules.weight for lesson in lessons],
            len(taught),
        )
        predictions = self._champion.learn_all(*whole)
        others = self._challenger.learn_all(*whole) if self._challenger else predictions
        # Borrowed examples come last, and are no evidence about this target.
        for lesson, champion, challenger in zip(taught, predictions, others, strict=False):
            example = lesson.example
            at_ms, label = example.at_ms, example.label
            loss = log_loss(champion.probability, label)
            weight = lesson.stands_for
            learnt.fallback.add(at_ms, loss, log_loss(lesson.recency, label), weight)
            if learnt.trial is not None:
                learnt.trial.add(at_ms, loss, log_loss(challenger.probability, label), weight)
            if example.model_version:
                learnt.between_customer_variance.add(
                    example.customer,
                    at_ms,
                    example.probability,
                    label,
                    self._target_rules.horizon_ms,
                )

    def _stands_for(self, example: Example) -> float:
        if not self._rules.learning.untreated_only:
            return 1.0
        return untreated_weight(example, self._learnt.treatment.share)


def untreated_weight(example: Example, share: float) -> float:
    r"""Weight of an example for the outcome "if nothing is done", 0 to 20.

    Treated customers carry no no-treatment outcome; untreated ones are reweighted to represent
    them. An action is recommended at random with a known probability e (``offer_probability``,
    below 1 because of the holdout). Whether it is then carried out may be confounded, for example
    by an agent's impression of the customer. So an example without a recommendation in its window
    has the inverse-propensity weight

    .. math:: 1 / (1 - e)

    (Horvitz & Thompson 1952), and recommended but untreated rows get weight 0. The only assumption
    is that no action reaches customers without a recommendation. Where almost nothing is carried
    out, this would discard most examples at high risk for no gain in bias: there all untreated rows
    weigh 1 / (1 - e c), c being the ``share`` of the last thousand recommendations that was
    carried out, as if those had been drawn at random. The two weights are blended by
    :math:`\lambda = \max(0, 1 - c / 0.05)`: whichever customers are treated, the mean risk is
    biased by at most about :math:`\lambda c \le 0.0125`.
    """
    if example.treated:
        return 0.0
    by_lot = max(0.0, 1 - share / NEGLIGIBLE_SHARE)
    stands_for = by_lot / (1 - example.offer_probability * share) if by_lot else 0.0
    if not example.recommended and by_lot < 1:
        stands_for += (1 - by_lot) / max(1e-9, 1 - example.offer_probability)
    # Without a bound one example could dominate a tick.
    return min(LARGEST_WEIGHT, stands_for)


def _count(done: Treatment, example: Example) -> None:
    if example.recommended:
        done.recommended += 1
        done.carried_out += example.treated
        # One pseudo-recommendation that was not carried out precedes the first.
        done.share += (example.treated - done.share) / min(done.recommended + 1, RECENT)
    if not example.model_version:  # no prediction before the first version
        return
    if example.treated:
        done.treated += 1
        done.treated_churned += example.label
        done.treated_risk += example.probability
    else:
        done.untreated += 1
        done.untreated_churned += example.label
        done.untreated_risk += example.probability


def _drifts(
    target: str,
    drift_state: DriftState,
    examples: Sequence[Example],
    values: Mapping[str, Sequence[float]],
    tick: int,
) -> list[Signal]:
    at_ms = max(example.at_ms for example in examples)
    known_ms = examples[-1].matured_ms
    return [
        Signal(f"drift.{one.series}", target, round(one.before, 6), round(one.after, 6), known_ms)
        for one in update_drift(drift_state, tick, at_ms, values)
    ]
