"""Sign-in by an OpenID provider: the code flow with PKCE.

Needs the extra ``oidc`` (httpx, joserfc), so it is imported only where a provider is set. The
provider vouches for an e-mail address; the rep with that ``address`` is signed in.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, NamedTuple
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Request
from httpx import AsyncClient, HTTPError
from itsdangerous import BadSignature, URLSafeTimedSerializer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.responses import RedirectResponse, Response

from touchstream.agents.settings import ConsoleSettings, RepSettings, Settings
from touchstream.web.console.gate import Refused, gate_of, local_path

COOKIE = "touchstream_oidc"
PATIENCE_S = 10.0
FLOW_S = 600
"""Time to type a password at the provider."""
LEEWAY_S = 60
"""Between the provider's clock and ours."""
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
"""Signatures with a key pair; nothing that the client secret alone could sign."""
SEE_OTHER, UNAUTHORIZED, BAD_GATEWAY = 303, 401, 502

FAILURES = (HTTPError, JoseError, ValueError, KeyError)
"""Of a provider that does not answer, or not as it should."""

log = structlog.get_logger()


class Flow(NamedTuple):
    """A sign-in under way, in a signed cookie of the visitor."""

    state: str
    nonce: str
    verifier: str
    to: str


Connect = Callable[[], AsyncClient]


class Provider:
    """The OpenID provider of the settings."""

    def __init__(self, console: ConsoleSettings, connect: Connect) -> None:
        self._console = console
        self._connect = connect

    async def address(self, flow: Flow, callback: str) -> str:
        """Where to send the visitor."""
        async with self._connect() as client:
            known = await self._discovered(client)
        challenge = urlsafe_b64encode(sha256(flow.verifier.encode()).digest()).rstrip(b"=")
        query = {
            "response_type": "code",
            "client_id": self._console.oidc_client,
            "redirect_uri": callback,
            "scope": "openid email",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        return f"{known['authorization_endpoint']}?{urlencode(query)}"

    async def email(self, flow: Flow, code: str, callback: str) -> str | None:
        """The verified address behind a code; None if the provider vouches for none."""
        async with self._connect() as client:
            known = await self._discovered(client)
            token = await self._token(client, known["token_endpoint"], flow, code, callback)
            answer = await client.get(known["jwks_uri"])
            answer.raise_for_status()
            keys = KeySet.import_key_set(answer.json())
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": known["issuer"]},
            aud={"essential": True, "value": self._console.oidc_client or ""},
            exp={"essential": True},
            nonce={"essential": True, "value": flow.nonce},
        ).validate(claims)
        return str(claims["email"]) if claims.get("email_verified") is True else None

    async def _token(
        self, client: AsyncClient, endpoint: str, flow: Flow, code: str, callback: str
    ) -> str:
        console = self._console
        secret = "" if console.oidc_secret is None else console.oidc_secret.get_secret_value()
        data = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "code_verifier": flow.verifier,
        }
        answer = await client.post(endpoint, data=data, auth=(console.oidc_client or "", secret))
        answer.raise_for_status()
        return str(answer.json()["id_token"])

    async def _discovered(self, client: AsyncClient) -> Mapping[str, Any]:
        issuer = self._console.oidc_issuer
        answer = await client.get(f"{issuer}/.well-known/openid-configuration")
        answer.raise_for_status()
        found: Mapping[str, Any] = answer.json()
        if str(found["issuer"]).rstrip("/") != issuer:
            raise ValueError("another issuer")
        return found


def connect() -> AsyncClient:
    """A client that follows no redirects and takes no proxy from the environment."""
    return AsyncClient(timeout=PATIENCE_S, trust_env=False)


def oidc_router(settings: Settings, provider: Provider, flows: URLSafeTimedSerializer) -> APIRouter:
    """The way to the provider and back."""
    router = APIRouter()

    @router.get("/oidc")
    async def go(request: Request, to: str = "/") -> Response:
        flow = Flow(token_urlsafe(24), token_urlsafe(24), token_urlsafe(48), local_path(to))
        try:
            address = await provider.address(flow, _callback(settings, request))
        except FAILURES as error:
            raise _unavailable(error) from error
        response = RedirectResponse(address, SEE_OTHER)
        response.set_cookie(
            COOKIE,
            str(flows.dumps(list(flow))),
            max_age=FLOW_S,
            httponly=True,
            secure=(settings.console.public_url or "").startswith("https:"),
            samesite="lax",
            path="/oidc",
        )
        return response

    @router.get("/oidc/callback")
    async def back(request: Request, code: str = "", state: str = "") -> Response:
        flow = _flow(flows, request)
        if flow is None or not code or state != flow.state:
            raise Refused(UNAUTHORIZED, "error-oidc-flow")
        try:
            email = await provider.email(flow, code, _callback(settings, request))
        except FAILURES as error:
            raise _unavailable(error) from error
        rep = _rep_at(settings, email)
        if rep is None:
            raise Refused(UNAUTHORIZED, "error-oidc-nobody")
        log.info("signed_in", rep=rep.id)
        response = RedirectResponse(flow.to, SEE_OTHER)
        response.delete_cookie(COOKIE, path="/oidc")
        gate_of(request).sign_in(response, rep)
        return response

    return router


def _flow(flows: URLSafeTimedSerializer, request: Request) -> Flow | None:
    try:
        fields: Any = flows.loads(request.cookies.get(COOKIE, ""), max_age=FLOW_S)
    except BadSignature:
        return None
    return Flow(*fields)


def _rep_at(settings: Settings, email: str | None) -> RepSettings | None:
    if email is None:
        return None
    found = [rep for rep in settings.reps if (rep.address or "").casefold() == email.casefold()]
    return found[0] if len(found) == 1 else None


def _callback(settings: Settings, request: Request) -> str:
    base = settings.console.public_url or str(request.base_url).rstrip("/")
    return f"{base}/oidc/callback"


def _unavailable(error: Exception) -> Refused:
    # Its message may hold a token.
    log.warning("oidc_failed", error=type(error).__name__)
    return Refused(BAD_GATEWAY, "error-oidc")
