"""A customer: risk and reasons, timeline, tickets, actions, and what projections know."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, NamedTuple
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from touchstream.agents.views.customer import CustomerReader, CustomerView
from touchstream.agents.views.decisions import last_decisions
from touchstream.agents.views.event_log import EventLog, LogUnavailable
from touchstream.schemas.units import Millis
from touchstream.streams.learn.snapshot import CHURN, RETURN
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.decisions import DecisionsState
from touchstream.streams.projections.read import (
    churn_of,
    decisions_of,
    described,
    relation_of,
    return_of,
)
from touchstream.web.console import charts
from touchstream.web.console.charts import Chart, Series
from touchstream.web.console.gate import SignedIn
from touchstream.web.console.log_entries import entries_of
from touchstream.web.console.pages import render, texts_for
from touchstream.web.console.principal import Principal, masked
from touchstream.web.console.queue import Queue
from touchstream.web.console.queue_pages import page_of
from touchstream.web.console.rows import QueueRow, View
from touchstream.web.console.sign_in import SEE_OTHER
from touchstream.web.console.texts import Texts

NOT_FOUND = 404
MOST_MOMENTS = 40
MOST_CHARACTERS = 120
"""Of a value that a projection describes; longer ones are for ``touchstream customer --json``."""
LEAST_SHOWN = 0.005
"""Log-odds; a smaller weight is written as 0.00."""
HIDDEN = frozenset({"ledger", "contributions", "vector", "last_emitted_contributions"})
"""Fields of projections that only the machine needs."""

logger = structlog.get_logger()


class Moment(NamedTuple):
    """An entry of the timeline."""

    at_ms: Millis
    key: str
    """Key of its text."""
    what: str = ""


def customer_router(reader: CustomerReader, queue: Queue, log: EventLog) -> APIRouter:
    """The search and the pages; ``queue`` draws the customer's alerts and takes the answers."""
    router = APIRouter()

    @router.get("/customers")
    async def search(
        request: Request, principal: SignedIn, id: Annotated[str, Query(max_length=256)] = ""
    ) -> Response:
        customer = id.strip()
        if customer:
            return RedirectResponse(f"/customers/{quote(customer, safe='')}", SEE_OTHER)
        return render(request, "customer_search.html", principal, {"id": ""})

    @router.get("/customers/{customer:path}/log")
    async def read_log(request: Request, principal: SignedIn, customer: str) -> Response:
        # The path is decoded: this one is of a customer whose id ends in "/log".
        if not request.scope["raw_path"].endswith(b"/log"):
            return await page(request, principal, f"{customer}/log")
        found = await reader.read(customer)
        if found is None:
            return _unknown(request, principal, customer)
        return await _log_page(request, principal, found, log)

    @router.get("/customers/{customer:path}")
    async def page(request: Request, principal: SignedIn, customer: str) -> Response:
        found = await reader.read(customer)
        if found is None:
            return _unknown(request, principal, customer)
        listing = await queue.listing(principal, customer)
        context = _page(found, listing.rows, principal, texts_for(request, principal))
        context["fragment"] = queue.draw(listing, View(customer=customer), principal)
        return render(request, "customer.html", principal, context)

    return router


def _unknown(request: Request, principal: Principal, customer: str) -> Response:
    context = {"id": customer}
    return render(request, "customer_search.html", principal, context, NOT_FOUND)


async def _log_page(
    request: Request, principal: Principal, found: CustomerView, log: EventLog
) -> Response:
    t, state = texts_for(request, principal), found.state
    context: dict[str, object] = {"id": found.customer, "back": page_of(found.customer)}
    try:
        reading = await log.read(found.customer)
    except LogUnavailable as error:
        logger.warning("log_not_read", error=str(error))
        context |= {"reading": None, "found": None}
    else:
        owner = _owner(state.profile)
        entries = entries_of(reading, state.erased_ms, owner, principal, t)
        context |= {
            "reading": reading,
            "found": entries,
            "decisions": last_decisions(reading, state.erased_ms),
        }
    return render(request, "customer_log.html", principal, context)


def _page(
    found: CustomerView, alerts: Sequence[QueueRow], principal: Principal, t: Texts
) -> dict[str, object]:
    state, profile = found.state, found.state.profile
    churn, decisions = churn_of(state), decisions_of(state)
    owner = _owner(profile)
    values = (
        {} if profile is None else {name: fact.value for name, fact in profile.attributes.items()}
    )
    return {
        "found": found,
        "profile": profile,
        "id": found.customer,
        "log_path": f"{page_of(found.customer)}/log",
        "has_left": has_left(found),
        "band": None if has_left(found) else churn.band,
        "risk": _chance(found, alerts),
        "alerts": alerts,
        "crossing": churn.crossing,
        "reasons": _reasons(found, alerts, t),
        "over_time": _risk_chart(found, principal, t),
        "attributes": masked(values, owner, principal),
        "tickets": _open_tickets(profile),
        "recommended": sorted(decisions.recommended_ms.items(), key=lambda one: -one[1]),
        "moments": _timeline(profile, decisions, found, principal)[:MOST_MOMENTS],
        "knows": _knows(found),
    }


