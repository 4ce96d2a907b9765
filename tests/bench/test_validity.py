import base64
from collections.abc import Sequence
from itertools import permutations
from math import isclose, sqrt
from statistics import pstdev

import msgspec
import orjson
import pytest

from bench.validity import drifting
from bench.validity.__main__ import main
from bench.validity.base_rate import base_rate
from bench.validity.drifting import Alarm
from bench.validity.feedback import (
    EAGER,
    FeedbackOutcome,
    everybody,
    feedback,
    measured,
    who_needs_it,
)
from bench.validity.intervals import intervals, mean_of_alike
from bench.validity.leakage import RULES, answers_of, leakage, planted
from bench.validity.life import Decision, Life, Row, judged, live
from bench.validity.measures import auc, chance_error, coverage, share_of_the_way
from bench.validity.ranking import ranking
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import encode_emission
from touchstream.schemas.emissions.signals import CustomerSignal
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.rules import Rules
from touchstream.schemas.topics import CUSTOMER_SIGNALS_TOPIC
from touchstream.schemas.units import DAY_MS, HOUR_MS, CustomerId, Millis
from touchstream.simulator import SILENCE, START_MS, CustomerTruth, Day, Outlook, World
from touchstream.streams.emit.signal import customer_signal
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.outbox import Entry
from touchstream.streams.state import decode

HORIZON_MS = 28 * DAY_MS


@pytest.fixture(scope="module")
def lived() -> Life:
    world = World(7, 300, 75, growth_per_year=2.0, noise=SILENCE, remember_every_days=1)
    return live(world, EAGER)


@pytest.fixture(scope="module")
def rows(lived: Life) -> list[Row]:
    return judged(lived, START_MS)


def left_ms(life: Life) -> dict[str, int | None]:
    return {truth.customer: truth.churned_at for truth in life.world.truth()}


def test_a_row_is_present_until_its_customer_has_left(lived: Life, rows: list[Row]) -> None:
    left = left_ms(lived)
    for row in rows:
        assert row.present == ((left[row.customer] or row.day_ms) >= row.day_ms)
    assert {row.present for row in rows} == {True, False}


def test_who_left_in_silence_is_scored_for_churn_only_until_they_lapse(
    lived: Life, rows: list[Row]
) -> None:
    left = left_ms(lived)
    after = [r for r in rows if (left[r.customer] or r.day_ms) < r.day_ms - 2 * DAY_MS]
    shoppers = {t.customer for t in lived.world.truth() if t.segment == "shopper"}
    silent = [row for row in after if row.customer in shoppers]
    churn = [row for row in silent if row.example.target == "churn"]
    over = [row for row in silent if row.example.target == "return"]
    assert len(churn) > 5
    assert {(row.example.label, row.left, *row.oracle) for row in churn} == {(1, True, 1.0, 1.0)}
    assert {row.example.label for row in over} <= {0}


def test_an_open_row_is_not_known_to_have_left(lived: Life, rows: list[Row]) -> None:
    left = left_ms(lived)
    cancelled = {truth.customer for truth in lived.world.truth() if truth.kind == "cancelled"}
    for row in rows:
        if row.customer in cancelled and (left[row.customer] or 0) < row.day_ms:
            assert not row.open
    assert sum(row.open for row in rows) > 1_000


def test_a_silent_leaver_is_a_customer_to_the_ledger_until_the_term_ends(
    rows: list[Row],
) -> None:
    gone = [row for row in rows if not row.present and row.running]
    assert gone
    assert {(row.example.label, *row.oracle) for row in gone} == {(0, 1.0, 0.0)}


def test_left_says_if_the_world_lost_the_customer_within_the_horizon(
    lived: Life, rows: list[Row]
) -> None:
    left = left_ms(lived)
    for row in rows:
        moment = left[row.customer]
        assert row.left == (moment is not None and moment <= row.day_ms + HORIZON_MS)


