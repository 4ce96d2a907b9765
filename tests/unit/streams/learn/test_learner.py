import base64
import struct
from math import log1p, nan

import msgspec
import pytest

from tests.make import days
from touchstream.schemas.examples import Example
from touchstream.schemas.examples import TickCompleted as ShardCompleted
from touchstream.schemas.rules import ChurnRules, LearningRules, Rules, TargetRules
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.calibration import Calibration
from touchstream.streams.learn.governance import Signal
from touchstream.streams.learn.knowledge import Knowledge, Learnt, Treatment
from touchstream.streams.learn.learner import (
    LARGEST_WEIGHT,
    TickCompleted,
    pass_tick,
    untreated_weight,
    version_of,
)
from touchstream.streams.learn.models.recency import RecencyData
from touchstream.streams.learn.online import OnlineModel
from touchstream.streams.learn.scorer import Scorer
from touchstream.streams.learn.snapshot import OwnExamples, unseal

SILENCE = FEATURES.names.index("silence_days")
EVERY_TICK = Rules()
EVERY_THIRD = Rules(learning=LearningRules(publish_every_ticks=3))
REPEAT = TargetRules(name="repeat", after=("call.ended",), events=("call.ended",))
WITH_REPEAT = Rules(targets=(REPEAT,))
WEIGHT = 7 / 28
"""Of one churn example: four of a customer's windows overlap."""


def vector(silent_days: float = 10.0, **named: float) -> str:
    values = [named.get(name, nan) for name in FEATURES.names]
    values[SILENCE] = log1p(silent_days)
    return base64.b64encode(struct.pack(f"<{len(values)}e", *values)).decode()


def example(customer: str = "c1", label: int = 1, **changed: object) -> Example:
    """A customer silent for ten days at d0."""
    made = Example(
        shard="p0",
        sequence=1,
        tick=30,
        customer=customer,
        at_ms=days(0),
        matured_ms=days(29),
        label=label,
        treated=False,
        probability=0.25,
        model_version=3,
        features=FEATURES.digest,
        vector=vector(),
    )
    return msgspec.structs.replace(made, **changed)


def passing(
    number: int,
    *examples: Example,
    rules: Rules = EVERY_TICK,
    before: Knowledge | None = None,
    history: bool = False,
) -> TickCompleted:
    knowledge = before or Knowledge.new(FEATURES, rules)
    completed = [ShardCompleted(shard="p0", sequence=7, tick=number, history=history)]
    return pass_tick(knowledge, number, {"p0": 7}, examples, rules, FEATURES, completed)


def learnt(*examples: Example, rules: Rules = EVERY_TICK) -> Learnt:
    """The knowledge of churn after one tick."""
    return passing(30, *examples, rules=rules).knowledge.churn


def test_a_tick_is_passed_with_what_every_shard_had_sent() -> None:
    knowledge = passing(30).knowledge
    assert (knowledge.tick, knowledge.passed) == (30, {"p0": 7})


def test_what_was_known_before_is_left_as_it_was() -> None:
    before = Knowledge.new(FEATURES, EVERY_TICK)
    passing(30, example(), before=before)
    assert before == Knowledge.new(FEATURES, EVERY_TICK)


def test_a_version_is_published_with_all_that_was_learnt() -> None:
    passed = passing(30, example(), example("c2", label=0))
    assert passed.published is not None
    assert passed.knowledge.version == 1
    assert unseal(passed.published) == version_of(passed.knowledge)
    model = unseal(passed.published).models["churn"]
    assert (model.examples, model.churned) == (2, 1)


def test_without_a_new_example_there_is_no_new_version() -> None:
    before = passing(30, example()).knowledge
    again = passing(31, before=before)
    assert (again.knowledge.version, again.published) == (1, None)


def test_versions_are_due_every_so_many_ticks() -> None:
    early = passing(31, example(), rules=EVERY_THIRD)
    assert early.published is None
    timers = passing(33, rules=EVERY_THIRD, before=early.knowledge)
    assert timers.published is not None


def test_an_example_of_another_feature_list_is_counted_and_not_learnt() -> None:
    passed = passing(30, example(features="old", vector="AAA="))
    assert (passed.knowledge.refused, passed.knowledge.churn.model.examples) == (1, 0)
    assert passed.published is None