def _owner(profile: Profile | None) -> object:
    fact = None if profile is None else profile.attributes.get("owner")
    return None if fact is None else fact.value


def has_left(found: CustomerView) -> bool:
    """Whether the relation is over: then it is the return that is predicted."""
    relation = relation_of(found.state)
    return relation is not None and relation.is_over


def _alert(found: CustomerView, alerts: Sequence[QueueRow]) -> QueueRow | None:
    """The open alert about what is predicted of the customer now."""
    kind = RETURN if has_left(found) else CHURN
    return next((row for row in alerts if row.kind == kind), None)


def _chance(found: CustomerView, alerts: Sequence[QueueRow]) -> float | None:
    """P(churn), or P(return) of a former customer; None: nobody has scored it."""
    if found.explanation is not None:
        return found.explanation.risk
    if not has_left(found):
        return churn_of(found.state).risk
    # The last risk of leaving is no chance of coming back.
    alert, last = _alert(found, alerts), return_of(found.state).probability
    return last if alert is None else alert.risk


def _reasons(found: CustomerView, alerts: Sequence[QueueRow], t: Texts) -> list[tuple[str, float]]:
    """Sentences with their weight in the log-odds, the heaviest first; else those of the alert."""
    explanation = found.explanation
    facts = () if explanation is None else (one.fact for one in explanation.reasons)
    at_ms = Millis(0) if explanation is None else explanation.at_ms
    reasons = [
        (t.reason(fact, at_ms), fact.contribution)
        for fact in facts
        if fact is not None and abs(fact.contribution) >= LEAST_SHOWN
    ]
    alert = _alert(found, alerts)
    if reasons or alert is None:
        return reasons
    return [(t.reason(one, alert.since_ms), one.contribution) for one in alert.reasons]


def _risk_chart(found: CustomerView, principal: Principal, t: Texts) -> Chart | None:
    points = [(row.at_ms, row.risk) for row in churn_of(found.state).ledger]
    if found.explanation is not None and found.explanation.target == CHURN:
        points.append((found.explanation.at_ms, found.explanation.risk))
    if not points:
        return None
    return charts.lines(
        "risk",
        t("customer-risk-over-time"),
        t("customer-risk-over-time-about"),
        [t.day(at_ms, principal.time_zone) for at_ms, _ in points],
        [Series(t("customer-risk"), [risk for _, risk in points])],
        top=1.0,
    )


def _open_tickets(profile: Profile | None) -> list[tuple[str, Millis]]:
    if profile is None:
        return []
    opened = [(name, one.opened_ms) for name, one in profile.tickets.items() if one.open]
    return sorted(opened, key=lambda one: one[1])


def _timeline(
    profile: Profile | None, decisions: DecisionsState, found: CustomerView, principal: Principal
) -> list[Moment]:
    """The moments that the state remembers, the newest first."""
    crossing = churn_of(found.state).crossing
    moments = [
        Moment(at_ms, "moment-action", name) for name, at_ms in decisions.recommended_ms.items()
    ]
    if crossing is not None:
        moments.append(Moment(crossing.at_ms, "moment-up" if crossing.up else "moment-down"))
    if profile is not None:
        moments += _of_profile(profile, principal)
    return sorted(moments, key=lambda one: (-one.at_ms, one.key, one.what))


def _of_profile(profile: Profile, principal: Principal) -> Iterator[Moment]:
    yield Moment(profile.first_seen_ms, "moment-first")
    yield Moment(profile.last_seen_ms, "moment-last")
    for name, ticket in profile.tickets.items():
        yield Moment(ticket.opened_ms, "moment-ticket-opened", name)
        if not ticket.open:
            yield Moment(ticket.at_ms, "moment-ticket-resolved", name)
    subscription = profile.subscription
    if subscription is not None:
        key = "moment-cancelled" if subscription.cancelled else "moment-subscription"
        yield Moment(subscription.at_ms, key, subscription.plan or "")
    for kind, answer in profile.surveys.items():
        yield Moment(answer.at_ms, "moment-survey", f"{kind} {answer.score:.0%}")
    if profile.call is not None:
        yield Moment(profile.call.at_ms, "moment-call", f"{profile.call.duration_s // 60} min")
    for purpose, consent in profile.consent.items():
        yield Moment(
            consent.at_ms, "moment-consent" if consent.value else "moment-refused", purpose
        )
    shown = masked(profile.attributes, _owner(profile), principal)
    for name, fact in profile.attributes.items():
        value = "" if shown[name] is None else f" = {fact.value}"
        yield Moment(fact.at_ms, "moment-attribute", f"{name}{value}")


def _knows(found: CustomerView) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Projection -> its fields in short, without those that nobody can read."""
    profile = found.state.profile
    at_ms = found.checkpoint.watermark_ms or (
        Millis(0) if profile is None else profile.last_seen_ms
    )
    return {
        name: [
            (field, _short(value))
            for field, value in fields.items()
            if field not in HIDDEN and value not in (None, (), {}, b"")
        ]
        for name, fields in described(found.state, at_ms).items()
    }


def _short(value: object) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
