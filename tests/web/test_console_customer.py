"""A customer's page: what is shown to whom."""

import msgspec
import pytest

from tests.make import days, silent, state_of
from tests.web.console_client import (
    ADA_KEY,
    LALE_KEY,
    ListedAlerts,
    Recorder,
    browser,
    ports,
    settings_with_reps,
    sign_in,
    token_in,
)
from tests.web.queue_rows import row
from touchstream.agents.stores.base import Commit, Fence
from touchstream.agents.stores.memory import MemoryStore
from touchstream.schemas.shards import shard_name
from touchstream.streams.checkpoint import ShardCheckpoint, encode_checkpoint
from touchstream.streams.decide.bands import Crossing
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.profiles.profile import Fact, Profile, Ticket
from touchstream.streams.projections.relation import Relation, RelationState
from touchstream.streams.state import Slot, encode
from touchstream.web.console.app import console_app


def profile(owner: str) -> Profile:
    attributes: dict[str, str | int] = {
        "owner": owner,
        "plan": "large",
        "email": "cy@example.com",
        "shoe": 43,
    }
    return Profile(
        first_seen_ms=days(1),
        last_seen_ms=days(9),
        attributes={name: Fact(days(2), value) for name, value in attributes.items()},
        tickets={
            "t-1": Ticket(days(3), 0, days(3), open=True),
            "t-2": Ticket(days(5), 2, days(4), open=False),
        },
    )


async def store_with(
    owner: str, customer: str = "cy", relation: RelationState | None = None
) -> MemoryStore:
    store = MemoryStore()
    crossing = Crossing(days(8), up=True)
    state = state_of(profile=profile(owner), risk=0.83, band="high", crossing=crossing)
    if relation is not None:
        slots = (*state.slots, Slot(Relation.slot, None, relation))
        state = msgspec.structs.replace(state, slots=slots)
    shard = shard_name(partition_of(customer.encode(), 2))
    record = encode_checkpoint(ShardCheckpoint(tick=7, watermark_ms=days(9)))
    await store.commit([Commit(shard, None, Fence(1, 1), record, states={customer: encode(state)})])
    return store


async def page_of(key: str, owner: str) -> str:
    app = console_app(settings_with_reps(), ports(await store_with(owner)))
    async with browser(app) as client:
        await sign_in(client, key)
        page = await client.get("/customers/cy")
    assert page.status_code == 200
    return page.text


async def test_risk_tickets_and_timeline_of_a_customer() -> None:
    page = await page_of(ADA_KEY, "ada")
    assert '<dd class="high">83%</dd>' in page
    assert "<li>t-1 <small>4 Jan 1997, 00:00</small></li>" in page
    assert "<li>t-2 <small>" not in page
    assert "Ticket resolved: t-2" in page
    assert "Entered a higher band" in page
    assert "As of tick 7" in page


async def test_personal_data_of_own_customers_are_shown() -> None:
    page = await page_of(ADA_KEY, "ada")
    assert "<dt>email</dt><dd>cy@example.com</dd>" in page


@pytest.mark.parametrize("name", ["email", "shoe"])
async def test_of_other_customers_a_rep_sees_only_what_identifies_nobody(name: str) -> None:
    page = await page_of(ADA_KEY, "bob")
    assert f'<dt>{name}</dt><dd><span class="masked">masked</span></dd>' in page
    assert "<dt>plan</dt><dd>large</dd>" in page
    assert "cy@example.com" not in page
    assert "shoe = 43" not in page


async def test_a_lead_sees_personal_data_of_everybody() -> None:
    assert "<dt>email</dt><dd>cy@example.com</dd>" in await page_of(LALE_KEY, "bob")


async def test_an_unknown_customer_is_said_to_be_unknown() -> None:
    app = console_app(settings_with_reps(), ports(await store_with("ada")))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        page = await client.get("/customers/dan")
    assert page.status_code == 404
    assert "There is no customer dan." in page.text


