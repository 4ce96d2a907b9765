"""The comparison of ways to choose alerts, on alerts that are counted by hand and in a world."""

import orjson
import pytest

from bench.alerts import __main__ as command
from bench.alerts.choosing import RANKINGS, capacity_of, ratio_of, saved_by
from bench.alerts.pools import GROUPS, Evening, Offered


def alert_of(customer: str, risk: float, value_minor: float, saved: float) -> Offered:
    """The alert of a customer with a plan that only streamers have."""
    everywhere = dict.fromkeys(GROUPS, saved)
    return Offered(customer, "basic", risk, risk * value_minor, value_minor, everywhere)


ADA = alert_of("ada", risk=0.9, value_minor=1_000, saved=0.5)
BOB = alert_of("bob", risk=0.5, value_minor=9_000, saved=0.2)
CY = alert_of("cy", risk=0.4, value_minor=8_000, saved=0.25)


@pytest.mark.parametrize(
    ("ranking", "saved"),
    [
        ("risk", {"ada": 500.0}),
        ("priority", {"bob": 1_800.0}),
        ("plan_known", {"bob": 1_800.0}),
        ("true_value", {"bob": 1_800.0}),
        ("best", {"cy": 2_000.0}),
    ],
    ids=list(RANKINGS),
)
def test_the_first_of_each_ranking_is_seen_to(ranking: str, saved: dict[str, float]) -> None:
    evening = Evening([ADA, BOB, CY], raised=3)
    assert saved_by(RANKINGS[ranking], [evening], "everyone", per_day=1) == pytest.approx(saved)


def test_an_acceptance_that_is_known_weighs_against_the_value() -> None:
    dan = Offered("dan", "team", 0.5, 1_000.0, 2_000, dict.fromkeys(GROUPS, 0.25))
    evening = Evening([BOB, dan], raised=2)  # 4,500 x 0.2 and 1,000 x 1
    chosen = [saved_by(RANKINGS[name], [evening], "business", 1) for name in RANKINGS]
    assert [list(saved) for saved in chosen] == [["bob"], ["bob"], ["dan"], ["bob"], ["bob"]]


def test_nobody_is_seen_to_twice_within_a_horizon() -> None:
    evenings = [Evening([ADA, BOB], raised=0)] * 29
    saved = saved_by(RANKINGS["risk"], evenings, "everyone", per_day=1)
    assert saved == {"ada": 1_000.0, "bob": 1_800.0}  # ada on the first evening and the last


def test_a_capacity_is_a_share_of_what_is_raised_and_never_none() -> None:
    evenings = [Evening([], raised=6), Evening([], raised=10)]
    assert [capacity_of(evenings, share) for share in (0.01, 0.25, 1.0)] == [1, 2, 8]


def test_the_interval_of_a_ratio_holds_it_and_is_the_same_twice() -> None:
    above = {f"c{number}": 2.0 + number % 3 for number in range(60)}
    below = dict.fromkeys(above, 1.0)
    first = ratio_of(above, below)
    assert first.value == pytest.approx(3.0)
    assert 2.5 < first.low < 3.0 < first.high < 3.5
    assert ratio_of(above, below) == first


@pytest.mark.slow
def test_in_a_small_world_the_truth_saves_at_least_what_risk_alone_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["--seeds", "1", "--customers", "150", "--days", "130", "--processes", "1"]
    command.main(arguments)
    lines = capsys.readouterr().out.splitlines()
    rows = [orjson.loads(line) for line in lines if line.startswith("{")]
    assert len(rows) == len(GROUPS) * len(command.SHARES)
    assert all(row["ratios"]["best"]["value"] >= 1.0 for row in rows if row["share"] < 1)
    assert [row["group"] for row in rows if "met" in row] == [command.GOAL_GROUP]
    assert lines[len(rows)].startswith("saveable")
