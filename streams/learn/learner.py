"""What the one learner knows, and how it passes a tick.

Pure, so that a version is a function of the log.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from msgspec import Struct

from touchstream.schemas.examples import Example
from touchstream.schemas.rules import ChurnRules, Rules, TargetRules
from touchstream.streams.features.feature import FeatureList
from touchstream.streams.learn.baselines import recency_rank
from touchstream.streams.learn.drift import update_drift
from touchstream.streams.learn.drift_inputs import drift_inputs
from touchstream.streams.learn.drift_state import DriftState
from touchstream.streams.learn.governance import Signal, conclude_trials, served
from touchstream.streams.learn.knowledge import Knowledge, Learnt, Treatment
from touchstream.streams.learn.online import OnlineModel
from touchstream.streams.learn.snapshot import Version, seal
from touchstream.streams.learn.trial import log_loss

LARGEST_WEIGHT = 20.0
"""Of one untreated example that stands for treated ones: a holdout of one in twenty."""
NEGLIGIBLE_SHARE = 0.05
"""Of recommendations carried out: below it, who is chosen for it matters less and less."""
RECENT = 1_000
"""Recommendations over which the share carried out is a running mean: a history without any must
not hide for years that they are carried out now."""


class TickCompleted(Struct, frozen=True):
    """A tick was learnt."""

    knowledge: Knowledge
    published: bytes | None
    """The sealed version ``knowledge.version``, when this tick published one."""
    signals: Sequence[Signal] = ()


def pass_tick(
    before: Knowledge,
    number: int,
    passed: dict[str, int],
    examples: Iterable[Example],
    rules: Rules,
    features: FeatureList,
) -> TickCompleted:
    """Learn one tick's examples; publish a version when one is due.

    They are learnt in the order (matured, customer, scored). That order, and not the order of
    arrival, is what makes the model a function of the log.
    """
    after = before.copy()
    after.tick, after.passed = number, passed
    signals: list[Signal] = []
    all_targets = rules.all_targets
    taken = 0
    batch = sorted(examples, key=lambda e: (e.target, e.matured_ms, e.customer, e.at_ms))
    for target, of_target in groupby(batch, key=lambda example: example.target):
        known = [
            row for row in of_target if target in all_targets and _is_known(row, after, features)
        ]
        taken += len(known)
        if known:
            learnt, target_rules = after.targets[target], all_targets[target]
            rows = [features.unpack(base64.b64decode(example.vector)) for example in known]
            _Class(learnt, target_rules, rules, features).teach(known, rows)
            values = drift_inputs(known, rows, rules, features)
            signals += _drifts(target, learnt.drift_state, known, values, number)
            signals += conclude_trials(
                target, learnt, target_rules, rules.learning, known[-1].matured_ms
            )
    after.refused += len(batch) - taken
    timers = number % rules.learning.publish_every_ticks == 0
    if not timers or after.examples == after.published_examples:
        return TickCompleted(after, None, signals)
    after.version += 1
    after.published_examples = after.examples
    return TickCompleted(after, seal(version_of(after)), signals)


def _is_known(row: Example, knowledge: Knowledge, features: FeatureList) -> bool:
    """Whether the row is of these features, and of a target as it is understood now."""
    learnt = knowledge.targets.get(row.target)
    if learnt is None or row.features != features.digest:
        return False
    return row.at_ms > learnt.label_definition_since_ms


def version_of(knowledge: Knowledge) -> Version:
    """The next version: every target's champion, or what stands in for it."""
    return Version(models={name: served(learnt) for name, learnt in knowledge.targets.items()})


class WeightedExample(NamedTuple):
    """An example, and what it counts for."""

    example: Example
    values: Sequence[float]
    recency: float
    """What the recency rule says of it, knowing nothing of its tick."""
    stands_for: float
    """How many untreated customers; 0: it is not learnt."""