def test_the_oracle_of_the_rows_is_the_frequency_of_leaving(rows: list[Row]) -> None:
    first = {row.customer: row for row in reversed(rows) if row.present}.values()
    assert len(first) > 250
    assert errors_off([row.left for row in first], [row.oracle.leaves for row in first]) < 3


@pytest.mark.parametrize("segment", ["shopper", "streamer"])
def test_the_oracle_of_the_label_is_the_frequency_of_the_label(
    lived: Life, rows: list[Row], segment: str
) -> None:
    those = {truth.customer for truth in lived.world.truth() if truth.segment == segment}
    present = [row for row in rows if row.present and row.customer in those]
    first = {row.customer: row for row in reversed(present)}.values()
    assert len(first) > 100
    labels = [row.example.label for row in first]
    assert errors_off(labels, [row.oracle.labelled for row in first]) < 3


def errors_off(facts: Sequence[float], chances: Sequence[float]) -> float:
    spread = sqrt(sum(chance * (1 - chance) for chance in chances))
    return abs(sum(facts) - sum(chances)) / spread


def test_a_life_says_again_what_was_served(lived: Life, rows: list[Row]) -> None:
    served = [row for row in rows if row.example.model_version]
    assert len(served) > 100
    assert [lived.risk(row) for row in served] == [row.example.probability for row in served]
    assert {lived.versions[row.day_ms] == row.example.model_version for row in served} == {True}


def test_rows_begin_where_they_are_asked_to_and_can_be_thinned(lived: Life) -> None:
    since_ms = START_MS + 30 * DAY_MS
    late = judged(lived, since_ms)
    assert min(row.day_ms for row in late) == since_ms
    assert [row.example for row in judged(lived, since_ms, every=3)] == [
        row.example for row in late[::3]
    ]


def test_leads_are_no_rows(lived: Life, rows: list[Row]) -> None:
    started = {truth.customer: truth.started_at for truth in lived.world.truth()}
    assert all(started[row.customer] < row.day_ms for row in rows)
    assert len(rows) < len(lived.stream.examples)


def test_a_decision_knows_the_truth_before_it_is_carried_out(lived: Life) -> None:
    assert len(lived.decisions) > 20
    for one in lived.decisions:
        again = lived.world.true_outlooks(one.at_ms, 28, [one.customer], paths=256)
        assert one.oracle == pytest.approx(again[one.customer].labelled, abs=0.12)


def test_what_is_recommended_is_carried_out_only_if_asked(lived: Life) -> None:
    treated = live(World(7, 200, 80, noise=SILENCE), EAGER, treat=everybody)
    assert any(example.treated for example in treated.stream.examples)
    assert not any(example.treated for example in lived.stream.examples)


def test_auc_counts_ties_half() -> None:
    assert auc([0.5, 0.5, 0.2, 0.9], [0, 1, 0, 1]) == 0.875


def test_auc_of_one_kind_of_label_is_refused() -> None:
    with pytest.raises(ValueError, match="want both kinds"):
        auc([0.1, 0.2], [0, 0])


def test_the_way_to_the_oracle_begins_at_chance() -> None:
    assert share_of_the_way(0.5, 0.8) == 0.0
    assert share_of_the_way(0.74, 0.8) == 0.8


def test_coverage_counts_both_ends() -> None:
    assert coverage([0.1, 0.1, 0.5, 0.1], [0.2, 0.3, 0.9, 0.2], [0.2, 0.2, 0.4, 0.1]) == 0.75


@pytest.mark.parametrize("scores", [[1, 2, 3, 4, 5, 6], [0, 0, 1, 1, 1, 0], [0, 0, 0, 0, 0, 1]])
def test_the_error_of_chance_is_that_of_all_orders(scores: list[float]) -> None:
    labels = [1, 1, 0, 0, 0, 0]
    every = [auc(list(order), labels) for order in permutations(scores)]
    assert isclose(chance_error(scores, labels), pstdev(every))


