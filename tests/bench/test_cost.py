from bench.cost import Cost, cost, middle, quantile


def test_seconds_are_spread_over_events_in_microseconds() -> None:
    assert cost(wall_s=2.0, cpu_s=1.5, events=100_000) == Cost(20.0, 15.0)


def test_the_median_of_wall_and_of_cpu_are_taken_apart() -> None:
    assert middle([Cost(3.0, 1.0), Cost(9.0, 2.0), Cost(4.0, 8.0)]) == Cost(4.0, 2.0)


def test_a_quantile_is_one_of_the_values() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert [quantile(values, share) for share in (0.5, 0.99, 1.0)] == [50.0, 99.0, 100.0]
