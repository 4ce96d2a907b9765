"""Rendering: a template, and the context that all of them share."""

import time
from collections.abc import Mapping
from importlib import resources
from typing import NamedTuple

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from touchstream.schemas.units import Millis
from touchstream.web.console.gate import gate_of
from touchstream.web.console.principal import Principal
from touchstream.web.console.texts import LANGUAGES, Texts, preferred, texts_of

HTMX_CONFIG = (
    '{"includeIndicatorCSS": false, "extensions": "sse", "history": "reload", '
    '"defaultTimeout": 15000, "morphIgnore": ["data-htmx-powered", "open"]}'
)
"""No styles by htmx, no further extensions; a page that is gone back to is asked for again, and a
table that somebody has opened stays open."""


class Page(NamedTuple):
    """An entry of the navigation."""

    key: str
    path: str
    for_leads: bool = False


PAGES = (
    Page("queue", "/queue"),
    Page("overview", "/overview"),
    Page("customer", "/customers"),
    Page("tuning", "/tuning", for_leads=True),
    Page("model", "/model"),
)


def environment() -> Environment:
    """The templates: everything is escaped, and a missing name is an error."""
    assert resources.files("touchstream.web.console").joinpath("templates").is_dir()
    made = Environment(
        loader=PackageLoader("touchstream.web.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["htmx_config"] = HTMX_CONFIG
    return made


def warm(templates: Environment) -> None:
    """Compile the templates and read the texts, so that no visitor waits for it."""
    for name in templates.list_templates():
        templates.get_template(name)
    for language in LANGUAGES:
        t = texts_of(language)
        t.percent(0.5)
        t.moment(Millis(0), "UTC")


def render(
    request: Request,
    template: str,
    principal: Principal | None,
    context: Mapping[str, object],
    status: int = 200,
) -> HTMLResponse:
    """The page as a response in the principal's language."""
    html = written(request, template, principal, context)
    return HTMLResponse(html, status)


def written(
    request: Request,
    template: str,
    principal: Principal | None,
    context: Mapping[str, object],
) -> str:
    """The page as a text."""
    gate = gate_of(request)
    templates: Environment = request.app.state.templates
    return templates.get_template(template).render(
        t=texts_for(request, principal),
        principal=principal,
        pages=[page for page in PAGES if _shows(page, principal)],
        path=request.url.path,
        csrf=gate.sessions.csrf_token(gate.session(request)),
        now_ms=now_ms(),
        **context,
    )


def refusal(request: Request, status: int, why: str, principal: Principal | None) -> Response:
    """A page; for htmx a sentence that it puts above the list. ``why`` is the key of a text."""
    if "hx-request" in request.headers:
        headers = {"hx-retarget": "#message", "hx-reswap": "textContent"}
        return PlainTextResponse(texts_for(request, principal)(why), status, headers=headers)
    return render(request, "error.html", principal, {"status": status, "why": why}, status)


def texts_for(request: Request, principal: Principal | None) -> Texts:
    """The principal's language, or before the sign-in the browser's."""
    if principal is not None:
        return texts_of(principal.language)
    return texts_of(preferred(request.headers.get("accept-language", "")))


def now_ms() -> Millis:
    return Millis(time.time_ns() // 1_000_000)


def _shows(page: Page, principal: Principal | None) -> bool:
    return principal is not None and (principal.leads or not page.for_leads)