def test_an_example_of_a_target_that_is_no_more_is_counted_and_not_learnt() -> None:
    knowledge = passing(30, example(target="repeat"), example("c2")).knowledge
    assert (knowledge.refused, knowledge.churn.model.examples) == (1, 1)


def test_examples_are_learnt_in_the_order_in_which_they_matured() -> None:
    rows = [
        example(f"c{number}", number % 2, matured_ms=days(29 + number), vector=vector(number))
        for number in range(5)
    ]
    model = OnlineModel(Knowledge.new(FEATURES, EVERY_TICK).churn.model)
    values = [FEATURES.unpack(base64.b64decode(row.vector)) for row in rows]
    labels, times = [row.label for row in rows], [row.at_ms for row in rows]
    model.learn_all(values, times, labels, [WEIGHT] * 5)
    assert learnt(*reversed(rows)).model == model.data()


def test_every_target_has_a_model_of_its_own() -> None:
    knowledge = passing(30, example(), example("c2", target="repeat"), rules=WITH_REPEAT).knowledge
    churn, repeat = knowledge.targets["churn"], knowledge.targets["repeat"]
    assert (churn.model.examples, repeat.model.examples) == (1, 1)
    assert (churn.model.horizon_days, repeat.model.horizon_days) == (28.0, 1.0)


RUNNING = vector(subscription_running=1.0)
OVER = vector(subscription_running=0.0)


def returning(*examples: Example, rules: Rules = EVERY_TICK) -> Learnt:
    """The knowledge of the return after one tick."""
    return passing(30, *examples, rules=rules).knowledge.targets["return"]


@pytest.mark.parametrize("silent", [vector(), OVER], ids=["none", "over"])
def test_churn_without_a_running_subscription_teaches_the_return_the_opposite(silent: str) -> None:
    stayed, churned = example("c1", 0, vector=silent), example("c2", 1, vector=silent)
    own = [
        msgspec.structs.replace(one, target="return", label=1 - one.label)
        for one in (stayed, churned)
    ]
    borrowed, learnt = returning(stayed, churned).model, returning(*own).model
    assert (borrowed.examples, borrowed.churned) == (2, 1)
    assert borrowed.estimator == learnt.estimator
    assert borrowed.standard == learnt.standard


def test_churn_of_a_running_subscription_teaches_nothing_about_a_return() -> None:
    assert returning(example(vector=RUNNING)).model.examples == 0


def test_what_is_not_learnt_of_churn_is_not_borrowed() -> None:
    treated = example(treated=True, recommended=True, offer_probability=0.9)
    assert learnt(treated).model.examples == returning(treated).model.examples == 0


def test_churn_learns_nothing_of_a_return() -> None:
    assert learnt(example(target="return")).model.examples == 0
    assert returning(example(target="return")).model.examples == 1


def test_borrowed_examples_are_learnt_after_the_own_ones_whatever_their_order_of_arrival() -> None:
    rows = [
        example("c1", 1, target="return", vector=vector(30)),
        example("c2", 0, vector=vector(20)),
        example("c3", 1, vector=vector(10)),
        example("c4", 0, target="return", vector=vector(40)),
    ]
    model = OnlineModel(Knowledge.new(FEATURES, EVERY_TICK).targets["return"].model)
    of = {row.customer: FEATURES.unpack(base64.b64decode(row.vector)) for row in rows}
    order = ("c1", "c4", "c2", "c3")
    model.learn_all([of[name] for name in order], [days(0)] * 4, [1, 0, 1, 0], [WEIGHT] * 4, own=2)
    assert returning(*rows).model == returning(*reversed(rows)).model == model.data()


def test_calibration_learns_only_what_was_said_of_a_return() -> None:
    """The first own label moves the offset; no number of borrowed ones does."""
    knowledge = Knowledge.new(FEATURES, EVERY_TICK)
    for tick in range(1, 13):
        rows = [example(f"c{n}", n % 2, vector=vector(5 + 9 * (n % 4))) for n in range(100)]
        knowledge = passing(tick, *rows, before=knowledge).knowledge
    untouched = Knowledge.new(FEATURES, EVERY_TICK).targets["return"].model.calibration
    assert knowledge.churn.model.calibration != untouched
    assert knowledge.targets["return"].model.examples == 1_200
    assert knowledge.targets["return"].model.calibration == untouched
    first = example("r1", 0, target="return")
    after = passing(13, first, before=knowledge).knowledge.targets["return"]
    assert after.model.calibration.intercept < 0
    alone = returning(first).model.calibration
    assert alone.intercept < 0 == untouched.intercept


