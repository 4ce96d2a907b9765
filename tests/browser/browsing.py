"""Headless Chromium against a console on this machine."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from fastapi import FastAPI
from playwright.async_api import Browser, Page, async_playwright

from touchstream.web.console.serve import Server, listening

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
DESKTOP, PHONE = (1280, 900), (390, 844)
Scheme = Literal["light", "dark"]


@asynccontextmanager
async def served(app: FastAPI, port: int = 0) -> AsyncIterator[str]:
    """The address of a server with the application; a given port is taken again."""
    server = Server(app)
    with listening("127.0.0.1", port) as bound:
        serving = asyncio.create_task(server.serve([bound]))
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium; Playwright brings none."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def page_at(
    browser: Browser,
    address: str,
    scheme: Scheme = "light",
    size: tuple[int, int] = DESKTOP,
    *,
    checks_policy: bool = True,
) -> AsyncIterator[Page]:
    """A page of a visitor of their own; errors of scripts and of the policy fail the test."""
    width, height = size
    context = await browser.new_context(
        base_url=address,
        color_scheme=scheme,
        viewport={"width": width, "height": height},
        # axe-core is no script of the console.
        bypass_csp=not checks_policy,
    )
    page = await context.new_page()
    page.set_default_timeout(15_000)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "console",
        lambda line: (
            troubles.append(line.text)
            if line.type == "error" and "Failed to load resource" not in line.text
            else None
        ),
    )
    try:
        yield page
    finally:
        await context.close()
    assert troubles == []


async def sign_in(page: Page, key: str) -> None:
    """Through the form, as a rep does."""
    await page.goto("/")
    await page.get_by_label("API key").fill(key)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/queue")


async def complaints(page: Page) -> list[str]:
    """What axe-core finds serious or critical: rule, and the first elements."""
    await page.add_script_tag(path=AXE)
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
