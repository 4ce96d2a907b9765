"""Who gets into the console, and who does not."""

import tomllib
from hashlib import sha256
from importlib import resources
from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.agents.cli.command import touchstream
from tests.web.console_client import ADA_KEY, browser, ports, settings_with_reps, sign_in, token_in
from touchstream.agents.settings import RepSettings, Settings, SettingsError
from touchstream.web.console.app import console_app
from touchstream.web.console.gate import local_path
from touchstream.web.console.headers import POLICY
from touchstream.web.console.one_time import OneTimeTokens
from touchstream.web.console.principal import digest_of
from touchstream.web.console.rate_limit import MOST_FAILURES, WINDOW_S, RateLimit
from touchstream.web.console.serve import listening, require_sign_in
from touchstream.web.console.sessions import COOKIE


async def test_without_a_session_a_page_leads_to_the_sign_in_and_back() -> None:
    async with browser(console_app(settings_with_reps(), ports())) as client:
        asked = await client.get("/overview")
        assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in?to=%2Foverview")
        entered = await sign_in(client, ADA_KEY)
        assert (entered.status_code, entered.headers["location"]) == (303, "/overview")
        page = await client.get("/overview")
        assert page.status_code == 200
        assert "Ada" in page.text


async def test_a_request_of_a_program_without_a_session_gets_401() -> None:
    async with browser(console_app(settings_with_reps(), ports())) as client:
        answer = await client.get("/overview", headers={"hx-request": "true"})
        assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")


async def test_a_wrong_key_is_nobodys() -> None:
    async with browser(console_app(settings_with_reps(), ports())) as client:
        refused = await sign_in(client, "tsk_other")
        assert refused.status_code == 401
        assert "nobody&#39;s key" in refused.text
        assert (await client.get("/overview")).status_code == 303


async def test_after_many_wrong_keys_the_right_one_waits_as_well() -> None:
    async with browser(console_app(settings_with_reps(), ports())) as client:
        for _ in range(MOST_FAILURES):
            assert (await sign_in(client, "tsk_other")).status_code == 401
        assert (await sign_in(client, ADA_KEY)).status_code == 429


def test_failures_are_forgotten_after_the_window() -> None:
    now_s = [0.0]
    limit = RateLimit(lambda: now_s[0])
    for _ in range(MOST_FAILURES):
        limit.fail("10.0.0.1")
    assert limit.is_exceeded("10.0.0.1")
    assert not limit.is_exceeded("10.0.0.2")
    now_s[0] = WINDOW_S
    assert not limit.is_exceeded("10.0.0.1")


async def test_a_token_in_the_address_signs_in_once_and_leaves_it() -> None:
    tokens = OneTimeTokens()
    token = tokens.new()
    app = console_app(Settings(), ports(), tokens)
    async with browser(app) as client:
        entered = await client.get("/", params={"token": token})
        assert (entered.status_code, entered.headers["location"]) == (303, "/queue")
        assert (await client.get("/overview")).status_code == 200
    async with browser(app) as another:
        refused = await another.get("/", params={"token": token})
        assert refused.headers["location"] == "/sign-in"
        assert (await another.get("/overview")).status_code == 303


async def guest_cookie(app: FastAPI, tokens: OneTimeTokens) -> str:
    async with browser(app) as client:
        await client.get("/", params={"token": tokens.new()})
        return client.cookies[COOKIE]


@pytest.mark.parametrize("later", ["the-same", "a-new-start", "with-reps"])
async def test_a_guest_is_one_of_this_process_and_while_nobody_can_sign_in(later: str) -> None:
    secret, tokens = "0123456789abcdef", OneTimeTokens()
    alone = Settings.model_validate({"console": {"secret": secret}})
    first = console_app(alone, ports(), tokens)
    cookie = await guest_cookie(first, tokens)
    app = {
        "the-same": first,
        "a-new-start": console_app(alone, ports()),
        "with-reps": console_app(settings_with_reps(secret=secret), ports()),
    }[later]
    async with browser(app) as client:
        client.cookies.set(COOKIE, cookie)
        status = (await client.get("/overview")).status_code
    assert status == (200 if later == "the-same" else 303)


async def test_a_token_signs_nobody_in_where_reps_can() -> None:
    tokens = OneTimeTokens()
    async with browser(console_app(settings_with_reps(), ports(), tokens)) as client:
        refused = await client.get("/", params={"token": tokens.new()})
        assert refused.headers["location"] == "/sign-in"
        assert (await client.get("/overview")).status_code == 303