def test_own_examples_are_counted_apart_from_borrowed_ones() -> None:
    rows = [
        example("c1", 1, target="return"),
        example("c2", 0, target="return"),
        example("c3", 0, target="return"),
        *(example(f"b{n}", 0) for n in range(4)),
    ]
    model = returning(*rows).model
    assert (model.examples, model.churned) == (7, 5)
    assert model.own == model.evidence == OwnExamples(3, 1)


def test_churn_counts_all_its_examples_as_evidence() -> None:
    model = learnt(example("c1", 1), example("c2", 0), example("c3", 0)).model
    assert (model.own, model.evidence) == (None, OwnExamples(3, 1))


def test_the_base_rate_of_a_return_comes_from_its_own_labels() -> None:
    """Nine of ten open customers are seen again, and one former customer in fifty returns."""
    knowledge = Knowledge.new(FEATURES, EVERY_TICK)
    for tick in range(1, 41):
        rows = [
            *(example(f"b{n}", int(n % 10 == 0), vector=vector(1 + n)) for n in range(60)),
            *(
                example(f"r{n}", int((n, tick % 2) == (0, 0)), target="return", vector=OVER)
                for n in range(25)
            ),
        ]
        knowledge = passing(tick, *rows, before=knowledge).knowledge
    model = version_of(knowledge).models["return"]
    values = FEATURES.unpack(base64.b64decode(OVER))
    risk = Scorer(model).score(values, days(0)).risk
    identity = Scorer(msgspec.structs.replace(model, calibration=Calibration()))
    assert risk == pytest.approx(0.02, abs=0.007)
    assert identity.score(values, days(0)).risk > 0.2
    assert model.evidence == OwnExamples(1_000, 20)


def test_a_challenger_of_the_return_has_an_offset_of_its_own() -> None:
    rules = Rules(learning=LearningRules(challenger="logistic"))
    after = returning(*(example(f"r{n}", 0, target="return") for n in range(6)), rules=rules)
    assert after.challenger is not None
    assert after.challenger.own == OwnExamples(6, 0)
    assert after.challenger.calibration.intercept < 0


def test_trials_fallback_and_tallies_judge_only_what_was_said_of_a_return() -> None:
    rules = Rules(learning=LearningRules(challenger="logistic"))
    borrowed = returning(*(example(f"c{n}", n % 2) for n in range(6)), rules=rules)
    fresh = Knowledge.new(FEATURES, rules).targets["return"]
    assert borrowed.challenger is not None
    assert borrowed.challenger.examples == 6
    for name in (
        "trial",
        "fallback",
        "model_tally",
        "base_rate_tally",
        "recency_tally",
        "baselines",
        "drift_state",
        "between_customer_variance",
        "treatment",
    ):
        assert msgspec.to_builtins(getattr(borrowed, name)) == msgspec.to_builtins(
            getattr(fresh, name)
        ), name


def test_one_version_names_the_models_of_all_targets() -> None:
    passed = passing(30, example(target="repeat"), rules=WITH_REPEAT)
    assert passed.published is not None
    assert sorted(unseal(passed.published).models) == ["churn", "repeat", "return"]


def test_the_treated_are_counted_and_not_learnt() -> None:
    known = learnt(
        example(treated=True, label=1, probability=0.75),
        example("c2", label=0, probability=0.25),
    )
    assert known.treatment == Treatment(
        treated=1, treated_churned=1, treated_risk=0.75, untreated=1, untreated_risk=0.25
    )
    assert (known.model.examples, known.model.churned, known.baselines.n) == (1, 0, 1)


def test_the_rules_and_the_trials_count_as_many_as_an_example_stands_for() -> None:
    """Else whoever goes by the untreated alone seems to know better than who reckons with all."""
    before = Knowledge.new(FEATURES, EVERY_TICK)
    before.churn.treatment = Treatment(share=0.8)
    row = example(label=1, offer_probability=0.75)
    known = passing(30, row, before=before).knowledge.churn
    assert (known.baselines.n, known.baselines.churned) == (4.0, 4.0)
    assert (known.fallback.n, known.fallback.count) == (4.0, 1)


