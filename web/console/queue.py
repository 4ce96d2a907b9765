"""My queue: the page, its stream, and the answers."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Form, Query, Request
from jinja2 import Environment
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from touchstream.agents.stores.claims import Claims
from touchstream.web.console.answers import (
    OUTCOMES,
    REASON_CHARS,
    SNOOZES,
    Chosen,
    Outcome,
    Snooze,
    Verb,
    answer_of,
)
from touchstream.web.console.charts import sparkline
from touchstream.web.console.event_stream import EventStream, lists
from touchstream.web.console.gate import Refused, SignedIn
from touchstream.web.console.live import Live
from touchstream.web.console.pages import now_ms, render
from touchstream.web.console.principal import Principal
from touchstream.web.console.publishing import EventPublisher, NotPublished
from touchstream.web.console.rows import MOST_ROWS, SORTS, QueueRow, Sort, View
from touchstream.web.console.sign_in import SEE_OTHER
from touchstream.web.console.texts import Texts, texts_of

CONFLICT, GONE = 409, 410
ID_CHARS = 16
MOST_DRAWN = 10_000
"""Rows kept as HTML, 2 KB each."""


class Fragment(NamedTuple):
    """The list as HTML."""

    id: str
    """Digest of it: the cursor of who shows it."""
    html: str


class Notice(NamedTuple):
    """A sentence above the list, which the stream leaves alone: an answer to the visitor."""

    key: str
    arguments: Mapping[str, str] = MappingProxyType({})


class Queue:
    """Draws lists and takes answers."""

    def __init__(
        self, templates: Environment, live: Live, claims: Claims, publisher: EventPublisher
    ) -> None:
        self._templates = templates
        self._row = templates.get_template("row.html")
        self._rows: dict[tuple[QueueRow, str, str, str], Markup] = {}
        self.live = live
        self._claims = claims
        self._publisher = publisher

    def draw(
        self,
        rows: Sequence[QueueRow],
        view: View,
        principal: Principal,
        notice: Notice | None = None,
    ) -> Fragment:
        """The rows of a view; the same rows give the same bytes."""
        chosen = view.chosen(rows)
        t = texts_of(principal.language)
        html = self._templates.get_template("rows.html").render(
            t=t,
            principal=principal,
            rows=[self._drawn(row, principal, t) for row in chosen[:MOST_ROWS]],
            more=max(0, len(chosen) - MOST_ROWS),
            total=len(chosen),
            notice=None if notice is None else t(notice.key, **notice.arguments),
        )
        return Fragment(sha256(html.encode()).hexdigest()[:ID_CHARS], html)

    def _drawn(self, row: QueueRow, principal: Principal, t: Texts) -> Markup:
        """A row as HTML; the same one is drawn once for all who see it alike."""
        key = row, t.language, principal.time_zone, principal.id
        html = self._rows.get(key)
        if html is None:
            if len(self._rows) >= MOST_DRAWN:
                self._rows.clear()
            drawn = self._row.render(t=t, principal=principal, row=row, trend=_trend(row, t))
            # The template has escaped everything.
            html = self._rows[key] = Markup(drawn)
        return html

    async def find(self, alert: str, principal: Principal) -> QueueRow:
        """An open alert that this principal sees; raises :class:`Refused`."""
        rows = await self.live.rows(principal.assignees)
        found = next((row for row in rows if row.alert == alert), None)
        if found is None:
            raise Refused(GONE, "error-gone")
        return found

    async def answer(
        self, verb: Verb, row: QueueRow, chosen: Chosen, principal: Principal
    ) -> Notice:
        """Publish an answer."""
        at_ms = now_ms()
        answer = answer_of(verb, row, chosen, principal, at_ms)
        if answer is None:
            raise Refused(CONFLICT, "error-no-action")
        await self._publisher.publish(row.customer, answer.kind, answer.data, at_ms)
        self.live.answered(row.alert, answer.shown)
        return Notice("notice-answered", {"customer": row.customer})

    async def claim(self, row: QueueRow, principal: Principal, *, take: bool) -> Notice | None:
        """Take an alert or give it back; a notice says who was first."""
        if not take:
            await self._claims.release(row.alert, principal.id)
            self.live.changed()
            return None
        holder = await self._claims.claim(row.alert, principal.id)
        self.live.changed()
        if holder == principal.id:
            await self._acknowledge(row, principal)
            return None
        return Notice("notice-claimed", {"rep": holder, "customer": row.customer})

    async def _acknowledge(self, row: QueueRow, principal: Principal) -> None:
        """Tell the alert that somebody is on it, so that it is not escalated."""
        data = {"alert": row.alert, "verdict": "acknowledged", "rep": principal.id}
        try:
            await self._publisher.publish(row.customer, "alert.feedback", data, now_ms())
        except NotPublished:
            await self._claims.release(row.alert, principal.id)
            raise


def _trend(row: QueueRow, t: Texts) -> str:
    if len(row.trend) < 2:  # noqa: PLR2004 - a line needs two points
        return ""
    title = t("queue-trend", first=t.percent(row.trend[0]), last=t.percent(row.trend[-1]))
    return sparkline(title, row.trend)


Kind = Annotated[str, Query(max_length=64)]
Band = Annotated[str, Query(pattern="^(high|medium|)$")]
Cursor = Annotated[str, Query(max_length=64)]


def queue_router(queue: Queue) -> APIRouter:
    """The page and its stream."""
    router = APIRouter()

    @router.get("/queue")
    async def page(
        request: Request,
        principal: SignedIn,
        kind: Kind = "",
        band: Band = "",
        sort: Sort = "priority",
        snoozed: bool = False,
    ) -> Response:
        view = View(kind, band, sort, snoozed)
        rows = await queue.live.rows(principal.assignees)
        fragment = queue.draw(rows, view, principal)
        context = {
            "view": view,
            "fragment": fragment,
            "kinds": sorted({row.kind for row in rows} | ({kind} if kind else set())),
            "sorts": SORTS,
        }
        return render(request, "queue.html", principal, context)

    @router.get("/queue/stream")
    async def stream(
        request: Request,
        principal: SignedIn,
        kind: Kind = "",
        band: Band = "",
        sort: Sort = "priority",
        snoozed: bool = False,
        cursor: Cursor = "",
    ) -> Response:
        view = View(kind, band, sort, snoozed)
        # A client that comes back has a newer cursor than its page.
        cursor = request.headers.get("last-event-id", cursor)
        return _Stream(queue, view, principal, cursor)

    return router


class _Stream(Response):
    """The stream of one client; its list is watched while it is open."""

    def __init__(self, queue: Queue, view: View, principal: Principal, cursor: str) -> None:
        super().__init__()
        self._queue = queue
        self._view = view
        self._principal = principal
        self._cursor = cursor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        live, assignees = self._queue.live, self._principal.assignees
        with live.watching(assignees) as wake:
            first = await live.rows(assignees)

            def render_now() -> tuple[str, str]:
                rows = live.known_rows(assignees) if live.is_read(assignees) else first
                return self._queue.draw(rows, self._view, self._principal)

            events = lists(render_now, wake, lambda: live.closing, self._cursor)
            await EventStream(events)(scope, receive, send)


def answers_router(queue: Queue) -> APIRouter:
    """The answers: a form of each for links in mails, and the POST of its button."""
    router = APIRouter()

    @router.get("/alerts/{alert}/{verb}")
    async def confirm(request: Request, principal: SignedIn, alert: str, verb: Verb) -> Response:
        row = await queue.find(alert, principal)
        context = {"row": row, "verb": verb, "snoozes": SNOOZES, "outcomes": OUTCOMES}
        template = "answer.html" if _is_htmx(request) else "confirm.html"
        return render(request, template, principal, context)

    @router.post("/alerts/{alert}/claim")
    @router.post("/alerts/{alert}/release")
    async def claim(
        request: Request, principal: SignedIn, alert: str, view: Annotated[View, Depends(view_of)]
    ) -> Response:
        row = await queue.find(alert, principal)
        take = request.url.path.endswith("/claim")
        notice = await queue.claim(row, principal, take=take)
        status = 200 if notice is None else CONFLICT
        return await _after(request, queue, view, principal, notice, status)

    @router.post("/alerts/bulk/{verb}")
    async def bulk(
        request: Request,
        principal: SignedIn,
        verb: Verb,
        view: Annotated[View, Depends(view_of)],
        chosen: Annotated[Chosen, Depends(chosen_of)],
        alert: Annotated[list[str], Form(max_length=MOST_ROWS)] = [],  # noqa: B006
    ) -> Response:
        rows = await queue.live.rows(principal.assignees)
        taken = [row for row in rows if row.alert in set(alert)]
        for row in taken:
            await queue.answer(verb, row, chosen, principal)
        notice = Notice("notice-bulk", {"count": str(len(taken))})
        return await _after(request, queue, view, principal, notice)

    @router.post("/alerts/{alert}/{verb}")
    async def answer(
        request: Request,
        principal: SignedIn,
        alert: str,
        verb: Verb,
        view: Annotated[View, Depends(view_of)],
        chosen: Annotated[Chosen, Depends(chosen_of)],
    ) -> Response:
        row = await queue.find(alert, principal)
        notice = await queue.answer(verb, row, chosen, principal)
        return await _after(request, queue, view, principal, notice)

    return router


def view_of(
    kind: Annotated[str, Form(max_length=64)] = "",
    band: Annotated[str, Form(pattern="^(high|medium|)$")] = "",
    sort: Annotated[Sort, Form()] = "priority",
    snoozed: Annotated[bool, Form()] = False,
) -> View:
    """The view that the visitor has, sent along with an answer."""
    return View(kind, band, sort, snoozed)


def chosen_of(
    until: Annotated[Snooze, Form()] = "tomorrow",
    outcome: Annotated[Outcome, Form()] = "accepted",
    reason: Annotated[str, Form(max_length=REASON_CHARS)] = "",
) -> Chosen:
    """The details of an answer."""
    return Chosen(until, outcome, reason.strip())


async def _after(
    request: Request,
    queue: Queue,
    view: View,
    principal: Principal,
    notice: Notice | None,
    status: int = 200,
) -> Response:
    """The list as it is now; without htmx, the page."""
    if not _is_htmx(request):
        return RedirectResponse("/queue", SEE_OTHER)
    rows = await queue.live.rows(principal.assignees)
    return HTMLResponse(queue.draw(rows, view, principal, notice).html, status)


def _is_htmx(request: Request) -> bool:
    return "hx-request" in request.headers
