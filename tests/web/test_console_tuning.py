"""The capacity curve: computed when asked for, one at a time."""

import asyncio
import re

import msgspec

from tests.web.console_client import (
    ADA_KEY,
    LALE_KEY,
    browser,
    ports,
    settings_with_reps,
    sign_in,
    token_in,
)
from touchstream.agents.cli.bands import Answer
from touchstream.agents.notifier.book import Tally, tally_day
from touchstream.agents.notifier.record import NOTIFIER
from touchstream.agents.report.capacities import Foreseen, TooLittle
from touchstream.agents.stores.base import Holding
from touchstream.agents.stores.memory import MemoryStore
from touchstream.schemas.rules import BandRules, Thresholds
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.web.console.app import console_app
from touchstream.web.console.pages import now_ms
from touchstream.web.console.tuning import Tuning

TAG = re.compile("<[^>]*>")
THRESHOLDS = Thresholds(medium_enter=0.3, medium_leave=0.25, high_enter=0.612, high_leave=0.5)


def foreseen(per_day: float, asked: bool) -> Foreseen:
    return Foreseen(
        asked=asked,
        high_per_day=per_day,
        high_share_per_day=None,
        customers_per_day=per_day,
        thresholds=THRESHOLDS,
        alarms_per_day=per_day / 2,
    )


async def curve(bands: BandRules) -> Answer:
    assert bands.high_per_day == 12.5
    return Answer([foreseen(12.5, asked=True), foreseen(25.0, asked=False)], ["a note"])


async def nothing(_bands: BandRules) -> Answer:
    raise TooLittle("no customer is known yet")


async def test_the_curve_appears_once_it_is_computed() -> None:
    app = console_app(settings_with_reps(), ports(), compute=curve)
    async with browser(app) as client:
        await sign_in(client, LALE_KEY)
        before = await client.get("/tuning")
        assert "Nothing has been computed" in before.text
        data = {"capacity": "12.5", "csrf": token_in(before)}
        assert (await client.post("/tuning", data=data)).status_code == 303
        await app.state.tuning.wait()
        page = (await client.get("/tuning")).text
    assert '<td class="n">0.612</td>' in page
    assert "high_per_day = 12.5" in page
    assert "a note" in page


async def test_the_reason_for_no_curve_is_shown() -> None:
    app = console_app(settings_with_reps(), ports(), compute=nothing)
    async with browser(app) as client:
        await sign_in(client, LALE_KEY)
        token = token_in(await client.get("/tuning"))
        await client.post("/tuning", data={"csrf": token})
        await app.state.tuning.wait()
        assert "no customer is known yet" in (await client.get("/tuning")).text


async def test_two_requests_at_once_compute_once() -> None:
    begun, go_on = 0, asyncio.Event()

    async def slow(_bands: BandRules) -> Answer:
        nonlocal begun
        begun += 1
        await go_on.wait()
        return Answer([foreseen(1.0, asked=True)], [])

    tuning = Tuning(slow)
    tuning.start(BandRules())
    tuning.start(BandRules())
    await asyncio.sleep(0)
    assert tuning.is_computing
    go_on.set()
    await tuning.wait()
    assert (begun, tuning.is_computing) == (1, False)


async def test_precision_stands_beside_the_share_rated_by_kind_and_queue() -> None:
    store = MemoryStore()
    await store.put_holdings(
        NOTIFIER,
        [
            tallied(1, {"churn|support|useful": 3, "churn|support|noise": 1}),
            tallied(2, {"churn|support|unrated": 4, "upgrade|retention|unrated": 2}),
            tallied(40, {"churn|support|noise": 90}),
        ],
    )
    async with browser(console_app(settings_with_reps(), ports(store))) as client:
        await sign_in(client, LALE_KEY)
        page = (await client.get("/tuning")).text
        assert cells(page) == [
            ["May leave", "support", "8", "4", "50.0%", "3", "75.0% n = 4"],
            ["upgrade", "retention", "2", "0", "0.0%", "0", "unknown"],
            ["All", "10", "4", "40.0%", "3", "75.0% n = 4"],
        ]
        longer = (await client.get("/tuning", params={"days": 90})).text
        assert cells(longer)[0][-1] == "3.2% n = 94"
        assert (await client.get("/tuning", params={"days": 91})).status_code == 422


async def test_before_the_first_alert_has_ended_no_precision_is_shown() -> None:
    async with browser(console_app(settings_with_reps(), ports())) as client:
        await sign_in(client, LALE_KEY)
        page = (await client.get("/tuning")).text
    assert "No alert ended in these days" in page
    assert cells(page) == []


def tallied(days_ago: int, counts: dict[str, int]) -> Holding:
    """A day's tally, as the notifier stores it."""
    day = tally_day(Millis(now_ms() - days_ago * DAY_MS))
    return Holding(f"tally/{day}", msgspec.json.encode(Tally(day, counts)), 0, {})


def cells(page: str) -> list[list[str]]:
    """The table of precision, row by row, without its head."""
    [section] = re.findall(r'<section aria-labelledby="h-precision">(.*?)</section>', page, re.S)
    rows = re.findall(r"<tr>(.*?)</tr>", section, re.S)[1:]
    return [[TAG.sub("", one) for one in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]


async def test_a_rep_does_not_see_the_page() -> None:
    async with browser(console_app(settings_with_reps(), ports())) as client:
        await sign_in(client, ADA_KEY)
        assert (await client.get("/tuning")).status_code == 403
        assert "/tuning" not in (await client.get("/overview")).text