class _Class:
    """One tick's examples of one target: champion, challenger and rules learn them together."""

    def __init__(
        self,
        learnt: Learnt,
        target_rules: ChurnRules | TargetRules,
        rules: Rules,
        features: FeatureList,
    ) -> None:
        self._learnt, self._target_rules, self._rules = learnt, target_rules, rules
        self._silence = features.names.index("silence_days")
        forgetting = rules.learning.forgetting
        self._champion = OnlineModel(learnt.model, forgetting)
        self._challenger = learnt.challenger and OnlineModel(learnt.challenger, forgetting)

    def teach(self, examples: Sequence[Example], rows: Sequence[Sequence[float]]) -> None:
        """Learn them in their order; ``learnt`` is changed in place.

        Everybody says what he thinks of all of them before anybody learns one: labels of one tick
        hang together, and the last must not profit by the first.
        """
        learnt = self._learnt
        lessons = [self._lesson(*row) for row in zip(examples, rows, strict=True)]
        base_rate = learnt.baselines.base_rate()
        for lesson in lessons:
            self._judge(lesson, base_rate)
        for example in examples:
            _count(learnt.treatment, example)
        taught = [lesson for lesson in lessons if lesson.stands_for]
        self._learn(taught)
        for lesson in taught:
            silence = lesson.values[self._silence]
            learnt.baselines.learn(silence, lesson.example.label, lesson.stands_for)
        learnt.model = self._champion.data(learnt.between_customer_variance.variance())
        if self._challenger:
            learnt.challenger = self._challenger.data(learnt.between_customer_variance.variance())

    def _lesson(self, example: Example, values: Sequence[float]) -> WeightedExample:
        rule = self._learnt.baselines.recency(values[self._silence])
        return WeightedExample(example, values, rule, self._stands_for(example))

    def _judge(self, lesson: WeightedExample, base_rate: float) -> None:
        """Compare what was said with what came true; both rules say what they would have."""
        example, learnt = lesson.example, self._learnt
        if not example.model_version:  # before the first version nobody said what could be judged
            return
        learnt.model_tally.add(example.probability, example.label)
        learnt.base_rate_tally.add(base_rate, example.label)
        rank = recency_rank(lesson.values[self._silence])
        learnt.recency_tally.add(lesson.recency, example.label, rank)

    def _learn(self, taught: Sequence[WeightedExample]) -> None:
        """Let champion and challenger predict, then learn; put their losses side by side."""
        learnt = self._learnt
        whole = (
            [lesson.values for lesson in taught],
            [lesson.example.at_ms for lesson in taught],
            [lesson.example.label for lesson in taught],
            [lesson.stands_for * self._target_rules.weight for lesson in taught],
        )
        predictions = self._champion.learn_all(*whole)
        others = self._challenger.learn_all(*whole) if self._challenger else predictions
        for lesson, champion, challenger in zip(taught, predictions, others, strict=True):
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
    r"""How many customers to whom nothing is done this example stands for, 0 to 20.

    Who was treated says nothing of "if nothing is done", so somebody else has to stand for him.
    Chance alone decides to whom an action is recommended, with a known probability e
    (``offered``, below 1 by the holdout); whether it is then carried out may hang on anything, on
    what a rep sees in the customer too. So each without a recommendation in his window stands for

    .. math:: 1 / (1 - e)

    (Horvitz & Thompson 1952), and who had one and was not treated for nobody. Assumed is only that
    no action reaches customers unasked. Where next to nothing is carried out, that would throw away
    most of what is known of those at risk, to guard against nothing: there all untreated ones
    weigh 1 / (1 - e c), c being the ``share`` of the last thousand recommendations that was
    carried out, as if those had been drawn by lot. The one is blended into the other by
    :math:`\lambda = \max(0, 1 - c / 0.05)`: whoever is chosen to be treated, at most about
    :math:`\lambda c \le 0.0125` of the mean risk is lost by it.
    """
    if example.treated:
        return 0.0
    by_lot = max(0.0, 1 - share / NEGLIGIBLE_SHARE)
    stands_for = by_lot / (1 - example.offer_probability * share) if by_lot else 0.0
    if not example.recommended and by_lot < 1:
        stands_for += (1 - by_lot) / max(1e-9, 1 - example.offer_probability)
    return min(LARGEST_WEIGHT, stands_for)


def _count(done: Treatment, example: Example) -> None:
    if example.recommended:
        done.recommended += 1
        done.carried_out += example.treated
        # One that was not carried out is imagined before the first.
        done.share += (example.treated - done.share) / min(done.recommended + 1, RECENT)
    if not example.model_version:  # nobody said anything of him
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
