"""Rows of the queue out of the store's indexes."""

import msgspec

from tests.make import days, state_of
from touchstream.agents.stores.base import Commit, Fence
from touchstream.agents.stores.memory import MemoryStore
from touchstream.streams.projections.alert_state import AlertsState, OpenAlert, Snoozed
from touchstream.streams.projections.alerts import Alerts as AlertsProjection
from touchstream.streams.projections.indexes import alert_indexes
from touchstream.streams.state import Slot, State, encode
from touchstream.web.console.rows import EVERYBODY
from touchstream.web.console.stored_alerts import StoredAlerts

SHARDS = ("p0", "p1")


def alert(number: int, millionths: int, snoozed: Snoozed | None = None) -> OpenAlert:
    return OpenAlert(
        kind="churn",
        id=bytes([number] * 4),
        raised_ms=days(5),
        expires_ms=days(19),
        band="high",
        millionths=millionths,
        value_minor=10_000,
        value_from="orders",
        action="call",
        decision=b"\x00\xff",
        snoozed=snoozed,
    )


def state_with(alerts: AlertsState, risk: float) -> State:
    state = state_of(risk=risk, band="high")
    slots = sorted(
        [*state.slots, Slot(AlertsProjection.slot, None, alerts)], key=lambda slot: slot.number
    )
    return msgspec.structs.replace(state, slots=tuple(slots))


async def commit(store: MemoryStore, shard: str, **customers: AlertsState) -> None:
    indexes: dict[str, dict[str, float | None]] = {}
    for customer, alerts in customers.items():
        for index, score in alert_indexes(alerts).items():
            indexes.setdefault(index, {})[customer] = score
    states = {customer: encode(state_with(alerts, 0.5)) for customer, alerts in customers.items()}
    [found] = await store.read_checkpoints([shard])
    commits = 1 if found.fence is None else found.fence.commits + 1
    fence = Fence(commits, commits)
    assert await store.commit(
        [Commit(shard, found.fence, fence, b"{}", states=states, indexes=indexes)]
    ) == [True]


async def filled() -> MemoryStore:
    store = MemoryStore()
    sleeping = alert(3, 700_000, Snoozed(until_ms=days(9)))
    await commit(
        store,
        "p0",
        cy=AlertsState("retention", "ada", (alert(1, 600_000),)),
        dan=AlertsState("retention", None, (alert(2, 900_000),)),
    )
    await commit(store, "p1", eve=AlertsState("retention", "ada", (sleeping,)))
    return store


async def test_lists_of_a_rep_of_a_queue_and_of_everybody() -> None:
    alerts = StoredAlerts(await filled(), SHARDS, ["retention"], "EUR")
    found = await alerts.open_alerts(["ada", "retention", EVERYBODY], 10)
    customers = {one: [row.customer for row in rows] for one, rows in found.items()}
    assert customers == {
        "ada": ["eve", "cy"],
        "retention": ["dan", "eve", "cy"],
        EVERYBODY: ["dan", "eve", "cy"],
    }
    sleeping, awake = found["ada"]
    assert (sleeping.snoozed_until_ms, awake.snoozed_until_ms) == (days(9), None)
    assert (awake.alert, awake.risk, awake.score) == ("01010101", 0.6, 6_000.0)
    assert (awake.action, awake.decision, awake.owner) == ("call", "00ff", "ada")


async def test_a_queue_that_owns_a_customer_has_their_alerts_and_each_once() -> None:
    store = await filled()
    await commit(store, "p1", fay=AlertsState("elsewhere", "retention", (alert(4, 500_000),)))
    await commit(store, "p1", gus=AlertsState("retention", "retention", (alert(5, 400_000),)))
    alerts = StoredAlerts(store, SHARDS, ["retention", "elsewhere"], "EUR")
    found = (await alerts.open_alerts(["retention"], 10))["retention"]
    assert [row.customer for row in found] == ["dan", "eve", "cy", "fay", "gus"]


async def test_an_alert_leads_to_its_customer_while_it_is_open() -> None:
    alerts = StoredAlerts(await filled(), SHARDS, ["retention"], "EUR")
    assert await alerts.customer_of("01010101") == "cy"
    assert await alerts.customer_of("99999999") is None


async def test_the_limit_is_of_each_list_over_all_shards() -> None:
    alerts = StoredAlerts(await filled(), SHARDS, ["retention"], "EUR")
    found = await alerts.open_alerts([EVERYBODY], 2)
    assert [row.customer for row in found[EVERYBODY]] == ["dan", "eve"]


async def test_an_unchanged_state_is_not_decoded_again_and_a_changed_one_is() -> None:
    store = await filled()
    alerts = StoredAlerts(store, SHARDS, ["retention"], "EUR")
    [cy_before] = (await alerts.open_alerts(["ada"], 10))["ada"][1:]
    # A page reads another list in between.
    await alerts.open_alerts(["retention"], 1)
    [cy_same] = (await alerts.open_alerts(["ada"], 10))["ada"][1:]
    assert cy_same is cy_before
    await commit(store, "p0", cy=AlertsState("retention", "ada", (alert(1, 950_000),)))
    [cy_after, _] = (await alerts.open_alerts(["ada"], 10))["ada"]
    assert (cy_after.customer, cy_after.risk) == ("cy", 0.95)