async def test_a_post_without_the_token_of_its_session_is_refused() -> None:
    app = console_app(settings_with_reps(), ports())
    async with browser(app) as client, browser(app) as another:
        foreign = token_in(await another.get("/sign-in"))
        await client.get("/sign-in")
        for data in ({"key": ADA_KEY}, {"key": ADA_KEY, "csrf": foreign}):
            assert (await client.post("/sign-in", data=data)).status_code == 403


async def test_after_the_sign_out_the_session_is_nobodys() -> None:
    async with browser(console_app(settings_with_reps(), ports())) as client:
        await sign_in(client, ADA_KEY)
        token = token_in(await client.get("/overview"))
        await client.post("/sign-out", data={"csrf": token})
        assert (await client.get("/overview")).status_code == 303


async def test_a_new_key_of_a_rep_ends_the_sessions_of_the_old_one() -> None:
    secret = "0123456789abcdef"
    async with browser(console_app(settings_with_reps(secret=secret), ports())) as client:
        await sign_in(client, ADA_KEY)
        cookie = client.cookies[COOKIE]
    same = console_app(settings_with_reps(secret=secret), ports())
    ada = RepSettings(id="ada", key_sha256=digest_of("tsk_new"))
    changed = settings_with_reps(secret=secret).model_copy(update={"reps": (ada,)})
    for app, status in ((same, 200), (console_app(changed, ports()), 303)):
        async with browser(app) as client:
            client.cookies.set(COOKIE, cookie)
            assert (await client.get("/overview")).status_code == status


@pytest.mark.parametrize(
    ("public_url", "secure"),
    [("https://console.example.com", True), (None, False)],
    ids=["https", "http"],
)
async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    public_url: str | None, secure: bool
) -> None:
    app = console_app(settings_with_reps(public_url=public_url), ports())
    async with browser(app) as client:
        cookie = (await client.get("/sign-in")).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert ("Secure" in cookie) is secure


async def test_every_response_has_the_headers() -> None:
    async with browser(console_app(settings_with_reps(), ports())) as client:
        for path in ("/sign-in", "/overview", "/nowhere", "/static/console.css"):
            headers = (await client.get(path)).headers
            assert headers["content-security-policy"] == POLICY
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            fresh = "max-age=3600" if path.startswith("/static/") else "no-store"
            assert headers["cache-control"] == fresh


async def test_another_name_of_this_machine_is_not_answered() -> None:
    app = console_app(settings_with_reps(), ports())
    async with browser(app, "rebound.example.com") as client:
        assert (await client.get("/sign-in")).status_code == 421


def test_an_open_address_is_refused_while_nobody_can_sign_in() -> None:
    nobody = Settings.model_validate({"console": {"host": "0.0.0.0"}})
    with pytest.raises(SettingsError, match=r"^console\.host='0\.0\.0\.0': want a loopback") as one:
        require_sign_in(nobody)
    assert "\n" not in str(one.value)
    require_sign_in(nobody.model_copy(update={"reps": settings_with_reps().reps}))
    require_sign_in(Settings())


def test_a_taken_port_is_named() -> None:
    with listening("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        with pytest.raises(OSError, match=f"console.port={port}"):
            listening("127.0.0.1", port)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/queue?sort=risk", "/queue?sort=risk"),
        ("//evil", "/"),
        ("https://evil", "/"),
        ("/\\e", "/"),
    ],
    ids=["path", "scheme-relative", "absolute", "backslash"],
)
def test_the_sign_in_leads_to_a_path_of_this_console(text: str, path: str) -> None:
    assert local_path(text) == path


def test_a_key_is_shown_once_with_its_digest(tmp_path: Path) -> None:
    (tmp_path / "touchstream.toml").write_text('[[reps]]\nid = "ada"\n')
    first, second = touchstream("console-key", "ada", cwd=tmp_path).out.splitlines()
    key = first.rpartition(" ")[2]
    assert second == f'key_sha256 = "{sha256(key.encode()).hexdigest()}"'
    refused = touchstream("console-key", "bob", cwd=tmp_path)
    assert (refused.code, refused.err) == (
        2,
        "touchstream: REP='bob': want the id of a rep in the settings: ada\n",
    )


def test_vendored_files_are_those_of_the_packages() -> None:
    vendor = resources.files("touchstream.web.console").joinpath("static/vendor")
    listed = tomllib.loads(vendor.joinpath("VERSIONS.toml").read_text())["file"]
    digests = {one["path"]: one["sha256"] for one in listed}
    found = {
        file.name: sha256(file.read_bytes()).hexdigest()
        for file in vendor.iterdir()
        if file.name.endswith(".js")
    }
    assert found == digests
