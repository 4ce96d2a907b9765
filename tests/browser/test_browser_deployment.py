"""The whole way: touchpoints in Kafka, an alert in the browser, the rep's answer back in Kafka."""

import asyncio
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from playwright.async_api import Page, expect

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from tests.browser.browsing import chromium, page_at, served, sign_in
from tests.integration.deployment import FAST, FAST_RULES, Deployment
from tests.integration.traffic import Traffic
from tests.services import require
from tests.web.console_client import OLE_KEY
from touchstream.agents import clients
from touchstream.agents.cli.reading import read, whole
from touchstream.agents.kafka import physical_topics
from touchstream.agents.settings import ConsoleSettings, RepSettings, Settings
from touchstream.agents.stores.claims import open_claims
from touchstream.agents.stores.connect import open_store
from touchstream.agents.views.event_log import KafkaLog
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.web.console import queue
from touchstream.web.console.app import Ports, console_app
from touchstream.web.console.principal import digest_of
from touchstream.web.console.publishing import SOURCE, KafkaPublisher
from touchstream.web.console.serve import stored_alerts

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(400)]

MARK = SOURCE.encode()

RULES = {
    **FAST_RULES,
    "CHURN__SNAPSHOT_EVERY_DAYS": "2",
    "BANDS__MEDIUM_ENTER": "0.2",
    "BANDS__MEDIUM_LEAVE": "0.15",
    "BANDS__HIGH_ENTER": "0.3",
    "BANDS__HIGH_LEAVE": "0.2",
    "LEARNING__WIDEST": "1.0",
    "TICKS__INTERVAL_S": "0.5",
    "ALERTS__EXPIRES_DAYS": "365",
}


def test_from_a_touchpoint_to_the_answer_in_kafka(
    kafka_server: KafkaServer,
    redis_server: RedisServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require("chromium")
    with Deployment(
        kafka_server, redis_server, tmp_path, workers=1, ticks=True, speed=FAST, **RULES
    ) as deployment:
        deployment.wait_started()
        deployment.wait_ticking()
        # Half a day a second: an answer of our own time would be too late.
        monkeypatch.setattr(queue, "now_ms", deployment.now_ms)
        settings = with_rep(deployment.settings)
        alert = asyncio.run(answered_in_the_browser(settings, deployment))
        feedback = answers_in(settings)
    outcomes = [one["data"] for one in feedback if one["type"] == "action.outcome"]
    assert {one["outcome"] for one in outcomes} == {"accepted"}
    assert all(one["decision"] for one in outcomes)
    answers = [one["data"]["alert"] for one in feedback if one["type"] == "alert.feedback"]
    assert answers[-1:] == [alert]


async def answered_in_the_browser(settings: Settings, deployment: Deployment) -> str:
    """Wait for the first alert, and mark it done; returns its id."""
    store, claims, publisher = open_store(settings), open_claims(settings), KafkaPublisher(settings)
    log = KafkaLog(settings)
    ports = Ports(store, claims, stored_alerts(settings, store), publisher, log)
    traffic = Traffic(deployment, seed=7, customers=100, per_s=100)
    async with (
        served(console_app(settings, ports)) as address,
        chromium() as browser,
        page_at(browser, address) as page,
    ):
        await sign_in(page, OLE_KEY)
        await expect(page.locator(".empty")).to_be_visible()
        await asyncio.to_thread(traffic.__enter__)
        try:
            # Without a reload: the page is the one of before.
            await expect(page.locator(".row").first).to_be_visible(timeout=150_000)
        finally:
            await asyncio.to_thread(traffic.__exit__, None, None, None)
        await outcome_of_one(page)
        alert, customer = await done_with_one(page)
        # Gone: the worker has applied the answer.
        await expect(page.locator(f"[data-alert='{alert}']")).to_have_count(0, timeout=60_000)
        await page.goto(f"{customer}/log")
        await expect(page.locator("#log")).to_contain_text("alert.feedback")
        await page.goto("/overview")
        lag = page.locator(".tile").filter(has_text="Lag").locator("dd")
        await expect(lag).to_have_text(re.compile(r"^[\d,]+$"))
    await publisher.close()
    await claims.close()
    await store.close()
    return alert


async def pressed_on_one(page: Page, key: str) -> tuple[str, str]:
    """Press a key's button in a row that has it enabled; returns alert and customer's page.

    The list changes at any time, and an answered alert waits with its buttons disabled:
    row, ids and press are one step.
    """
    ids = await page.wait_for_function(
        """key => {
            const button = document.querySelector(`.row [data-key=${key}]:not([disabled])`);
            if (!button) return null;
            // What the page says next is about this press.
            for (const old of document.querySelectorAll("#notice, #message")) old.textContent = "";
            const row = button.closest(".row");
            button.click();
            return [row.dataset.alert, row.querySelector("h2 a").getAttribute("href")];
        }""",
        arg=key,
        timeout=60_000,
    )
    alert, customer = await ids.json_value()
    return alert, customer


async def outcome_of_one(page: Page) -> None:
    """Note that a recommended action was accepted; some alerts are over before the button."""
    while True:
        await pressed_on_one(page, "o")
        dialog = page.get_by_role("dialog")
        answered = page.locator("#notice:not(:empty), #message:not(:empty), dialog[open] form")
        await expect(answered).not_to_have_count(0)
        if await dialog.count():
            await dialog.get_by_role("button", name="Outcome").click()
            await expect(
                page.locator("#notice:not(:empty), #message:not(:empty)")
            ).not_to_have_count(0)
            if await page.locator("#notice").text_content():
                return


async def done_with_one(page: Page) -> tuple[str, str]:
    """Mark an alert as done; returns its id and the page of its customer.

    At this speed some are over before anybody can press a button.
    """
    while True:
        alert, customer = await pressed_on_one(page, "d")
        answered = page.locator("#notice:not(:empty), #message:not(:empty)")
        await expect(answered).not_to_have_count(0)
        if await page.locator("#notice").text_content():
            return alert, customer


def with_rep(settings: Settings) -> Settings:
    rep = RepSettings(id="ole", role="operator", key_sha256=digest_of(OLE_KEY))
    changes = {"reps": (rep,), "console": ConsoleSettings(port=0)}
    return settings.model_copy(update=changes)


def answers_in(settings: Settings) -> list[dict[str, Any]]:
    """The console's own events in the topic."""
    topic = physical_topics(settings.kafka)[TOUCHPOINTS_TOPIC]
    with clients.consumer(settings.kafka, topic) as consumer:
        # Others are broken on purpose.
        ours = [one.value for one in read(consumer, whole(consumer, topic)) if MARK in one.value]
    return [orjson.loads(value) for value in ours]
