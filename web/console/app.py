"""The console as a web application: everything it needs is put together here."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from touchstream.agents.settings import Settings
from touchstream.agents.settings_console import LOOPBACK
from touchstream.agents.stores.base import Store, StoreError
from touchstream.web.console.gate import Gate, NotSignedIn, Refused, gate_of
from touchstream.web.console.headers import KnownHosts, SecurityHeaders
from touchstream.web.console.one_time import OneTimeTokens
from touchstream.web.console.overview import OverviewReader, overview_router
from touchstream.web.console.pages import environment, render
from touchstream.web.console.rate_limit import RateLimit
from touchstream.web.console.sessions import Sessions
from touchstream.web.console.sign_in import SEE_OTHER, sign_in_router, sign_out_router

UNAUTHORIZED, NOT_FOUND, UNAVAILABLE = 401, 404, 503

log = structlog.get_logger()


def console_app(settings: Settings, store: Store, tokens: OneTimeTokens | None = None) -> FastAPI:
    """The application; the caller closes the store after it."""
    overview = OverviewReader(settings, store)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await overview.facts.close()

    app = FastAPI(
        title="touchstream console",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.gate = Gate(settings, Sessions(settings.console))
    app.state.templates = environment()
    app.state.closing = asyncio.Event()
    app.add_middleware(KnownHosts, hosts=known_hosts(settings))
    app.add_middleware(SecurityHeaders)
    static = str(resources.files("touchstream.web.console").joinpath("static"))
    app.mount("/static", StaticFiles(directory=static), name="static")
    app.include_router(
        sign_in_router(settings, tokens or OneTimeTokens(), RateLimit(time.monotonic))
    )
    app.include_router(sign_out_router())
    app.include_router(overview_router(overview))
    _handle_failures(app)
    return app


def known_hosts(settings: Settings) -> frozenset[str]:
    """The names under which the console answers; none: under every name."""
    named = urlsplit(settings.console.public_url or "").hostname
    if named is None and not settings.console.is_local:
        return frozenset()
    return LOOPBACK | {settings.console.host} | ({named} if named else frozenset())


def _handle_failures(app: FastAPI) -> None:
    @app.exception_handler(NotSignedIn)
    async def sign_in(request: Request, error: Exception) -> Response:
        assert isinstance(error, NotSignedIn)
        is_page = "text/html" in request.headers.get("accept", "")
        if request.method == "GET" and is_page and "hx-request" not in request.headers:
            return RedirectResponse(f"/sign-in?to={error.back_to}", SEE_OTHER)
        # htmx follows this header with the whole page.
        return PlainTextResponse("sign in\n", UNAUTHORIZED, headers={"hx-redirect": "/sign-in"})

    @app.exception_handler(Refused)
    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return _failure(request, error.status, error.why)

    @app.exception_handler(StoreError)
    async def unavailable(request: Request, error: Exception) -> Response:
        log.warning("store_unavailable", path=request.url.path, error=str(error))
        return _failure(request, UNAVAILABLE, "error-store")

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        key = "error-not-found" if error.status_code == NOT_FOUND else "error-request"
        return _failure(request, error.status_code, key)


def _failure(request: Request, status: int, why: str) -> Response:
    """A page, or for a program and htmx a line."""
    principal = gate_of(request).principal(request)
    return render(request, "error.html", principal, {"status": status, "why": why}, status)
