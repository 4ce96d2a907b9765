"""Pages of the queue: the list, its stream, and the answers."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from touchstream.web.console.answers import (
    OUTCOMES,
    REASON_CHARS,
    SNOOZES,
    Chosen,
    Outcome,
    Snooze,
    Verb,
)
from touchstream.web.console.event_stream import EventStream, OpenStreams, lists
from touchstream.web.console.gate import SignedIn, gate_of
from touchstream.web.console.pages import refusal, render
from touchstream.web.console.principal import Principal
from touchstream.web.console.queue import CONFLICT, GONE, Notice, Queue
from touchstream.web.console.rows import MOST_ROWS, SORTS, Sort, View
from touchstream.web.console.sessions import COOKIE
from touchstream.web.console.sign_in import SEE_OTHER, TOO_MANY

Kind = Annotated[str, Query(max_length=64)]
Band = Annotated[str, Query(pattern="^(high|medium|)$")]
AlertId = Annotated[str, Path(max_length=64)]
OfCustomer = Annotated[str, Query(max_length=256)]
Cursor = Annotated[str, Query(max_length=64)]


def queue_router(queue: Queue) -> APIRouter:
    """The page and its stream."""
    router, open_streams = APIRouter(), OpenStreams()

    @router.get("/queue")
    async def page(
        request: Request, principal: SignedIn, view: Annotated[View, Depends(asked_view)]
    ) -> Response:
        listing = await queue.listing(principal)
        fragment = queue.draw(listing, view, principal)
        context = {
            "view": view,
            "fragment": fragment,
            "kinds": sorted(
                {row.kind for row in listing.rows} | ({view.kind} if view.kind else set())
            ),
            "sorts": SORTS,
        }
        return render(request, "queue.html", principal, context)

    @router.get("/queue/stream")
    async def stream(
        request: Request,
        principal: SignedIn,
        view: Annotated[View, Depends(asked_view)],
        cursor: Cursor = "",
    ) -> Response:
        # A client that comes back has a newer cursor than its page.
        cursor = request.headers.get("last-event-id", cursor)
        cookie, gate = request.cookies.get(COOKIE), gate_of(request)
        return _Stream(
            queue,
            view,
            Client(principal, cursor, lambda: gate.sessions.read(cookie) is None),
            open_streams.of(gate.session(request).nonce),
            refusal(request, TOO_MANY, "error-streams", principal),
        )

    return router


class Client(NamedTuple):
    """Who watches a stream."""

    principal: Principal
    cursor: str
    """Id of the list that they show."""
    is_over: Callable[[], bool]
    """Whether their session has ended."""


class _Stream(Response):
    """The stream of one client; its list is watched while it is open, until the session ends."""

    def __init__(
        self,
        queue: Queue,
        view: View,
        client: Client,
        place: AbstractContextManager[bool],
        refusal: Response,
    ) -> None:
        super().__init__()
        self._queue = queue
        self._view = view
        self._client = client
        self._place = place
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place as is_free:
            answer = self._watch if is_free else self._refusal
            await answer(scope, receive, send)

    async def _watch(self, scope: Scope, receive: Receive, send: Send) -> None:
        principal, cursor, is_over = self._client
        live, assignees = self._queue.live, principal.assignees
        with live.watching(assignees) as wake:
            first = await live.rows(assignees)

            def render_now() -> tuple[str, str]:
                now = live.known_rows(assignees) if live.is_read(assignees) else first
                return self._queue.draw(now, self._view, principal)

            events = lists(render_now, wake, lambda: live.closing or is_over(), cursor)
            await EventStream(events)(scope, receive, send)


def answers_router(queue: Queue) -> APIRouter:
    """The link of a message; for each answer a form, for links in mails, and its POST."""
    router = APIRouter()

    @router.get("/alerts/{alert}")
    async def follow(request: Request, principal: SignedIn, alert: AlertId) -> Response:
        customer = await queue.customer_of(alert)
        if customer is None:
            return render(request, "alert_over.html", principal, {}, GONE)
        return RedirectResponse(page_of(customer), SEE_OTHER)

    @router.get("/alerts/{alert}/{verb}")
    async def confirm(
        request: Request, principal: SignedIn, alert: str, verb: Verb, customer: OfCustomer = ""
    ) -> Response:
        row = await queue.find(alert, principal, customer)
        context = {
            "row": row,
            "customer": customer,
            "back": page_of(customer),
            "verb": verb,
            "snoozes": SNOOZES,
            "outcomes": OUTCOMES,
        }
        template = "answer.html" if _is_htmx(request) else "confirm.html"
        return render(request, template, principal, context)

    @router.post("/alerts/{alert}/claim")
    @router.post("/alerts/{alert}/release")
    async def claim(
        request: Request, principal: SignedIn, alert: str, view: Annotated[View, Depends(view_of)]
    ) -> Response:
        row = await queue.find(alert, principal, view.customer)
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
        listing, wanted = await queue.listing(principal), frozenset(alert)
        taken = [row for row in listing.rows if row.alert in wanted]
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
        row = await queue.find(alert, principal, view.customer)
        notice = await queue.answer(verb, row, chosen, principal)
        return await _after(request, queue, view, principal, notice)

    return router


def asked_view(
    kind: Kind = "", band: Band = "", sort: Sort = "priority", snoozed: bool = False
) -> View:
    """The view that the address of a page asks for."""
    return View(kind, band, sort, snoozed)


def view_of(
    kind: Annotated[str, Form(max_length=64)] = "",
    band: Annotated[str, Form(pattern="^(high|medium|)$")] = "",
    sort: Annotated[Sort, Form()] = "priority",
    snoozed: Annotated[bool, Form()] = False,
    customer: Annotated[str, Form(max_length=256)] = "",
) -> View:
    """The view that the visitor has, sent along with an answer."""
    return View(kind, band, sort, snoozed, customer)


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
        return RedirectResponse(page_of(view.customer), SEE_OTHER)
    listing = await queue.listing(principal, view.customer)
    return HTMLResponse(queue.draw(listing, view, principal, notice).html, status)


def page_of(customer: str) -> str:
    """The address of a customer's page; of the queue for none."""
    return f"/customers/{quote(customer, safe='')}" if customer else "/queue"


def _is_htmx(request: Request) -> bool:
    return "hx-request" in request.headers
