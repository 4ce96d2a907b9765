"""The console as a web application: everything it needs is put together here."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from touchstream.agents.settings import Settings, SettingsError
from touchstream.agents.settings_console import LOOPBACK
from touchstream.agents.stores.base import Store, StoreError
from touchstream.agents.stores.claims import Claims
from touchstream.agents.views.customer import CustomerReader
from touchstream.agents.views.event_log import EventLog
from touchstream.web.console.body_limit import BodyLimit
from touchstream.web.console.customer import customer_router
from touchstream.web.console.duty import Roster
from touchstream.web.console.gate import Gate, NotSignedIn, Refused, gate_of
from touchstream.web.console.headers import KnownHosts, SecurityHeaders
from touchstream.web.console.live import Live
from touchstream.web.console.model import model_router
from touchstream.web.console.one_time import OneTimeTokens
from touchstream.web.console.overview import OverviewReader, overview_router
from touchstream.web.console.pages import environment, now_ms, refusal, warm
from touchstream.web.console.publishing import EventPublisher, NotPublished
from touchstream.web.console.queue import Queue, Sources
from touchstream.web.console.queue_pages import answers_router, queue_router
from touchstream.web.console.rate_limit import RateLimit
from touchstream.web.console.rows import Alerts
from touchstream.web.console.sessions import Sessions
from touchstream.web.console.sign_in import SEE_OTHER, sign_in_router, sign_out_router
from touchstream.web.console.tuning import Compute, Tuning, from_states, tuning_router

if TYPE_CHECKING:
    from httpx import AsyncClient

UNAUTHORIZED, NOT_FOUND, UNPROCESSABLE, UNAVAILABLE = 401, 404, 422, 503

log = structlog.get_logger()


class Ports(NamedTuple):
    """Everything outside that the console talks to; the caller closes it."""

    store: Store
    claims: Claims
    alerts: Alerts
    publisher: EventPublisher
    log: EventLog


def console_app(
    settings: Settings,
    ports: Ports,
    tokens: OneTimeTokens | None = None,
    compute: Compute | None = None,
    connect: Callable[[], "AsyncClient"] | None = None,
) -> FastAPI:
    """The application; a process may have several.

    ``compute`` makes the capacity curve, ``connect`` the client for an OpenID provider.
    """
    overview = OverviewReader(settings, ports.store, ports.log)
    roster = Roster(settings, now_ms)
    live = Live(ports.alerts, ports.claims, roster, time.monotonic)
    templates = environment()
    tuning = Tuning(compute or from_states(settings))
    queue = Queue(templates, Sources(live, ports.alerts, roster, ports.claims, ports.publisher))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        warm(templates)
        live.start()
        overview.facts.begin()
        yield
        await live.close()
        await tuning.close()
        await overview.facts.close()

    app = FastAPI(
        title="touchstream console",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.gate = Gate(settings, Sessions(settings.console))
    app.state.templates = templates
    app.state.live = live
    app.state.tuning = tuning
    app.add_middleware(BodyLimit)
    app.add_middleware(KnownHosts, hosts=known_hosts(settings))
    app.add_middleware(SecurityHeaders)
    static = str(resources.files("touchstream.web.console").joinpath("static"))
    app.mount("/static", StaticFiles(directory=static), name="static")
    app.include_router(
        sign_in_router(settings, tokens or OneTimeTokens(), RateLimit(time.monotonic))
    )
    app.include_router(sign_out_router())
    if settings.console.has_oidc:
        app.include_router(_oidc_router(settings, app.state.gate, connect))
    app.include_router(queue_router(queue))
    app.include_router(answers_router(queue))
    app.include_router(overview_router(overview))
    app.include_router(
        customer_router(CustomerReader(ports.store, settings.kafka.partitions), queue, ports.log)
    )
    app.include_router(tuning_router(settings, tuning, ports.store))
    app.include_router(model_router(settings, ports.store))
    _handle_failures(app)
    return app


def _oidc_router(
    settings: Settings, gate: Gate, connect: Callable[[], "AsyncClient"] | None
) -> APIRouter:
    try:
        from touchstream.web.console import oidc  # noqa: PLC0415 - it needs an extra
    except ImportError as exc:
        raise SettingsError(
            "console.oidc_issuer: want the extra oidc: pip install 'touchstream[oidc]'"
        ) from exc
    provider = oidc.Provider(settings.console, connect or oidc.connect)
    return oidc.oidc_router(settings, provider, gate.sessions.flows)


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

    @app.exception_handler(NotPublished)
    async def not_sent(request: Request, _error: Exception) -> Response:
        return _failure(request, UNAVAILABLE, "error-kafka")

    @app.exception_handler(RequestValidationError)
    async def unreadable(request: Request, _error: Exception) -> Response:
        return _failure(request, UNPROCESSABLE, "error-request")

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        key = "error-not-found" if error.status_code == NOT_FOUND else "error-request"
        return _failure(request, error.status_code, key)


def _failure(request: Request, status: int, why: str) -> Response:
    return refusal(request, status, why, gate_of(request).principal(request))
