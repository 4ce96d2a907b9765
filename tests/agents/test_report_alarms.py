"""The alarms of a replay and what came of them, told of few customers in literal days."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson
import pytest

from touchstream.agents.report.alarm_section import alarm_section
from touchstream.agents.report.alarms import Change, Crossing, Told, Worth, read_told, worth
from touchstream.agents.report.capacities import (
    Foreseen,
    TooLittle,
    around,
    foresee,
    foresee_live,
    period_of,
    toml_lines,
)
from touchstream.agents.report.findings import alarm_cautions
from touchstream.agents.report.scores import UNKNOWN, Rows
from touchstream.schemas.rules import BandRules, ChurnRules, LearningRules, Rules, Thresholds

ADA, BOB, CID, DAN = 0, 1, 2, 3
RULES = Rules(churn=ChurnRules(horizon_days=28, snapshot_every_days=7, label_grace_days=1))
Row = tuple[int, int, float, int]


def rows(*scores: Row) -> Rows:
    """Customer, day, risk and label of each, all of version 1."""
    customer, day, risk, label = zip(*scores, strict=True)
    return Rows(
        np.array(customer, np.int64),
        np.array(day, np.int64),
        np.array(risk, np.float64),
        np.array(label, np.int64),
        np.ones(len(scores), np.int64),
    )


def weekly(customer: int, risk: float, label: int, days: range = range(0, 200, 7)) -> list[Row]:
    return [(customer, day, risk, label) for day in days]


def alarm(customer: int, day: float, risk: float = 0.6) -> Crossing:
    return Crossing(customer, day, risk, "high", "low")


def fall(customer: int, day: float) -> Crossing:
    return Crossing(customer, day, 0.1, "low", "high")


def ended(customer: int, day: float) -> Change:
    return Change(customer, day, over=True, end_day=day)


def judged(emitted: Told, *scores: Row) -> Worth:
    found = worth(emitted, rows(*scores), RULES)
    assert found is not None
    return found


def test_an_alarm_is_a_rise_into_high_and_nothing_else() -> None:
    medium = Crossing(ADA, 3.0, 0.3, "medium", "low")
    found = judged(Told([medium, alarm(ADA, 10.5), fall(ADA, 20.0)], []), *weekly(ADA, 0.1, 0))
    assert (found.found.alarms, dict(found.by_day)) == (1, {10: 1})
    # Nobody had a band before the first crossing, on day 3; the last score is of day 196.
    assert found.found.alarms_per_day == 1 / 194
    assert (found.first_day, found.last_day) == (date(1970, 1, 4), date(1970, 7, 16))


def test_a_leaver_is_warned_while_high_from_28_to_3_days_before() -> None:
    emitted = Told(
        [alarm(ADA, 40.5), alarm(BOB, 99.0), alarm(CID, 50.0), fall(CID, 60.0), alarm(DAN, 20.0)],
        [ended(ADA, 60.0), ended(BOB, 101.0), ended(CID, 100.0), ended(DAN, 90.0)],
    )
    found = judged(
        emitted, *(row for who in range(4) for row in weekly(who, 0.1, 0, range(0, 120, 7)))
    )
    # Ada 19.5 days before, Dan still high 28 days before; Bob too late, Cid not any more.
    assert (found.found.leavers, found.leavers_warned, found.found.lead_days) == (4, 2, 23.75)


def test_an_alarm_is_followed_by_churn_if_the_relation_ends_within_the_horizon() -> None:
    emitted = Told(
        [alarm(ADA, 40.5), alarm(BOB, 40.5)],
        [ended(ADA, 68.4), ended(BOB, 69.0)],
    )
    # The next snapshot's window holds Bob's end as well, and its label is 1.
    labelled = [*weekly(ADA, 0.1, 1, range(0, 68, 7)), *weekly(BOB, 0.1, 1, range(0, 68, 7))]
    found = judged(emitted, *labelled, *weekly(CID, 0.1, 0))
    assert (found.found.precision, found.open) == (0.5, 0)


def test_silence_is_judged_by_the_label_of_the_next_snapshot() -> None:
    emitted = Told([alarm(ADA, 40.5), alarm(BOB, 40.5), alarm(CID, 42.0)], [])
    found = judged(
        emitted, (ADA, 42, 0.1, 1), (BOB, 42, 0.1, 0), (CID, 42, 0.1, 1), (DAN, 99, 0.1, 0)
    )
    assert found.found.precision == pytest.approx(2 / 3)


def test_an_alarm_whose_horizon_is_not_over_is_open_even_if_its_customer_left() -> None:
    # Otherwise of the newest alarms only those that came true would count.
    emitted = Told([alarm(ADA, 150.0), alarm(BOB, 190.0)], [ended(BOB, 195.0)])
    found = judged(emitted, *weekly(ADA, 0.1, 0), *weekly(BOB, 0.1, UNKNOWN))
    assert (found.open, found.found.precision) == (1, 0.0)


def test_alarms_after_the_end_are_counted_and_cautioned() -> None:
    emitted = Told([alarm(ADA, 40.0), alarm(BOB, 40.0)], [ended(ADA, 39.0), ended(BOB, 50.0)])
    found = judged(emitted, *weekly(ADA, 0.1, 1), *weekly(BOB, 0.1, 1))
    assert (found.after_end, found.found.precision) == (1, 0.5)
    assert alarm_cautions(found)[0] == (
        "1 of 2 alarms were about customers who had left by then: the cancellation arrived later "
        "than it happened."
    )


def test_whoever_is_back_may_be_warned_again() -> None:
    back = Change(ADA, 60.0, over=False, end_day=60.0)
    emitted = Told([alarm(ADA, 30.0), fall(ADA, 39.0), alarm(ADA, 60.0)], [ended(ADA, 40.0), back])
    assert judged(emitted, *weekly(ADA, 0.1, 0)).after_end == 0


def test_an_alarm_by_the_very_cancellation_is_too_late() -> None:
    emitted = Told([alarm(ADA, 40.0)], [ended(ADA, 40.0)])
    assert judged(emitted, *weekly(ADA, 0.1, 0)).after_end == 1


def test_alarms_before_the_first_day_are_left_out_but_still_stand() -> None:
    emitted = Told([alarm(ADA, 20.0)], [ended(ADA, 100.0)])
    found = worth(emitted, rows(*weekly(ADA, 0.1, 1)), RULES, date(1970, 3, 1))
    assert found is not None
    assert (found.found.alarms, found.leavers_warned) == (0, 1)


def test_the_capacity_is_the_share_of_open_customers_a_day() -> None:
    emitted = Told([alarm(ADA, 0.0)], [])
    every_day = [(who, day, 0.1, 0) for who in range(7) for day in range(who, 70, 7)]
    assert judged(emitted, *every_day).capacity == pytest.approx(0.07)
    typed = Rules(bands=BandRules(high_enter=0.7))
    found = worth(emitted, rows(*every_day), typed)
    assert found is not None
    assert found.capacity is None


def test_the_capacity_of_typed_thresholds_is_not_called_configured() -> None:
    found = judged(Told([alarm(ADA, 0.0)], []), *weekly(ADA, 0.1, 0))
    one = Foreseen(
        asked=True,
        high_per_day=2.0,
        high_share_per_day=None,
        customers_per_day=2.0,
        thresholds=Thresholds(),
        alarms_per_day=1.0,
    )
    assert "2.0 (as configured)" in alarm_section(found, [one], 28, None)
    typed = found._replace(capacity=None)
    assert "2.0 (the default)" in alarm_section(typed, [one], 28, None)


def test_more_alarms_than_capacity_are_cautioned() -> None:
    emitted = Told([alarm(ADA, float(day)) for day in range(70)], [])
    found = judged(emitted, *[(who, day, 0.1, 0) for who in range(7) for day in range(who, 70, 7)])
    assert alarm_cautions(found)[0] == (
        "More alarms than capacity: 1.0 a day, wanted at most 0.1. The thresholds follow over "
        "weeks: look at the newest ones."
    )


def test_nobody_in_a_band_is_said_plainly() -> None:
    assert worth(Told([], []), rows(*weekly(ADA, 0.1, 0)), RULES) is None
    assert "so there was no alarm" in alarm_section(None, [], 28, None)


def test_a_lapse_counts_from_when_the_silence_had_lasted_the_horizon(tmp_path: Path) -> None:
    def signal(day: float, **data: object) -> bytes:
        time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
        event = {"type": "customer.relation_changed", "subject": "ada", "time": time}
        return orjson.dumps({**event, "data": {"before": "open", **data}}) + b"\n"

    (tmp_path / "churn-risk.jsonl").touch()
    (tmp_path / "customer-signals.jsonl").write_bytes(
        signal(50.5, relation="lapsed", since="1970-02-20T12:00:00Z", silent_days=40.5)
        + signal(60, relation="back", since="1970-03-02T00:00:00Z", silent_days=None)
        + signal(70, relation="ended", since="1970-03-10T00:00:00Z", silent_days=None)
        + orjson.dumps(
            {
                "type": "customer.signal",
                "subject": "ada",
                "time": "1970-03-10T00:00:00Z",
                "data": {"signal": "x", "value": 1},
            }
        )
    )
    emitted = read_told(tmp_path, {}, 28)
    assert emitted.changes == [
        Change(0, 50.5, over=True, end_day=38.0),
        Change(0, 60.0, over=False, end_day=60.0),
        Change(0, 70.0, over=True, end_day=68.0),
    ]


MANY = [
    (who, day, 0.6 if who % 5 == 0 else 0.05, int(who % 5 == 0))
    for who in range(70)
    for day in range(who % 7, 203, 7)
]


def test_bands_begin_when_the_model_has_enough_labels() -> None:
    few = Rules(learning=LearningRules(minimum_examples=20, minimum_of_each=3))
    # Ten customers a day: on the second day 20 examples, and three of them left on the first two.
    assert period_of(rows(*MANY), few).begin == 1 + 28 + 1
    assert period_of(rows(*MANY), few).last == 202
    # 20 are known with the pseudo-counts of the learner: 4 left (0, 35, 15, 50).
    assert period_of(rows(*MANY), few).base_rate(30) == (4 + 1) / (20 + 2)


def test_too_few_labels_are_told_with_what_is_wanted() -> None:
    with pytest.raises(TooLittle, match="no label has matured: want a history of more than 28"):
        period_of(rows(*weekly(ADA, 0.1, UNKNOWN)), RULES)
    with pytest.raises(TooLittle, match="never had enough labels for bands: 29, of which 0 left"):
        period_of(rows(*weekly(ADA, 0.1, 0)), RULES)


def test_capacities_around_the_one_asked_for() -> None:
    assert [one.high_per_day for one in around(BandRules(high_per_day=50))] == [25, 50, 100, 200]
    shares = [one.high_share_per_day for one in around(BandRules(high_share_per_day=0.4))]
    assert shares == [0.2, 0.4, 0.8]


def test_a_replay_tells_what_a_capacity_would_have_been_worth() -> None:
    leavers = [ended(who, 110.0 + who) for who in range(0, 70, 5)]
    gone = {one.customer: one.day for one in leavers}
    left = [row for row in MANY if row[1] < gone.get(row[0], 999)]
    # They are at risk from four weeks before on.
    risky = [
        (
            who,
            day,
            0.6 if day > gone.get(who, 999) - 21 else 0.0004,
            int(day > gone.get(who, 999) - 28),
        )
        for who, day, _, _ in left
    ]
    early = Rules(learning=LearningRules(minimum_examples=20, minimum_of_each=0))
    found = foresee(rows(*risky), Told([], leavers), early, BandRules(high_per_day=2.0))
    [asked] = [one for one in found if one.asked]
    assert (asked.leavers, asked.warned, asked.precision) == (14, 1.0, 1.0)
    assert asked.lead_days is not None
    assert 14 <= asked.lead_days <= 21
    assert asked.thresholds.high_enter <= 0.6
    assert toml_lines(found) == ["[bands]", "high_per_day = 2"]


def test_the_live_ledger_tells_thresholds_and_alarms_but_no_worth() -> None:
    rng = np.random.default_rng(3)
    waiting = [
        (who, day, float(rng.beta(1, 12)), UNKNOWN)
        for who in range(1_400)
        for day in range(300 + who % 7, 329, 7)
    ]
    found = foresee_live(rows(*waiting), 0.05, RULES, BandRules(high_per_day=10.0))
    half, asked, *_ = found
    assert (asked.asked, asked.precision, asked.leavers, asked.warned) == (True, None, None, None)
    assert 5.0 <= asked.alarms_per_day <= 15.0
    assert half.thresholds.high_enter > asked.thresholds.high_enter
    assert half.alarms_per_day < asked.alarms_per_day


def test_one_round_of_snapshots_shows_no_rise() -> None:
    with pytest.raises(TooLittle, match=r"all scores are of 1 days: .* every 7 days"):
        foresee_live(rows((ADA, 3, 0.1, UNKNOWN)), 0.05, RULES, BandRules())
    untrained = rows((ADA, 3, 0.1, UNKNOWN))._replace(version=np.zeros(1, np.int64))
    with pytest.raises(TooLittle, match="no customer has been scored by a trained model"):
        foresee_live(untrained, 0.05, RULES, BandRules())
