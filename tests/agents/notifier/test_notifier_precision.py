"""Precision over rated alerts: what the notifier stored, by kind and queue."""

from tests.agents.notifier.harness import NotifierUnderTest, ms
from tests.agents.notifier.test_notifier_rounds import settings
from touchstream.agents.notifier.book import Tally
from touchstream.agents.notifier.precision import PrecisionRow, alert_precision, summed
from touchstream.agents.notifier.record import NOTIFIER
from touchstream.agents.stores.base import Holding
from touchstream.agents.stores.memory import MemoryStore


async def test_the_rows_are_read_from_what_the_notifier_stored() -> None:
    one = NotifierUnderTest(settings(), "2026-12-01 09:00")
    for customer, rating in (("c1", "useful"), ("c2", "noise"), ("c3", None), ("c4", None)):
        one.raise_alert(customer)
        one.clear(customer, "resolved", rating)  # type: ignore[arg-type]
    found = await alert_precision(await stored(one), 1, one.now_ms)
    assert found.rows == [PrecisionRow("churn", "support", 4, 2, 1, 0.5, 0.5)]
    assert found.total == PrecisionRow("", "", 4, 2, 1, 0.5, 0.5)


async def test_the_last_days_are_counted_today_among_them() -> None:
    one = NotifierUnderTest(settings(), "2026-11-29 23:59")
    for day in ("2026-11-29 23:59", "2026-11-30 00:00", "2026-12-01 00:00"):
        one.now_ms = ms(day)
        one.raise_alert("c1")
        one.clear("c1", "resolved", "useful")
    store = await stored(one)
    ended = [(await alert_precision(store, days, one.now_ms)).total.ended for days in (1, 2, 3, 90)]
    assert ended == [1, 2, 3, 3]


async def test_without_alerts_nothing_is_known() -> None:
    found = await alert_precision(MemoryStore(), 28, ms("2026-12-01 09:00"))
    assert (found.rows, found.total) == ([], PrecisionRow("", "", 0, 0, 0, None, None))


def test_the_precision_of_alerts_that_nobody_rated_is_unknown_and_not_zero() -> None:
    [row] = summed([Tally("020788", {"churn|support|unrated": 3})]).rows
    assert (row.share_rated, row.precision) == (0.0, None)


def test_all_rated_as_noise_is_zero() -> None:
    [row] = summed([Tally("020788", {"churn|support|noise": 3})]).rows
    assert row.precision == 0.0


def test_queues_with_any_name_keep_rows_of_their_own() -> None:
    counts = {"churn|a|b|useful": 2, "churn|a|noise": 1, "return|a|unrated": 1}
    rows = summed([Tally("020788", counts), Tally("020789", counts)]).rows
    assert [(row.kind, row.queue, row.ended) for row in rows] == [
        ("churn", "a|b", 4),
        ("churn", "a", 2),
        ("return", "a", 2),
    ]


async def stored(one: NotifierUnderTest) -> MemoryStore:
    """A store that holds the notifier's states."""
    store = MemoryStore()
    holdings = [Holding(name, data, 0, {}) for name, data in one.stored.items()]
    await store.put_holdings(NOTIFIER, holdings)
    return store
