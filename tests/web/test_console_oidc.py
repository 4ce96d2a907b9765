"""Sign-in by an OpenID provider, played by an application in this process."""

import time
from base64 import b64decode, urlsafe_b64encode
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI, Request
from httpx import ASGITransport, AsyncClient, Response
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tests.web.console_client import browser, ports, settings_with_reps
from touchstream.agents.settings import Settings
from touchstream.web.console.app import console_app

ISSUER = "https://login.example.com"
CODE, CLIENT, SECRET = "a-code", "console", "client-secret-1"


class FakeProvider:
    """Issues one token for whoever asks; a test changes its claims or its key."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "k1"})
        self.published = KeySet([self.key])
        self.claims: dict[str, object] = {"email": "Ada@Example.com", "email_verified": True}
        self.asked: dict[str, str] = {}
        self.app = FastAPI()
        self.app.get("/.well-known/openid-configuration")(self.configuration)
        self.app.get("/keys")(self.keys)
        self.app.post("/token")(self.token)

    def connect(self) -> AsyncClient:
        return AsyncClient(transport=ASGITransport(app=self.app))

    async def configuration(self) -> dict[str, str]:
        paths = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "jwks_uri": "keys",
        }
        return {"issuer": ISSUER, **{name: f"{ISSUER}/{path}" for name, path in paths.items()}}

    async def keys(self) -> dict[str, object]:
        return dict(self.published.as_dict(private=False))

    async def token(self, request: Request) -> dict[str, str]:
        form = await request.form()
        assert form["code"] == CODE
        credentials = request.headers["authorization"].removeprefix("Basic ")
        assert b64decode(credentials).decode() == f"{CLIENT}:{SECRET}"
        digest = sha256(str(form["code_verifier"]).encode()).digest()
        assert urlsafe_b64encode(digest).rstrip(b"=").decode() == self.asked["code_challenge"]
        now_s = int(time.time())
        claims = {
            **{"iss": ISSUER, "aud": CLIENT, "sub": "1", "nonce": self.asked["nonce"]},
            **{"iat": now_s, "exp": now_s + 300},
            **self.claims,
        }
        return {"id_token": jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.key)}


def settings() -> Settings:
    given = settings_with_reps(
        oidc_issuer=ISSUER, oidc_client=CLIENT, oidc_secret=SECRET, public_url="http://localhost"
    )
    ada = given.reps[0].model_copy(update={"address": "ada@example.com"})
    return given.model_copy(update={"reps": (ada, *given.reps[1:])})


async def came_back(client: AsyncClient, provider: FakeProvider, state: str = "") -> Response:
    """Go to the provider and come back with its code."""
    gone = await client.get("/oidc", params={"to": "/overview"})
    assert gone.headers["location"].startswith(f"{ISSUER}/authorize?")
    query = parse_qs(urlsplit(gone.headers["location"]).query)
    provider.asked = {name: values[0] for name, values in query.items()}
    assert provider.asked["redirect_uri"] == "http://localhost/oidc/callback"
    answer = {"code": CODE, "state": state or provider.asked["state"]}
    return await client.get("/oidc/callback", params=answer)


async def test_a_rep_is_signed_in_by_their_verified_address() -> None:
    provider = FakeProvider()
    app = console_app(settings(), ports(), connect=provider.connect)
    async with browser(app, "localhost") as client:
        assert "/oidc?to=" in (await client.get("/sign-in")).text
        entered = await came_back(client, provider)
        assert (entered.status_code, entered.headers["location"]) == (303, "/overview")
        assert "Ada" in (await client.get("/overview")).text


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"email_verified": False}, 401),
        ({"email": "eve@example.com"}, 401),
        ({"nonce": "of another flow"}, 502),
        ({"aud": "another client"}, 502),
        ({"iss": "https://other.example.com"}, 502),
        ({"exp": 1}, 502),
    ],
    ids=["unverified", "nobody", "nonce", "audience", "issuer", "expired"],
)
async def test_a_token_that_is_not_for_us_signs_nobody_in(
    claims: dict[str, object], status: int
) -> None:
    provider = FakeProvider()
    provider.claims |= claims
    app = console_app(settings(), ports(), connect=provider.connect)
    async with browser(app, "localhost") as client:
        assert (await came_back(client, provider)).status_code == status
        assert (await client.get("/overview")).status_code == 303


async def test_a_token_signed_with_another_key_signs_nobody_in() -> None:
    provider = FakeProvider()
    provider.published = KeySet([RSAKey.generate_key(2048, {"kid": "k1"})])
    app = console_app(settings(), ports(), connect=provider.connect)
    async with browser(app, "localhost") as client:
        assert (await came_back(client, provider)).status_code == 502
        assert (await client.get("/overview")).status_code == 303


async def test_an_answer_that_this_browser_did_not_ask_for_is_refused() -> None:
    provider = FakeProvider()
    app = console_app(settings(), ports(), connect=provider.connect)
    async with browser(app, "localhost") as client:
        assert (await came_back(client, provider, state="forged")).status_code == 401
    async with browser(app, "localhost") as another:
        answer = {"code": CODE, "state": provider.asked["state"]}
        assert (await another.get("/oidc/callback", params=answer)).status_code == 401