def test_what_an_earlier_meaning_has_labelled_is_not_learnt() -> None:
    before = Knowledge.new(FEATURES, EVERY_TICK)
    before.churn.label_definition_since_ms = days(1)
    rows = [example(f"c{day}", at_ms=days(day)) for day in (0, 1, 2)]
    known = passing(30, *rows, before=before).knowledge
    assert (known.churn.model.examples, known.refused) == (1, 2)


def test_before_the_first_version_nobody_is_counted_as_treated_or_not() -> None:
    known = learnt(example(model_version=0, probability=0.5), example("c2", probability=0.1))
    assert (known.treatment.untreated, known.treatment.untreated_risk) == (1, 0.1)


def test_the_treated_are_learnt_where_the_rules_say_so() -> None:
    both = Rules(learning=LearningRules(untreated_only=False))
    assert learnt(example(treated=True), rules=both).model.examples == 1


def test_what_was_recommended_and_carried_out_is_counted() -> None:
    done = learnt(
        example("c1", recommended=True, treated=True),
        example("c2", recommended=True),
        example("c3", treated=True),
    ).treatment
    assert (done.recommended, done.carried_out, done.treated) == (2, 1, 2)


def weighed(row: Example, *, share: float = 0.0, rules: Rules = EVERY_TICK) -> float:
    """The weight with which one row was learnt, read from the intercept's precision."""
    before = Knowledge.new(FEATURES, rules)
    before.churn.treatment = Treatment(share=share)
    model = passing(30, row, before=before, rules=rules).knowledge.churn.model
    for weight in (0.0, WEIGHT, 2 * WEIGHT, 20 * WEIGHT, 1.0):
        alone = OnlineModel(Knowledge.new(FEATURES, rules).churn.model)
        values = FEATURES.unpack(base64.b64decode(row.vector))
        alone.learn(values, row.at_ms, row.label, weight)
        if alone.data().estimator == model.estimator:
            return weight
    return nan


def test_windows_that_overlap_share_one_example_between_them() -> None:
    assert weighed(example()) == WEIGHT
    whole = Rules(churn=ChurnRules(horizon_days=7, snapshot_every_days=7))
    assert weighed(example(), rules=whole) == 1.0


def test_an_example_weighs_by_whom_it_stands_for() -> None:
    assert weighed(example(offer_probability=0.5), share=0.8) == 2 * WEIGHT


def test_who_was_left_alone_by_chance_stands_for_those_who_were_not() -> None:
    assert untreated_weight(example(offer_probability=0.75), share=0.8) == 4.0


def test_recommended_but_untreated_examples_get_weight_0() -> None:
    """The omission may be confounded."""
    assert untreated_weight(example(offer_probability=0.75, recommended=True), share=0.8) == 0.0


def test_where_nothing_is_carried_out_all_weigh_the_same() -> None:
    rows = [example(offer_probability=0.9), example(offer_probability=0.9, recommended=True)]
    assert [untreated_weight(row, share=0.0) for row in rows] == [1.0, 1.0]


def test_between_the_two_rules_there_is_no_step() -> None:
    """At 2.5 % half of 1 / (1 - .5 x .025), and for who had no recommendation half of 1 / .5."""
    by_lot = 0.5 / (1 - 0.5 * 0.025)
    both = [
        untreated_weight(example(offer_probability=0.5, recommended=was), share=0.025)
        for was in (True, False)
    ]
    assert both == pytest.approx([by_lot, by_lot + 1.0])
    edge = [
        untreated_weight(example(offer_probability=0.5, recommended=True), share=share)
        for share in (0.0499999, 0.05)
    ]
    assert edge == pytest.approx([0.0, 0.0], abs=1e-5)


def test_nobody_stands_for_more_than_twenty() -> None:
    assert untreated_weight(example(offer_probability=1.0), share=1.0) == LARGEST_WEIGHT == 20.0


@pytest.mark.parametrize("share", [0.05, 0.4, 1.0])
def test_whoever_is_chosen_for_it_the_weights_add_up_to_the_untreated_world(share: float) -> None:
    """Half would leave; only leavers are treated; in four of five an action is recommended."""
    rows = [
        (0.40, example(label=1, offer_probability=0.8, recommended=True, treated=True)),
        (0.10, example(label=1, offer_probability=0.8)),
        (0.40, example(label=0, offer_probability=0.8, recommended=True)),
        (0.10, example(label=0, offer_probability=0.8)),
    ]
    weights = [0.0, 0.0]
    for chance, row in rows:
        weights[row.label] += chance * untreated_weight(row, share)
    assert weights == pytest.approx([0.5, 0.5])