async def test_any_id_is_found_by_the_search() -> None:
    customer = "a/b ?&#"
    app = console_app(settings_with_reps(), ports(await store_with("ada", customer)))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        found = await client.get("/customers", params={"id": f" {customer} "})
        assert found.status_code == 303
        page = await client.get(found.headers["location"])
    assert page.status_code == 200
    assert "<h1>a/b ?&amp;#" in page.text


SILENT = silent(40.0, None)
CYS = row("cy", "a1", score=9_600.0)._replace(
    reasons=(SILENT,), loss=0.8, value_from="subscription"
)


async def test_an_open_alert_stands_on_top_with_the_parts_of_its_priority() -> None:
    alerts = ListedAlerts(ada=[CYS])
    app = console_app(settings_with_reps(), ports(await store_with("ada"), alerts))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        page = (await client.get("/customers/cy")).text
    assert page.index("Open alerts") < page.index('id="h-why"')
    assert "Priority 96 = 80% risk \N{MULTIPLICATION SIGN} 120 EUR" in page
    assert "Value: a year, for the most part of their subscription." in page
    assert "Saveability: not learnt yet" in page
    # Without a model the reasons are those of the alert.
    assert '<th scope="row">silent for 40 days</th><td class="n high">+1.20</td>' in page


async def test_reasons_are_told_in_the_language_of_the_rep() -> None:
    settings = settings_with_reps()
    ada = settings.reps[0].model_copy(update={"language": "tr"})
    settings = settings.model_copy(update={"reps": (ada, *settings.reps[1:])})
    alerts = ListedAlerts(ada=[CYS])
    async with browser(console_app(settings, ports(await store_with("ada"), alerts))) as client:
        await sign_in(client, ADA_KEY)
        page = (await client.get("/customers/cy")).text
    assert '<th scope="row">40 gündür' in page
    assert "silent for" not in page


async def test_an_alert_is_answered_on_the_page_of_its_customer() -> None:
    events = Recorder()
    alerts = ListedAlerts(ada=[CYS])
    app = console_app(settings_with_reps(), ports(await store_with("ada"), alerts, events))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        page = await client.get("/customers/cy")
        form = {"csrf": token_in(page), "customer": "cy"}
        drawn = await client.post("/alerts/a1/done", data=form, headers={"hx-request": "true"})
        assert "Done, being applied" in drawn.text
        assert "open alert" not in drawn.text
        link = (await client.get("/alerts/a1/snooze", params={"customer": "cy"})).text
        assert '<a class="button" href="/customers/cy">' in link
        plain = await client.post("/alerts/a1/snooze", data=form)
    assert plain.headers["location"] == "/customers/cy"
    assert [one.data["verdict"] for one in events.events] == ["resolved", "snoozed"]


async def test_a_rep_sees_the_alert_of_another_but_cannot_answer_it() -> None:
    events = Recorder()
    alerts = ListedAlerts(bob=[CYS._replace(owner="bob")])
    app = console_app(settings_with_reps(), ports(await store_with("bob"), alerts, events))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        page = await client.get("/customers/cy")
        assert "This alert is another rep&#39;s" in page.text
        assert "/alerts/a1/done" not in page.text
        form = {"csrf": token_in(page), "customer": "cy"}
        assert (await client.post("/alerts/a1/done", data=form)).status_code == 410
    assert events.events == []


async def test_a_former_customer_has_a_chance_of_coming_back_and_its_reasons() -> None:
    gone = RelationState(snapshot_due_ms=days(20), status="lapsed")
    coming = CYS._replace(kind="return", risk=0.31, loss=0.69)
    store = await store_with("ada", relation=gone)
    app = console_app(settings_with_reps(), ports(store, ListedAlerts(ada=[coming])))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        page = (await client.get("/customers/cy")).text
    assert '<dt>Chance of coming back</dt><dd class="">31%</dd>' in page
    assert "Risk: that the customer stays away." in page
    assert "above 0 speaks for coming back" in page
    assert "Nothing can be said" not in page
