"""axe-core finds nothing serious or critical on any page, light or dark."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.browser.browsing import Scheme, chromium, complaints, page_at, served, sign_in
from tests.browser.console_world import lived, put_into
from tests.services import require
from tests.web.console_client import (
    OLE_KEY,
    ListedAlerts,
    WrittenLog,
    ports,
    settings_with_reps,
)
from tests.web.queue_rows import row
from tests.web.test_console_log import reading, recommendation, touchpoint
from tests.web.test_console_tuning import curve, tallied
from touchstream.agents.notifier.record import NOTIFIER
from touchstream.agents.stores.memory import MemoryStore
from touchstream.web.console.app import console_app

pytestmark = pytest.mark.integration

CUSTOMERS, DAYS = 20, 50


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    require("chromium")
    async with chromium() as opened:
        yield opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_shuts_anybody_out(browser: Browser, scheme: Scheme) -> None:
    store, town = MemoryStore(), lived(CUSTOMERS, DAYS)
    await put_into(store, town)
    await store.put_holdings(
        NOTIFIER, [tallied(1, {"churn|support|useful": 3, "return|a|noise": 1})]
    )
    alerts = ListedAlerts(ada=[row("c000002"), row("c000003", band="medium", kind="return")])
    settings = settings_with_reps().model_copy(update={"rules": town.rules})
    one_shard = settings.kafka.model_copy(update={"partitions": 1})
    settings = settings.model_copy(update={"kafka": one_shard})
    outcome = touchpoint("action.outcome", decision="d1", action="send_offer", outcome="seen")
    log = WrittenLog(reading(outcome, actions=(recommendation("d1"),)))
    app = console_app(settings, ports(store, alerts, log=log), compute=curve)
    found: dict[str, list[str]] = {}
    async with (
        served(app) as address,
        page_at(browser, address, scheme, checks_policy=False) as page,
    ):
        await page.goto("/sign-in")
        found["/sign-in"] = await complaints(page)
        await sign_in(page, OLE_KEY)
        found["/queue"] = await complaints(page)
        await page.goto("/tuning")
        await page.get_by_label("Customers a day").fill("12.5")
        await page.get_by_role("button", name="Compute").click()
        await page.get_by_role("img", name="Alarms by capacity").wait_for()
        found["/tuning"] = await complaints(page)
        paths = ("/overview", "/customers", "/customers/c000002", "/model", "/nowhere")
        for path in (*paths, "/customers/c000002/log", "/alerts/alert-c000002/outcome"):
            await page.goto(path)
            found[path] = await complaints(page)
    assert found == {path: [] for path in found}
    assert len(found) == 10
