"""Rows are what the ledger says, with the ticks that a replay would write."""

from pathlib import Path

import numpy as np
import orjson
import pytest

from bench.quality.rows import DAILY, Rows, _steps, collect
from touchstream.agents.history.lines import LinesError
from touchstream.agents.history.steps import read_steps
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.rules import ChurnRules, Rules, TargetRules
from touchstream.schemas.units import DAY_MS
from touchstream.streams.emit.identity import pseudonym
from touchstream.streams.features.catalogue import FEATURES

RULES = Rules(churn=ChurnRules(activity=("order.placed",), horizon_days=7, snapshot_every_days=3))
ORDERS = [
    ("ada", "2026-01-01"),
    ("bob", "2026-01-02"),
    ("ada", "2026-01-09"),
    ("ada", "2026-01-20"),
    ("bob", "2026-02-20"),
]


def order(customer: str, day: str) -> bytes:
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": f"{customer}-{day}",
            "source": "shop",
            "type": "order.placed",
            "subject": customer,
            "time": f"{day}T12:00:00Z",
            "data": {"order": day, "amount_minor": 100, "currency": "EUR"},
        }
    )


def noon(day: str) -> int:
    return parse_time(f"{day}T12:00:00Z")


@pytest.fixture(scope="module")
def rows() -> Rows:
    return collect((order(*one) for one in ORDERS), RULES)


def test_each_is_labelled_by_what_happened_in_its_horizon(rows: Rows) -> None:
    names = {pseudonym(name, RULES.seed): name for name in ("ada", "bob")}
    who = [names[rows.customers[index]] for index in rows.customer.tolist()]
    moments = [(name, noon(day)) for name, day in ORDERS]
    bought = [
        any(name == one and at < moment <= at + 7 * DAY_MS for name, moment in moments)
        for one, at in zip(who, rows.at_ms.tolist(), strict=True)
    ]
    assert rows.label.tolist() == [0 if yes else 1 for yes in bought]
    assert 0 < sum(bought) < len(rows)


def test_a_label_matures_after_horizon_and_grace_and_only_such_rows_are_there(rows: Rows) -> None:
    assert set((rows.matured_ms - rows.at_ms).tolist()) == {8 * DAY_MS}
    assert rows.matured_ms.max() <= parse_time("2026-02-21T00:00:00Z")


def test_they_come_in_the_order_in_which_they_are_learnt(rows: Rows) -> None:
    keys = [
        (matured, rows.customers[who], at)
        for matured, who, at in zip(
            rows.matured_ms.tolist(), rows.customer.tolist(), rows.at_ms.tolist(), strict=True
        )
    ]
    assert keys == sorted(keys)


def test_the_vector_is_the_ledgers(rows: Rows) -> None:
    assert rows.names == FEATURES.names
    silence = rows.vector[:, rows.names.index("silence_days")]
    days = np.expm1(silence.astype(np.float64))
    orders = [(name, noon(day)) for name, day in ORDERS]
    names = {pseudonym(name, RULES.seed): name for name in ("ada", "bob")}
    for row in range(len(rows)):
        who, at_ms = names[rows.customers[rows.customer[row]]], rows.at_ms[row]
        last_ms = max(moment for name, moment in orders if name == who and moment <= at_ms)
        assert days[row] == pytest.approx((at_ms - last_ms) / DAY_MS, rel=5e-3)


def test_what_was_said_before_the_first_version_is_said_by_version_0(rows: Rows) -> None:
    first = rows.version > 0
    assert not first[0]
    assert first[-1]


def test_some_are_taken_by_mask_or_by_index(rows: Rows) -> None:
    assert rows.take(rows.label == 1).label.tolist() == [1] * int(rows.label.sum())
    assert rows.take(np.array([2])).at_ms.tolist() == [rows.at_ms[2]]


def test_rows_of_another_target_are_those_of_its_moments() -> None:
    order_placed = ("order.placed",)
    again = TargetRules(
        name="again", after=order_placed, events=order_placed, horizon_hours=24 * 10
    )
    rules = Rules(churn=RULES.churn, targets=(again,))
    found = collect((order(*one) for one in ORDERS), rules, target="again")
    moments = [noon(day) for day in ("2026-01-01", "2026-01-02", "2026-01-09", "2026-01-20")]
    assert found.at_ms.tolist() == moments
    assert found.label.tolist() == [1, 0, 0, 0]


def test_events_without_a_label_make_no_rows() -> None:
    assert len(collect([order("ada", "2026-01-01")], RULES)) == 0
    assert len(collect([], RULES)) == 0


def test_ticks_fall_where_a_replay_puts_them(tmp_path: Path) -> None:
    lines = [order(*one) for one in ORDERS]
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(lines))
    assert list(_steps(lines, DAILY)) == list(read_steps([file], 1))


def test_a_recorded_log_is_refused() -> None:
    tick = orjson.dumps({"type": "touchstream.tick", "time": "2026-01-01T00:00:00Z"})
    with pytest.raises(LinesError, match="touchstream replay"):
        collect([tick], RULES)


def test_rows_of_customers_who_left_are_marked_and_say_who_does_not_come_back() -> None:
    months = [("ada", f"2026-{month:02}-15") for month in range(1, 10)]
    moments = sorted(
        [("bob", "2026-01-02"), ("bob", "2026-08-01"), *months], key=lambda one: one[1]
    )
    both = collect((order(*one) for one in moments), RULES, DAILY)
    own = both.take(both.customer == both.customers.index(pseudonym("bob", RULES.seed)))
    assert own.open[0]
    # Bob lapses in spring; the last rows before the order of August are those of coming back.
    over = own.take(~own.open)
    back_ms = noon("2026-08-01")
    came_back = (over.at_ms < back_ms) & (over.at_ms + 7 * DAY_MS >= back_ms)
    assert 0 < came_back.sum() < len(over)
    assert over.label.tolist() == (~came_back).astype(int).tolist()