def test_a_history_without_actions_does_not_hide_for_years_that_they_are_taken_now() -> None:
    before = Knowledge.new(FEATURES, EVERY_TICK)
    before.churn.treatment = Treatment(recommended=50_000)
    rows = [example(f"c{number}", recommended=True, treated=True) for number in range(100)]
    share = passing(30, *rows, before=before).knowledge.churn.treatment.share
    assert share == pytest.approx(1 - 0.999**100)


def test_the_first_recommendation_does_not_decide_what_share_is_carried_out() -> None:
    rows = [example(f"c{number}", recommended=True, treated=number < 1) for number in range(3)]
    assert learnt(*rows).treatment.share == pytest.approx(1 / 4)


def test_an_example_of_a_target_weighs_one() -> None:
    known = passing(30, example(target="repeat"), rules=WITH_REPEAT).knowledge.targets["repeat"]
    alone = OnlineModel(Knowledge.new(FEATURES, WITH_REPEAT).targets["repeat"].model)
    alone.learn(FEATURES.unpack(base64.b64decode(vector())), days(0), 1, 1.0)
    assert known.model == alone.data()


def test_the_model_is_judged_by_what_it_said_when_it_scored() -> None:
    known = learnt(example(probability=0.25, label=1))
    assert known.model_tally.measures().brier == 0.75**2


def test_before_the_first_version_nobody_is_judged_but_all_learn() -> None:
    known = learnt(example(model_version=0))
    tallies = (known.model_tally, known.base_rate_tally, known.recency_tally)
    assert [tally.n for tally in tallies] == [0, 0, 0]
    assert (known.baselines.n, known.model.examples) == (1, 1)


def test_the_baselines_are_judged_before_they_learn_any_of_the_tick() -> None:
    known = learnt(example(label=1), example("c2", label=1))
    assert known.base_rate_tally.brier == 2 * (1 - 1 / 2) ** 2
    assert known.recency_tally.measures().brier == (1 - 1 / 2) ** 2
    assert known.baselines.churned == 2


def test_the_recency_rule_of_a_trial_knows_nothing_of_the_tick() -> None:
    trial = learnt(example(label=1), example("c2", label=1)).fallback
    assert (trial.n, trial.total) == (2, 0.0)  # neither model nor rule knew anything: ln 2 each


def test_the_shares_of_a_tick_do_not_depend_on_the_place_within_it() -> None:
    """All of it was carried out, and the first of the tick does not tell the second."""
    rows = [
        example("c1", recommended=True, treated=True, offer_probability=0.5),
        example("c2", offer_probability=0.5),
    ]
    first, last = (
        learnt(*(msgspec.structs.replace(row, matured_ms=days(29 + place)) for place, row in order))
        for order in (enumerate(rows), enumerate(reversed(rows)))
    )
    assert first.model.estimator == last.model.estimator


@pytest.mark.parametrize("name", ["logistic", "hedge", "recency", "rhythm"])
def test_the_rules_say_which_model_is_the_champion(name: str) -> None:
    rules = Rules(learning=LearningRules(model=name))  # type: ignore[arg-type]
    known = learnt(example(), rules=rules)
    assert known.name == name
    assert known.model.estimator.__struct_config__.tag == name
    assert known.model.examples == 1


def test_a_challenger_learns_the_same_examples_in_the_shadow() -> None:
    rules = Rules(learning=LearningRules(challenger="recency"))
    passed = passing(30, example(), example("c2", 0), rules=rules)
    known = passed.knowledge.churn
    assert known.challenger is not None
    assert (known.challenger_name, known.challenger.examples) == ("recency", 2)
    assert passed.published is not None
    assert unseal(passed.published).models["churn"] == known.model


def test_without_a_challenger_there_is_no_trial() -> None:
    assert learnt(example()).trial is None


def test_knowledge_is_data_and_read_back_exactly() -> None:
    rules = Rules(learning=LearningRules(model="hedge", challenger="bayes"), targets=(REPEAT,))
    knowledge = passing(30, example(), example("c2", label=0), rules=rules).knowledge
    assert msgspec.json.decode(msgspec.json.encode(knowledge), type=Knowledge) == knowledge


