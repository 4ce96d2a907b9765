"""Sign-in by API key or by a one-time token in the address, and sign-out."""

from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from touchstream.agents.settings import Settings
from touchstream.web.console.gate import gate_of, local_path
from touchstream.web.console.one_time import OneTimeTokens
from touchstream.web.console.pages import render
from touchstream.web.console.principal import rep_with_key
from touchstream.web.console.rate_limit import WINDOW_S, RateLimit

TOKEN = "token"
SEE_OTHER = 303
UNAUTHORIZED, TOO_MANY = 401, 429

log = structlog.get_logger()


def sign_in_router(settings: Settings, tokens: OneTimeTokens, limit: RateLimit) -> APIRouter:
    """The pages that a visitor sees before the sign-in."""
    router = APIRouter()

    @router.get("/sign-in")
    async def ask(request: Request, to: str = "/") -> Response:
        return _form(request, settings, to)

    @router.post("/sign-in")
    async def sign_in(
        request: Request, key: str = Form(default="", max_length=256), to: str = Form(default="/")
    ) -> Response:
        gate, address = gate_of(request), _address(request)
        await gate.check_token(request)
        if limit.is_exceeded(address):
            return _form(request, settings, to, "sign-in-too-many", TOO_MANY)
        rep = rep_with_key(settings.reps, key.strip())
        if rep is None:
            limit.fail(address)
            log.warning("sign_in_failed", address=address)
            return _form(request, settings, to, "sign-in-wrong", UNAUTHORIZED)
        log.info("signed_in", rep=rep.id)
        response = RedirectResponse(local_path(to), SEE_OTHER)
        gate.sign_in(response, rep)
        return response

    @router.get("/")
    async def first(request: Request) -> Response:
        token = request.query_params.get(TOKEN)
        # Redirected in either case, so that no token stays in the address or the history.
        response = RedirectResponse("/queue", SEE_OTHER)
        if token is None:
            return response
        gate, address = gate_of(request), _address(request)
        if limit.is_exceeded(address) or not (gate.takes_guests and tokens.take(token)):
            limit.fail(address)
            return RedirectResponse("/sign-in", SEE_OTHER)
        gate.sign_in_guest(response)
        return response

    return router


def sign_out_router() -> APIRouter:
    """The way out."""
    router = APIRouter()

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        gate = gate_of(request)
        await gate.check_token(request)
        response = RedirectResponse("/sign-in", SEE_OTHER)
        gate.sign_out(response)
        return response

    return router


def _form(
    request: Request, settings: Settings, to: str, error: str | None = None, status: int = 200
) -> Response:
    gate = gate_of(request)
    context = {
        "to": local_path(to),
        "error": error,
        "wait_s": int(WINDOW_S),
        "oidc": "/oidc?" + urlencode({"to": local_path(to)}) if settings.console.has_oidc else None,
    }
    response = render(request, "sign_in.html", None, context, status)
    # The form's token belongs to a session, which a new visitor gets here.
    gate.sessions.write(response, gate.session(request))
    return response


def _address(request: Request) -> str:
    return "" if request.client is None else request.client.host
