"""The overview: bands, entries, records, measures, and the model against both baselines."""

import msgspec

from tests.web.console_client import (
    ADA_KEY,
    WrittenLog,
    browser,
    ports,
    settings_with_reps,
    sign_in,
)
from touchstream.agents.active_config import LEARNER
from touchstream.agents.checkpoint import Checkpoint
from touchstream.agents.stores.base import Commit, Fence
from touchstream.agents.stores.memory import MemoryStore
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.rules import Rules
from touchstream.streams.checkpoint import ShardCheckpoint, encode_checkpoint
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.web.console.app import console_app

MEASURED = {
    "800:2026-11-27": {"band_entries|high": 3, "band_entries|medium": 5},
    "800:2026-11-28": {"band_entries|high": 1, "band_entries|low": 4, "orders|EUR": 2},
}


async def filled() -> MemoryStore:
    """Two shards with three customers at risk, and a learner with two labels."""
    store = MemoryStore()
    checkpoint = ShardCheckpoint(
        tick=7,
        watermark_ms=parse_time("2026-11-29T00:00:00Z"),
        taken=50,
        counters={"dead": 2, "dead.broken": 2, "applied": 48},
    )
    record = encode_checkpoint(checkpoint)
    await store.commit(
        [
            Commit(
                *("p0", None, Fence(1, 1), record),
                measures=MEASURED,
                indexes={"risk.high": {"ada": 0.9, "bob": 0.8}, "risk.medium": {"cy": 0.5}},
            ),
            Commit("p1", None, Fence(1, 1), record),
        ]
    )
    knowledge = Knowledge.new(FEATURES, Rules())
    for risk, label in ((0.8, 1), (0.1, 0)):
        knowledge.churn.model_tally.add(risk, label)
    learner = msgspec.json.encode(Checkpoint(knowledge=knowledge))
    await store.commit([Commit(LEARNER, None, Fence(1, 1), learner)])
    return store


async def test_the_overview_adds_up_all_shards() -> None:
    async with browser(console_app(settings_with_reps(), ports(await filled()))) as client:
        await sign_in(client, ADA_KEY)
        page = (await client.get("/overview")).text
    assert '<dd class="high">2</dd>' in page
    assert '<dd class="medium">1</dd>' in page
    assert "<dt>Records so far</dt><dd>100</dd>" in page
    assert "<dt>Dead letters</dt><dd>4</dd>" in page
    assert '<th scope="row">11-27</th><td class="n">3</td><td class="n">5</td>' in page
    assert '<th scope="row">11-28</th><td class="n">1</td><td class="n">-</td>' in page
    assert '<th scope="row">broken</th><td class="n">4</td>' in page
    assert ">2 orders<" in page


async def test_who_enters_low_has_left_the_other_bands() -> None:
    async with browser(console_app(settings_with_reps(), ports(await filled()))) as client:
        await sign_in(client, ADA_KEY)
        page = (await client.get("/overview")).text
    exits = page[page.index("they left high or medium") :]
    assert '<th scope="row">11-28</th><td class="n">4</td></tr>' in exits


async def test_lag_is_the_end_of_a_partition_less_its_fence() -> None:
    log = WrittenLog(ends={0: 31, 1: 1})
    async with browser(console_app(settings_with_reps(), ports(await filled(), log=log))) as client:
        await sign_in(client, ADA_KEY)
        page = (await client.get("/overview")).text
    assert "<dt>Lag (records)</dt><dd>30</dd>" in page
    assert '<th scope="row">0</th><td class="n">30</td>' in page
    assert '<th scope="row">1</th><td class="n">0</td>' in page


async def test_without_a_broker_lag_is_unknown() -> None:
    async with browser(console_app(settings_with_reps(), ports(await filled()))) as client:
        await sign_in(client, ADA_KEY)
        page = (await client.get("/overview")).text
    assert "<dt>Lag (records)</dt><dd>-</dd>" in page
    assert '<th scope="row">0</th><td class="n">-</td>' in page


async def test_the_model_stands_beside_both_baselines() -> None:
    async with browser(console_app(settings_with_reps(), ports(await filled()))) as client:
        await sign_in(client, ADA_KEY)
        page = (await client.get("/overview")).text
    # -(ln 0.8 + ln 0.9) / 2 = 0.16425
    assert '<th scope="row">Churn model</th><td class="n">0.1642</td>' in page
    assert "Base rate" in page
    assert "Recency alone" in page
    assert '<th scope="row">0.80</th><td class="n">1.00</td><td class="n">1</td>' in page


async def test_an_empty_namespace_says_what_to_start() -> None:
    async with browser(console_app(settings_with_reps(), ports())) as client:
        await sign_in(client, ADA_KEY)
        page = await client.get("/overview")
    assert page.status_code == 200
    assert "Nothing is measured yet: start a worker and the learner." in page.text


async def test_the_language_of_the_rep_chooses_the_texts() -> None:
    settings = settings_with_reps()
    ada = settings.reps[0].model_copy(update={"language": "tr"})
    settings = settings.model_copy(update={"reps": (ada, *settings.reps[1:])})
    async with browser(console_app(settings, ports(await filled()))) as client:
        asked = await client.get("/sign-in", headers={"accept-language": "tr-TR,en;q=0.5"})
        assert "<h1>Oturum aç</h1>" in asked.text
        await sign_in(client, ADA_KEY)
        page = (await client.get("/overview")).text
    assert '<html lang="tr">' in page
    assert "<h1>Genel bak\N{LATIN SMALL LETTER DOTLESS I}ş</h1>" in page
