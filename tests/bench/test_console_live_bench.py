"""The benchmark of the open consoles: every client sees every alert."""

from bench.console_live import OPEN_S, measure


async def test_two_clients_see_every_alert_of_a_short_measurement() -> None:
    found = await measure(None, clients=2, rate=20, seconds=OPEN_S + 1.2)
    assert (found["clients"], found["alerts"], found["missed"]) == (2, 2, 0)
    assert isinstance(found["console_ms"], dict)
    assert 0 < found["console_ms"]["p50"] <= found["console_ms"]["worst"]
