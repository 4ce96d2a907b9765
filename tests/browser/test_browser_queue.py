"""A rep at work, in a browser."""

import re
import tomllib
from collections.abc import AsyncIterator
from hashlib import sha256

import pytest
from playwright.async_api import Browser, expect

from tests.browser.browsing import AXE, PHONE, chromium, page_at, served, sign_in
from tests.services import require
from tests.web.console_client import (
    ADA_KEY,
    LALE_KEY,
    ListedAlerts,
    Recorder,
    WrittenLog,
    ports,
    settings_with_reps,
)
from tests.web.queue_rows import row
from tests.web.test_console_customer import store_with
from tests.web.test_console_log import reading, touchpoint
from touchstream.web.console.app import console_app

pytestmark = pytest.mark.integration


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    require("chromium")
    async with chromium() as opened:
        yield opened


def three() -> ListedAlerts:
    return ListedAlerts(
        ada=[row("cy", score=300.0), row("dan", score=200.0), row("eve", score=100.0)]
    )


async def test_a_new_alert_appears_without_reload_and_keeps_what_was_chosen(
    browser: Browser,
) -> None:
    alerts = three()
    app = console_app(settings_with_reps(), ports(alerts=alerts))
    async with served(app) as address, page_at(browser, address) as page:
        await sign_in(page, ADA_KEY)
        await expect(page.locator(".row")).to_have_count(3)
        await page.keyboard.press("j")
        await page.keyboard.press("x")
        await page.evaluate("window.sameDocument = true")
        alerts.lists["ada"] = [row("fay", score=400.0), *alerts.lists["ada"]]
        await expect(page.locator(".row")).to_have_count(4)
        await expect(page.locator(".row").first).to_contain_text("fay")
        await expect(page.locator("#queue-count")).to_contain_text("4 open alerts")
        assert await page.evaluate("window.sameDocument")
        await expect(page.locator("#alert-alert-cy")).to_be_focused()
        await expect(page.get_by_label("Choose the alert about cy")).to_be_checked()


async def test_a_rep_answers_with_keys_alone(browser: Browser) -> None:
    recorder, alerts = Recorder(), three()
    app = console_app(settings_with_reps(), ports(alerts=alerts, publisher=recorder))
    async with served(app) as address, page_at(browser, address) as page:
        await sign_in(page, ADA_KEY)
        await page.keyboard.press("j")
        await expect(page.locator("#alert-alert-cy")).to_be_focused()
        await page.keyboard.press("d")
        await expect(page.locator("#alert-alert-cy")).to_contain_text("Done, being applied")
        await page.locator("#alert-alert-cy").focus()
        await page.keyboard.press("j")
        await page.keyboard.press("Shift+S")
        await page.get_by_label("Until").select_option("worse")
        await page.get_by_role("dialog").get_by_role("button", name="Snooze").click()
        await expect(page.locator("#alert-alert-dan")).to_contain_text("Snoozed, being applied")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await page.locator("#alert-alert-eve").focus()
        await page.keyboard.press("o")
        await page.get_by_role("dialog").get_by_role("button", name="Outcome").click()
        await expect(page.locator("#alert-alert-eve")).to_contain_text("Outcome noted")
        for key, shown in (
            ("u", "Done, being applied"),
            ("s", "Snoozed, being applied"),
            ("n", "Noise, being applied"),
        ):
            alerts.lists["ada"] = [row(f"{key}-customer")]
            await expect(page.locator("#rows")).to_contain_text(f"{key}-customer")
            await page.locator(".row").focus()
            await page.keyboard.press(key)
            await expect(page.locator(".row")).to_contain_text(shown)
    assert [(event.customer, event.kind) for event in recorder.events] == [
        ("cy", "alert.feedback"),
        ("dan", "alert.feedback"),
        ("eve", "action.outcome"),
        ("u-customer", "alert.feedback"),
        ("s-customer", "alert.feedback"),
        ("n-customer", "alert.feedback"),
    ]
    assert recorder.events[1].data["worse_by"] == 0.1
    ratings = [event.data.get("rating") for event in recorder.events]
    assert ratings == [None, None, None, "useful", None, "noise"]


async def test_a_claim_is_seen_live_by_another_rep_who_cannot_claim_it_too(
    browser: Browser,
) -> None:
    app = console_app(settings_with_reps(), ports(alerts=three()))
    async with (
        served(app) as address,
        page_at(browser, address) as ada,
        page_at(browser, address) as lale,
    ):
        await sign_in(ada, ADA_KEY)
        await sign_in(lale, LALE_KEY)
        await ada.locator("#alert-alert-dan").get_by_role("button", name="Claim").click()
        await expect(ada.locator("#alert-alert-dan")).to_contain_text("Yours")
        await expect(lale.locator("#alert-alert-dan")).to_contain_text("ada is on it")
        claim = lale.locator("#alert-alert-dan").get_by_role("button", name="Claim")
        await expect(claim).to_be_disabled()


