"""The model's page, and the roll back by operators."""

import msgspec

from tests.web.console_client import (
    ADA_KEY,
    LALE_KEY,
    OLE_KEY,
    browser,
    ports,
    settings_with_reps,
    sign_in,
    token_in,
)
from touchstream.agents.active_config import LEARNER, about_id, version_id
from touchstream.agents.checkpoint import About, Checkpoint
from touchstream.agents.serving import wanted
from touchstream.agents.stores.base import Commit, Fence
from touchstream.agents.stores.memory import MemoryStore
from touchstream.schemas.rules import Rules
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.streams.learn.learner import version_of
from touchstream.streams.learn.snapshot import digest, seal
from touchstream.web.console.app import console_app


async def store_with_versions() -> MemoryStore:
    """Versions 1 and 2, of which 2 is served."""
    store = MemoryStore()
    knowledge = Knowledge.new(FEATURES, Rules())
    states: dict[str, bytes | None] = {}
    for number in (1, 2):
        knowledge.version = number
        version = version_of(knowledge)
        states[version_id(number)] = seal(version)
        states[about_id(number)] = msgspec.json.encode(About(digest(version), number, 10 * number))
    checkpoint = Checkpoint(knowledge=knowledge, served=2, written=7)
    record = msgspec.json.encode(checkpoint)
    await store.commit([Commit(LEARNER, None, Fence(1, 1), record, states=states)])
    return store


async def test_versions_and_trials_are_shown() -> None:
    app = console_app(settings_with_reps(), ports(await store_with_versions()))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        page = (await client.get("/model")).text
    assert '<tr aria-current="true"><th scope="row" class="n">2</th>' in page
    assert "<td>recency</td>" in page
    assert "Serve this" not in page


async def test_an_operator_rolls_back_by_the_wish_of_the_command() -> None:
    store = await store_with_versions()
    async with browser(console_app(settings_with_reps(), ports(store))) as client:
        await sign_in(client, OLE_KEY)
        token = token_in(await client.get("/model"))
        answer = await client.post("/model/serve", data={"version": "1", "csrf": token})
        assert answer.status_code == 303
        assert (await wanted(store)).serve == 1
        await client.post("/model/serve", data={"version": "newest", "csrf": token})
        assert (await wanted(store)).serve is None


async def test_a_version_that_cannot_be_served_is_refused_with_the_reason() -> None:
    store = await store_with_versions()
    async with browser(console_app(settings_with_reps(), ports(store))) as client:
        await sign_in(client, OLE_KEY)
        token = token_in(await client.get("/model"))
        answer = await client.post("/model/serve", data={"version": "9", "csrf": token})
    assert answer.status_code == 409
    assert "version 9 is not in Redis" in answer.text
    assert (await wanted(store)).serve is None


async def test_a_lead_may_not_choose_the_version() -> None:
    store = await store_with_versions()
    async with browser(console_app(settings_with_reps(), ports(store))) as client:
        await sign_in(client, LALE_KEY)
        token = token_in(await client.get("/model"))
        answer = await client.post("/model/serve", data={"version": "1", "csrf": token})
    assert answer.status_code == 403
    assert (await wanted(store)).serve is None


async def test_without_a_learner_the_page_says_so() -> None:
    async with browser(console_app(settings_with_reps(), ports())) as client:
        await sign_in(client, ADA_KEY)
        assert "No learner has run yet" in (await client.get("/model")).text