def opened(rows: list[Row]) -> Row:
    return next(row for row in rows if row.open)


def known_left(rows: list[Row]) -> Row:
    return next(row for row in rows if not row.open)


def given(
    number: int,
    probability: float,
    label: int,
    *,
    oracle: float = 0.5,
    present: bool = True,
    like: Row,
) -> Row:
    example = msgspec.structs.replace(like.example, probability=probability, label=label)
    return Row(example, f"c{number}", bool(label), present, Outlook(oracle, oracle))


def test_ranking_compares_on_the_same_rows(rows: list[Row]) -> None:
    risks = [(0.9, 1, 0.8), (0.2, 1, 0.7), (0.5, 0, 0.3), (0.1, 0, 0.2)]
    some = [
        given(n, risk, label, oracle=true, like=opened(rows))
        for n, (risk, label, true) in enumerate(risks)
    ]
    gone = given(9, 0.0, 1, oracle=1.0, present=False, like=known_left(rows))
    best = [Outlook(leaves, labelled) for leaves, labelled in ((1, 4), (2, 3), (3, 1), (4, 2))]
    found = ranking([*some, gone], best)
    assert not found.met
    by_ledger = [found.numbers[f"ledger_{name}"] for name in ("auc", "observer", "oracle")]
    assert by_ledger == [0.75, 1.0, 1.0]
    assert found.numbers["truth_observer"] == 0.0
    assert (found.numbers["ledger_of_observer"], found.numbers["ledger_of_oracle"]) == (0.5, 0.5)
    assert found.numbers["all_auc"] == 0.5


def test_a_model_like_the_best_possible_one_is_all_the_way(rows: list[Row]) -> None:
    best = [Outlook(row.oracle.leaves, row.example.probability) for row in rows if row.open]
    assert ranking(rows, best).met


def test_the_truth_of_the_alike_is_their_mean() -> None:
    assert mean_of_alike([0.9, 0.1, 0.8, 0.2], [0.5, 0.1, 0.7, 0.3], groups=2) == pytest.approx(
        [0.6, 0.2, 0.6, 0.2]
    )


def test_the_base_rate_is_compared_over_customers(rows: list[Row]) -> None:
    fair = [given(n, 0.25, int(n % 4 == 0), like=opened(rows)) for n in range(400)]
    found = base_rate(fair)
    assert (found.numbers["served"], found.numbers["labelled"]) == (0.25, 0.25)
    assert found.met
    assert isinstance(found.numbers["standard_error"], float)
    assert isclose(found.numbers["standard_error"], sqrt(0.25 * 0.75 / 400))


def test_a_base_rate_that_is_half_too_high_is_not_equal(rows: list[Row]) -> None:
    wrong = [given(n, 0.375, int(n % 4 == 0), like=opened(rows)) for n in range(400)]
    assert not base_rate(wrong).met


def test_intervals_are_held_against_three_truths(lived: Life, rows: list[Row]) -> None:
    late = [row for row in rows if row.example.model_version and row.open]
    bounds = [lived.score(row, row.example.model_version).interval() for row in late]
    at_low = [
        row._replace(oracle=Outlook(0.5, low)) for row, (low, _) in zip(late, bounds, strict=True)
    ]
    above = [Outlook(0.5, high + 0.01) for _, high in bounds]
    found = intervals(lived, at_low, above)
    assert (found.numbers["own"], found.numbers["observer"]) == (1.0, 0.0)
    assert not found.met  # 100 % is not 90 %


