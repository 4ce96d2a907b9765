"""Write a picture of every page, light and dark, and of the queue on a phone.

    python -m tests.browser.screenshots [FOLDER]

The pages are those of a simulated town on a real Redis; FOLDER is docs/images/console by default.
"""

import asyncio
import sys
from pathlib import Path

from playwright.async_api import Browser, Page

from tests.browser.browsing import DESKTOP, PHONE, Scheme, chromium, page_at, served, sign_in
from tests.browser.console_world import lived, put_into
from tests.web.console_client import OLE_KEY, Recorder, WrittenLog
from tests.web.test_console_tuning import tallied
from touchstream.agents.embedded.redis_server import start
from touchstream.agents.notifier.record import NOTIFIER
from touchstream.agents.settings import RepSettings, Settings
from touchstream.agents.stores.claims import open_claims
from touchstream.agents.stores.connect import open_store
from touchstream.web.console.app import Ports, console_app
from touchstream.web.console.principal import digest_of
from touchstream.web.console.serve import stored_alerts

FOLDER = Path(__file__).parents[2] / "docs" / "images" / "console"
COUNTS = {
    "churn|support|useful": 31,
    "churn|support|noise": 9,
    "churn|support|unrated": 58,
    "return|support|useful": 2,
    "return|support|noise": 3,
    "return|support|unrated": 11,
    "churn|vip|unrated": 4,
}
"""Alerts that ended yesterday."""
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


def settings_at(redis: str, town_rules: object) -> Settings:
    """One operator, one partition."""
    rep = RepSettings(id="ada", name="Ada", role="operator", key_sha256=digest_of(OLE_KEY))
    return Settings.model_validate(
        {
            "kafka": {"partitions": 1},
            "redis": {"url": redis},
            "reps": (rep,),
            "rules": town_rules,
        }
    )


async def pictures(folder: Path, redis: str) -> None:
    """Fill the Redis, and visit every page."""
    town = lived()
    settings = settings_at(redis, town.rules)
    store, claims = open_store(settings), open_claims(settings)
    await put_into(store, town)
    await store.put_holdings(NOTIFIER, [tallied(1, COUNTS)])
    ports = Ports(
        store, claims, stored_alerts(settings, store), Recorder(), WrittenLog(ends={0: 1})
    )
    async with served(console_app(settings, ports)) as address, chromium() as browser:
        for scheme in SCHEMES:
            await _visit(browser, address, folder, scheme)
        async with page_at(browser, address, size=PHONE) as page:
            await sign_in(page, OLE_KEY)
            await _picture(page, folder / "queue-phone.png")
    await claims.close()
    await store.close()


async def _visit(browser: Browser, address: str, folder: Path, scheme: Scheme) -> None:
    async with page_at(browser, address, scheme, DESKTOP) as page:
        await page.goto("/sign-in")
        await _picture(page, folder / f"sign-in-{scheme}.png")
        await sign_in(page, OLE_KEY)
        await _picture(page, folder / f"queue-{scheme}.png")
        await page.goto("/queue?kind=churn")
        may_leave = page.locator("#rows .row").filter(has=page.locator(".why li"))
        await may_leave.locator("h2 a").first.click()
        await page.get_by_role("heading", name="Open alerts").wait_for()
        await _picture(page, folder / f"customer-{scheme}.png")
        for name in ("overview", "model"):
            await page.goto(f"/{name}")
            await _picture(page, folder / f"{name}-{scheme}.png")
        await page.goto("/tuning")
        await page.get_by_role("button", name="Compute").click()
        await page.get_by_role("img", name="Alarms by capacity").wait_for()
        await _picture(page, folder / f"tuning-{scheme}.png")


async def _picture(page: Page, file: Path) -> None:
    await page.wait_for_load_state("load")
    await page.screenshot(path=file)


def main() -> None:
    """Start a Redis and take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    server = start()
    if server is None:
        raise SystemExit("no redis-server: apt install redis-server")
    with server:
        asyncio.run(pictures(folder, server.url))
    sys.stdout.write("".join(f"{file}\n" for file in sorted(folder.glob("*.png"))))


if __name__ == "__main__":
    main()
