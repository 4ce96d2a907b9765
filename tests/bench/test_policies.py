"""The bench beside Vowpal Wabbit, on a planted log whose truth is known."""

import pytest

from bench.policies import Row, compared, is_met, planted

CALL, MAIL, NOTHING = (0.10 + 0.30) / 2, (0.20 + 0.15) / 2, 0.12
BEST = (0.8 * 0.20 + 0.2 * 0.15 + 0.8 * 0.30 + 0.2 * 0.10) / 2
"""Mail who looks old, call who looks young: a fifth of them are taken for the other."""


@pytest.fixture(scope="module")
def rows() -> dict[tuple[str, str], Row]:
    return {(row.policy, row.by): row for row in compared("planted", planted(8_000))}


def test_intervals_of_constant_arms_hold_the_truth(rows: dict[tuple[str, str], Row]) -> None:
    for arm, truth in (("call", CALL), ("mail", MAIL), ("nothing", NOTHING)):
        for estimator in ("replay", "ips", "snips", "dr"):
            found = rows[f"always {arm}", estimator]
            assert found.low < truth < found.high, found


@pytest.mark.parametrize("arm", ["call", "mail", "nothing"])
def test_ips_is_that_of_vowpal_wabbit(rows: dict[tuple[str, str], Row], arm: str) -> None:
    ours, theirs = rows[f"always {arm}", "ips"], rows[f"always {arm}", "vw ips"]
    assert ours.value == pytest.approx(theirs.value, abs=1e-5)
    doubly_robust = rows[f"always {arm}", "vw dr"].value
    assert ours.low < doubly_robust < ours.high


def test_the_learnt_policy_is_worth_what_the_best_one_is(
    rows: dict[tuple[str, str], Row],
) -> None:
    found = rows["learnt", "dr"]
    assert found.low < BEST < found.high
    assert found.value > CALL
    assert is_met(list(rows.values()))


def test_a_policy_below_the_best_arm_misses_the_goal() -> None:
    made = [
        Row("log", "always call", 0.5, 0.4, 0.6, "replay"),
        Row("log", "learnt", 0.2, 0.1, 0.3, "replay"),
    ]
    assert not is_met(made)
