"""A customer's page: what is shown to whom."""

import pytest

from tests.make import days, state_of
from tests.web.console_client import (
    ADA_KEY,
    LALE_KEY,
    browser,
    ports,
    settings_with_reps,
    sign_in,
)
from touchstream.agents.stores.base import Commit, Fence
from touchstream.agents.stores.memory import MemoryStore
from touchstream.schemas.shards import shard_name
from touchstream.streams.checkpoint import ShardCheckpoint, encode_checkpoint
from touchstream.streams.decide.bands import Crossing
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.profiles.profile import Fact, Profile, Ticket
from touchstream.streams.state import encode
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


async def store_with(owner: str, customer: str = "cy") -> MemoryStore:
    store = MemoryStore()
    crossing = Crossing(days(8), up=True)
    state = state_of(profile=profile(owner), risk=0.83, band="high", crossing=crossing)
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