async def test_after_a_restart_of_the_server_the_list_goes_on_by_itself(
    browser: Browser,
) -> None:
    alerts = three()
    settings = settings_with_reps(secret="0123456789abcdef")
    async with served(console_app(settings, ports(alerts=alerts))) as address:
        port = int(address.rpartition(":")[2])
        page_context = page_at(browser, address)
        page = await page_context.__aenter__()
        await sign_in(page, ADA_KEY)
        await expect(page.locator(".row")).to_have_count(3)
    alerts.lists["ada"] = [*alerts.lists["ada"], row("fay")]
    async with served(console_app(settings, ports(alerts=alerts)), port):
        await expect(page.locator(".row")).to_have_count(4)
        await page_context.__aexit__(None, None, None)


async def test_a_failed_answer_is_said_above_the_list(browser: Browser) -> None:
    app = console_app(
        settings_with_reps(), ports(alerts=three(), publisher=Recorder(answers=False))
    )
    async with served(app) as address, page_at(browser, address) as page:
        await sign_in(page, ADA_KEY)
        await page.locator("#alert-alert-cy").get_by_role("button", name="Done", exact=True).click()
        await expect(page.get_by_role("alert")).to_contain_text("Nothing was sent")
        await expect(page.locator(".row")).to_have_count(3)


async def test_chosen_alerts_are_answered_by_one_button(browser: Browser) -> None:
    recorder = Recorder()
    app = console_app(settings_with_reps(), ports(alerts=three(), publisher=recorder))
    async with served(app) as address, page_at(browser, address) as page:
        await sign_in(page, ADA_KEY)
        for customer in ("cy", "eve"):
            await page.get_by_label(f"Choose the alert about {customer}").check()
        bulk = page.get_by_role("group", name="With the chosen ones")
        await bulk.get_by_role("button", name="Noise").click()
        await expect(page.locator("#notice")).to_have_text("Sent for 2.")
    assert [event.customer for event in recorder.events] == ["cy", "eve"]


async def test_a_phone_shows_the_list_without_scrolling_sideways(browser: Browser) -> None:
    app = console_app(settings_with_reps(), ports(alerts=three()))
    async with served(app) as address, page_at(browser, address, size=PHONE) as page:
        await sign_in(page, ADA_KEY)
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def test_keys_can_be_switched_off(browser: Browser) -> None:
    app = console_app(settings_with_reps(), ports(alerts=three()))
    async with served(app) as address, page_at(browser, address) as page:
        await sign_in(page, ADA_KEY)
        await page.keyboard.press("?")
        await page.get_by_label("Use these keys").uncheck()
        await page.get_by_role("button", name="Close").click()
        await page.keyboard.press("j")
        await expect(page.locator("#rows > .row:focus")).to_have_count(0)


def test_the_vendored_checker_is_that_of_the_package() -> None:
    [listed] = tomllib.loads((AXE.parent / "VERSIONS.toml").read_text())["file"]
    assert listed["path"] == AXE.name
    assert sha256(AXE.read_bytes()).hexdigest() == listed["sha256"]
    assert re.match(rb"/\*! axe v" + listed["version"].encode(), AXE.read_bytes())


async def test_an_alert_is_answered_and_the_log_is_read_on_the_page_of_a_customer(
    browser: Browser,
) -> None:
    recorder, log = Recorder(), WrittenLog(reading(touchpoint("store.visited", store="s1")))
    store = await store_with("ada")
    app = console_app(settings_with_reps(), ports(store, three(), recorder, log=log))
    async with served(app) as address, page_at(browser, address) as page:
        await sign_in(page, ADA_KEY)
        await page.goto("/customers/cy")
        await page.evaluate("window.sameDocument = true")
        await page.get_by_role("link", name="Read the log").click()
        await expect(page.locator("#log")).to_contain_text("store.visited")
        await page.keyboard.press("j")
        await page.keyboard.press("d")
        await expect(page.locator("#alert-alert-cy")).to_contain_text("Done, being applied")
        await expect(page.locator("#notice")).to_have_text("Sent for cy.")
        await page.get_by_role("link", name="Outcome").click()
        await page.get_by_role("dialog").get_by_role("button", name="Outcome").click()
        await expect(page.locator("#alert-alert-cy")).to_contain_text("Outcome noted")
        assert await page.evaluate("window.sameDocument")
    assert [one.kind for one in recorder.events] == ["alert.feedback", "action.outcome"]
