from bench.cost import Cost
from bench.throughput import Found, report

FOUND: Found = {
    "core": [Cost(40.0, 38.0)],
    "store": [Cost(10.0, 5.0)],
    "worker_embedded": [Cost(60.0, 50.0)],
    "worker": [Cost(70.0, 50.0)],
    "stock_agent": [Cost(700.0, 500.0)],
    "stock_engine": [Cost(200.0, 180.0)],
}


def test_ratios_are_told_by_the_clock_and_by_cpu() -> None:
    output = report(FOUND)
    assert output["by_wall"] == {
        "stock_over_worker": 10.0,
        "worker_beyond_core_us": 30.0,
        "beyond_core_over_stock_engine": 0.15,
    }
    assert output["by_cpu"] == {
        "stock_over_worker": 10.0,
        "worker_beyond_core_us": 12.0,
        "beyond_core_over_stock_engine": 0.067,
    }


def test_a_worker_that_costs_too_much_beyond_the_core_does_not_meet_what_is_wanted() -> None:
    output = report({**FOUND, "worker": [Cost(81.0, 50.0)]})
    assert output["met"] == {"by_wall": False, "by_cpu": True}


def test_a_worker_less_than_five_times_as_fast_does_not_meet_what_is_wanted() -> None:
    output = report({**FOUND, "stock_agent": [Cost(349.0, 249.0)]})
    assert output["met"] == {"by_wall": False, "by_cpu": False}