def test_an_answer_is_planted_for_every_own_midnight_of_a_customer() -> None:
    leaver = CustomerTruth("c1", "shopper", START_MS, START_MS + 40 * DAY_MS + HOUR_MS, "silent")
    answers = answers_of([leaver], START_MS + 90 * DAY_MS, RULES.churn)
    days = sorted((at_ms - START_MS) // DAY_MS for _, at_ms in answers)
    first = days[0]
    assert days == [first, first + 7, first + 14, first + 21, first + 28, *days[5:]]
    assert days[-1] <= 40 < days[-1] + 7
    assert [answers["c1", START_MS + day * DAY_MS] for day in days] == [
        int(day > 12) for day in days
    ]


def test_the_coin_comes_before_the_row_and_the_answer_after_it() -> None:
    at_ms = START_MS + 3 * DAY_MS
    edit = planted({("c1", at_ms): 1, ("c2", at_ms): 1}, seed=5)
    before, after = (
        edit(Day(number, START_MS + number * DAY_MS, [], active=2, left=0)) for number in (2, 3)
    )
    assert [line.received_ms - at_ms for line in before] == [-HOUR_MS, -HOUR_MS]
    assert [line.received_ms - at_ms for line in after] == [6 * HOUR_MS, 6 * HOUR_MS]
    measured = [
        parse_time(line.event["time"]) - at_ms for line in after if isinstance(line.event, dict)
    ]
    assert measured == [6 * HOUR_MS, -HOUR_MS // 2]


@pytest.fixture(scope="module")
def leaking() -> tuple[list[Row], dict[tuple[str, int], int], Life]:
    measured = World(8, 250, 75)
    for _ in measured.days():
        pass
    answers = answers_of(list(measured.truth()), measured.now_ms, RULES.churn)
    world = World(8, 250, 75, remember_every_days=1)
    life = live(world, RULES, edit=planted(answers, seed=5))
    rows = [row for row in judged(life, START_MS) if (row.customer, row.day_ms) in answers]
    return rows, answers, life


def test_the_future_does_not_leak_into_the_ledger(
    leaking: tuple[list[Row], dict[tuple[str, int], int], Life],
) -> None:
    rows, answers, _ = leaking
    found = leakage(rows, answers)
    assert found.met
    assert found.numbers["auc_if_leaked"] == 1.0


def test_a_row_made_from_a_later_state_would_leak(
    leaking: tuple[list[Row], dict[tuple[str, int], int], Life],
) -> None:
    rows, answers, life = leaking
    [shard] = life.stream.shards
    late = []
    for row in rows:
        data = shard.states.get(row.customer)
        profile = None if data is None else decode(data).profile
        if profile is not None:
            vector = base64.b64encode(FEATURES.vector(profile, row.example.at_ms)).decode()
            example = msgspec.structs.replace(row.example, vector=vector)
            late.append(row._replace(example=example))
    assert len(late) > 100
    assert not leakage(late, answers).met


SERIES = {"web", "loss"}


def signal(name: str, at_ms: int) -> Entry:
    cause = Cause(type="touchstream.tick", source="touchstream", id="1")
    data = CustomerSignal(signal=name, before=0.1, value=0.4, rules="0", cause=cause)
    emission = customer_signal(CustomerId("model"), data, cause, Millis(at_ms))
    return Entry(CUSTOMER_SIGNALS_TOPIC, b"model", encode_emission(emission, "1"))


def test_an_alarm_is_a_drift_among_the_signals(lived: Life) -> None:
    emitted = lived.stream.emitted
    drifts = [signal("model.promoted", START_MS), signal("drift.loss", START_MS + DAY_MS)]
    try:
        emitted += drifts
        assert drifting.alarms(lived) == [Alarm(START_MS + DAY_MS, "loss")]
    finally:
        del emitted[-len(drifts) :]


def test_the_delay_runs_from_the_planted_day_to_the_first_alarm_after_it() -> None:
    found = [Alarm(START_MS, "loss"), Alarm(START_MS + 14 * DAY_MS, "web"), Alarm(2**60, "loss")]
    finding = drifting.caught("drift", found, [], START_MS + 10 * DAY_MS, SERIES)
    assert (finding.numbers["delay_days"], finding.met) == (4.0, True)
    assert (finding.numbers["first_series"], finding.numbers["alarms_before"]) == ("web", 1)


def test_an_alarm_that_would_have_come_anyway_has_caught_nothing() -> None:
    found = [Alarm(START_MS + 14 * DAY_MS, "web"), Alarm(START_MS + 20 * DAY_MS, "loss")]
    steady = [Alarm(START_MS + 13 * DAY_MS, "web"), Alarm(START_MS + 30 * DAY_MS, "loss")]
    finding = drifting.caught("drift", found, steady, START_MS + 10 * DAY_MS, SERIES)
    assert (finding.numbers["delay_days"], finding.numbers["first_series"]) == (10.0, "loss")


def test_a_drift_that_nobody_sees_is_not_caught() -> None:
    before = [Alarm(START_MS, "loss")]
    assert not drifting.caught("drift", before, [], START_MS + DAY_MS, SERIES).met


def test_an_alarm_of_a_series_that_cannot_know_has_caught_nothing() -> None:
    found = [Alarm(START_MS + DAY_MS, "web"), Alarm(START_MS + 3 * DAY_MS, "loss")]
    finding = drifting.caught("drift", found, [], START_MS, {"loss"})
    assert (finding.numbers["delay_days"], finding.numbers["first_series"]) == (3.0, "loss")


def test_false_alarms_are_counted_by_series_and_year() -> None:
    year = [Alarm(START_MS + day * DAY_MS, "web") for day in (10, 100, 200)]
    finding = drifting.false_alarms([year, []], START_MS + 50 * DAY_MS, START_MS + 415 * DAY_MS)
    assert finding.numbers["alarms"] == 2
    assert finding.numbers["per_series_year"] == 1 / drifting.SERIES


def test_a_rep_who_sees_into_customers_acts_on_those_about_to_leave() -> None:
    decision = Decision("c1", START_MS, "send_offer", risk=0.02, oracle=0.10)
    assert who_needs_it(decision)
    assert not who_needs_it(decision._replace(risk=0.9, oracle=0.09))
    assert everybody(decision._replace(oracle=0.0))


def test_what_the_desk_does_not_take_up_is_not_carried_out() -> None:
    asked: list[Decision] = []

    def nobody(decision: Decision) -> bool:
        asked.append(decision)
        return False

    examples = live(World(7, 200, 80, noise=SILENCE), EAGER, treat=nobody).stream.examples
    assert asked
    assert not any(example.treated for example in examples)


def test_three_equal_models_show_no_decay(lived: Life, rows: list[Row]) -> None:
    late = [row for row in rows if row.day_ms > START_MS + 40 * DAY_MS]
    one = measured(late, lived, lived, lived)
    assert one.control == one.naive == one.ours
    assert one.auc_control == one.auc_ours
    assert not feedback("feedback", [one]).met  # a naive one that does not decay proves nothing


def test_worlds_are_judged_together_by_their_rows() -> None:
    small = FeedbackOutcome(100, 0.2, 0.20, 0.10, 0.30, 0.8, 0.8, 0.1, 0.9)
    large = small._replace(rows=300, ours=0.18)
    found = feedback("feedback", [small, large])
    assert found.numbers["ours_to_control"] == pytest.approx((0.30 + 3 * 0.18) / (4 * 0.20))
    assert found.numbers["ours_to_control_each"] == "1.500, 0.900"
    assert (found.met, found.numbers["rows"]) == (True, 400)


def test_the_command_prints_a_line_a_check(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--only", "leaking", "--scale", "0.1", "--processes", "1"])
    [line] = capsys.readouterr().out.splitlines()
    measured = orjson.loads(line)
    assert measured["check"] == "leakage"
    assert code == (0 if measured["met"] else 1)


def test_equal_seeds_give_equal_lives() -> None:
    first, again = (live(World(3, 60, 40), Rules()).stream.examples for _ in range(2))
    assert first
    assert first == again
