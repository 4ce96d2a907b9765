"""My queue: lists as HTML, and what becomes of an answer."""

from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

from jinja2 import Environment
from markupsafe import Markup

from touchstream.agents.stores.claims import Claims
from touchstream.web.console.answers import (
    Chosen,
    Verb,
    answer_of,
)
from touchstream.web.console.charts import sparkline
from touchstream.web.console.duty import Roster
from touchstream.web.console.gate import Refused
from touchstream.web.console.live import Live
from touchstream.web.console.pages import now_ms
from touchstream.web.console.principal import Principal
from touchstream.web.console.publishing import EventPublisher, NotPublished
from touchstream.web.console.rows import MOST_ROWS, Alerts, Listing, QueueRow, View
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


class Sources(NamedTuple):
    """Where lists come from, and where answers go."""

    live: Live
    alerts: Alerts
    roster: Roster
    claims: Claims
    publisher: EventPublisher


class Queue:
    """Draws lists and takes answers."""

    def __init__(self, templates: Environment, sources: Sources) -> None:
        self._templates = templates
        self._row = templates.get_template("row.html")
        self._rows: dict[tuple[QueueRow, str, str, str, bool, bool], Markup] = {}
        self.live = sources.live
        self._alerts = sources.alerts
        self._roster = sources.roster
        self._claims = sources.claims
        self._publisher = sources.publisher

    def draw(
        self,
        listing: Listing,
        view: View,
        principal: Principal,
        notice: Notice | None = None,
    ) -> Fragment:
        """The rows of a view; the same rows give the same bytes."""
        chosen = view.chosen(listing.rows)
        is_page = bool(view.customer)
        t = texts_of(principal.language)
        html = self._templates.get_template("rows.html").render(
            t=t,
            principal=principal,
            rows=[self._drawn(row, principal, t, is_page=is_page) for row in chosen[:MOST_ROWS]],
            more=max(0, len(chosen) - MOST_ROWS),
            total=len(chosen),
            is_cut=listing.is_cut,
            is_page=is_page,
            notice=None if notice is None else t(notice.key, **notice.arguments),
        )
        return Fragment(sha256(html.encode()).hexdigest()[:ID_CHARS], html)

    def _drawn(self, row: QueueRow, principal: Principal, t: Texts, *, is_page: bool) -> Markup:
        """A row as HTML; the same one is drawn once for all who see it alike."""
        may_answer = self._roster.duty().may_answer(row, principal)
        key = row, t.language, principal.time_zone, principal.id, is_page, may_answer
        html = self._rows.get(key)
        if html is None:
            if len(self._rows) >= MOST_DRAWN:
                self._rows.clear()
            drawn = self._row.render(
                t=t,
                principal=principal,
                row=row,
                trend=_trend(row, t),
                is_page=is_page,
                may_answer=may_answer,
            )
            # The template has escaped everything.
            html = self._rows[key] = Markup(drawn)
        return html

    async def listing(self, principal: Principal, customer: str = "") -> Listing:
        """The alerts of a customer, or all that this principal sees."""
        if customer:
            return Listing(await self.live.rows_of(customer))
        return await self.live.rows(principal.assignees)

    async def customer_of(self, alert: str) -> str | None:
        """Whom an open alert is about; None: it is not open, or not any more."""
        return await self._alerts.customer_of(alert)

    async def find(self, alert: str, principal: Principal, customer: str = "") -> QueueRow:
        """An open alert that this principal may answer; raises :class:`Refused`."""
        found = _among(await self.listing(principal, customer), alert)
        if found is None and not customer:
            # Escalated to them, or deep below in the list: the link of a message names no customer.
            customer = await self.customer_of(alert) or ""
            found = _among(await self.listing(principal, customer), alert) if customer else None
        if found is None or not self._roster.duty().may_answer(found, principal):
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
            await self._give_back(row, principal)
            return None
        holder = await self._claims.claim(row.alert, principal.id)
        self.live.changed()
        if holder == principal.id:
            await self._acknowledge(row, principal)
            return None
        return Notice("notice-claimed", {"rep": holder, "customer": row.customer})

    async def _acknowledge(self, row: QueueRow, principal: Principal) -> None:
        """Tell the alert that somebody is on it, so that it is not escalated."""
        try:
            await self._publish(row, principal, "acknowledged")
        except NotPublished:
            await self._claims.release(row.alert, principal.id)
            raise

    async def _give_back(self, row: QueueRow, principal: Principal) -> None:
        """Tell the alert that nobody is on it, so that it is pushed and escalated again."""
        released = await self._claims.release(row.alert, principal.id)
        self.live.changed()
        if not released:
            return
        try:
            await self._publish(row, principal, "released")
        except NotPublished:
            # It would wait for nobody: still acknowledged, and in nobody's hands.
            await self._claims.claim(row.alert, principal.id)
            raise

    async def _publish(self, row: QueueRow, principal: Principal, answer: str) -> None:
        data = {"alert": row.alert, "verdict": answer, "rep": principal.id}
        await self._publisher.publish(row.customer, "alert.feedback", data, now_ms())


def _among(listing: Listing, alert: str) -> QueueRow | None:
    return next((row for row in listing.rows if row.alert == alert), None)


def _trend(row: QueueRow, t: Texts) -> str:
    if len(row.trend) < 2:  # noqa: PLR2004 - a line needs two points
        return ""
    title = t("queue-trend", first=t.percent(row.trend[0]), last=t.percent(row.trend[-1]))
    return sparkline(title, row.trend)