def lives(number: int, tick: int) -> Example:
    """One of a day's eight: who was silent for long has left, and nothing else tells."""
    silent = 300.0 if number % 2 else 1.0
    return example(
        f"c{number}",
        int(silent > 100),
        at_ms=days(tick),
        matured_ms=days(tick + 2),
        tick=tick,
        vector=vector(silent, web_month=float((number * 7 + tick * 3) % 5)),
    )


SHORT = ChurnRules(horizon_days=1, snapshot_every_days=1)


def ticks(rules: Rules, number: int) -> tuple[Knowledge, list[tuple[int, Signal]]]:
    knowledge, emitted = Knowledge.new(FEATURES, rules), []
    for tick in range(1, number + 1):
        passed = passing(tick, *(lives(n, tick) for n in range(8)), rules=rules, before=knowledge)
        knowledge = passed.knowledge
        emitted += [(tick, signal) for signal in passed.signals]
    return knowledge, emitted


def test_a_better_challenger_is_promoted_at_a_tick_and_served_from_there_on() -> None:
    rules = Rules(churn=SHORT, learning=LearningRules(model="rhythm", challenger="recency"))
    knowledge, emitted = ticks(rules, 150)
    [(tick, signal)] = [(at, one) for at, one in emitted if one.name == "model.promoted"]
    assert signal == Signal("model.promoted", "churn", "rhythm", "recency", days(tick + 2))
    assert (knowledge.churn.name, knowledge.churn.challenger_name) == ("recency", "rhythm")
    assert isinstance(version_of(knowledge).models["churn"].estimator, RecencyData)


def test_a_model_that_loses_to_recency_says_so_and_steps_back() -> None:
    rules = Rules(churn=SHORT, learning=LearningRules(model="rhythm"))
    knowledge, emitted = ticks(rules, 150)
    [(tick, signal)] = [(at, one) for at, one in emitted if one.name.startswith("model.")]
    assert signal == Signal("model.fell_back", "churn", "rhythm", "recency", days(tick + 2))
    assert knowledge.churn.fallen_back
    assert isinstance(version_of(knowledge).models["churn"].estimator, RecencyData)
    assert knowledge.churn.name == "rhythm"


def test_a_model_that_knows_more_than_recency_is_left_in_its_place() -> None:
    knowledge = Knowledge.new(FEATURES, Rules(churn=SHORT))
    emitted: list[Signal] = []
    for tick in range(1, 81):
        rows = [
            msgspec.structs.replace(row, label=number % 2, vector=vector(10, web_month=number % 2))
            for number, row in enumerate(lives(n, tick) for n in range(4))
        ]
        passed = passing(tick, *rows, rules=Rules(churn=SHORT), before=knowledge)
        knowledge = passed.knowledge
        emitted += passed.signals
    assert emitted == []
    assert not knowledge.churn.fallen_back
    assert knowledge.churn.fallback.examples + knowledge.churn.fallback.n > 0


def test_a_measurement_that_takes_another_level_is_told_as_drift() -> None:
    [signal] = [one for one in drifting() if one.name == "drift.web_month"]
    assert signal.target == "churn"
    assert signal.before == pytest.approx(1.06, abs=0.1)
    assert signal.value == pytest.approx(3.06, abs=0.1)
    assert signal.at_ms > days(62)


def test_a_drift_of_the_past_is_learnt_and_not_told() -> None:
    assert drifting(history=True) == []


def drifting(*, history: bool = False) -> list[Signal]:
    """The signals about a measurement whose level changes after the sixtieth tick."""
    rules = Rules(churn=SHORT)
    knowledge = Knowledge.new(FEATURES, rules)
    emitted: list[Signal] = []
    for tick in range(1, 91):
        level = 3.0 if tick > 60 else 1.0
        row = example(
            f"c{tick}",
            tick % 2,
            at_ms=days(tick),
            matured_ms=days(tick + 2),
            vector=vector(0.5, known_days=log1p(100), web_month=level + tick % 2 / 8),
        )
        passed = passing(tick, row, rules=rules, before=knowledge, history=history)
        knowledge = passed.knowledge
        emitted += passed.signals
    return emitted


def test_scatter_is_learnt_from_what_was_served() -> None:
    assert learnt(example(model_version=0)).between_customer_variance.last == {}
    assert list(learnt(example()).between_customer_variance.last) == ["c1"]
