"""The capacity curve: computed when asked for, one at a time."""

import asyncio

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
from touchstream.agents.report.capacities import Foreseen, TooLittle
from touchstream.schemas.rules import BandRules, Thresholds
from touchstream.web.console.app import console_app
from touchstream.web.console.tuning import Tuning

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


async def test_a_rep_does_not_see_the_page() -> None:
    async with browser(console_app(settings_with_reps(), ports())) as client:
        await sign_in(client, ADA_KEY)
        assert (await client.get("/tuning")).status_code == 403
        assert "/tuning" not in (await client.get("/overview")).text
