"""A customer: risk and reasons, timeline, tickets, actions, and what projections know."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from touchstream.agents.views.customer import CustomerReader, CustomerView
from touchstream.schemas.units import Millis
from touchstream.streams.learn.snapshot import CHURN
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.decisions import DecisionsState
from touchstream.streams.projections.read import (
    churn_of,
    decisions_of,
    described,
    relation_of,
)
from touchstream.web.console import charts
from touchstream.web.console.charts import Chart, Series
from touchstream.web.console.gate import SignedIn
from touchstream.web.console.pages import render, texts_for
from touchstream.web.console.principal import Principal, masked
from touchstream.web.console.sign_in import SEE_OTHER
from touchstream.web.console.texts import Texts

NOT_FOUND = 404
MOST_MOMENTS = 40
MOST_CHARACTERS = 120
"""Of a value that a projection describes; longer ones are for ``touchstream customer --json``."""
HIDDEN = frozenset({"ledger", "contributions", "vector", "last_emitted_contributions"})
"""Fields of projections that only the machine needs."""


class Moment(NamedTuple):
    """An entry of the timeline."""

    at_ms: Millis
    key: str
    """Key of its text."""
    what: str = ""


def customer_router(reader: CustomerReader) -> APIRouter:
    """The search and the page."""
    router = APIRouter()

    @router.get("/customers")
    async def search(
        request: Request, principal: SignedIn, id: Annotated[str, Query(max_length=256)] = ""
    ) -> Response:
        customer = id.strip()
        if customer:
            return RedirectResponse(f"/customers/{quote(customer, safe='')}", SEE_OTHER)
        return render(request, "customer_search.html", principal, {"id": ""})

    @router.get("/customers/{customer:path}")
    async def customer(request: Request, principal: SignedIn, customer: str) -> Response:
        found = await reader.read(customer)
        if found is None:
            context = {"id": customer}
            return render(request, "customer_search.html", principal, context, NOT_FOUND)
        return render(
            request,
            "customer.html",
            principal,
            _page(found, principal, texts_for(request, principal)),
        )

    return router


def _page(found: CustomerView, principal: Principal, t: Texts) -> dict[str, object]:
    state, profile = found.state, found.state.profile
    churn, decisions = churn_of(state), decisions_of(state)
    owner = _owner(profile)
    values = (
        {} if profile is None else {name: fact.value for name, fact in profile.attributes.items()}
    )
    return {
        "found": found,
        "profile": profile,
        "band": churn.band,
        "risk": churn.risk if found.explanation is None else found.explanation.risk,
        "relation": relation_of(state),
        "crossing": churn.crossing,
        "reasons": _reasons(found),
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


def _reasons(found: CustomerView) -> list[tuple[str, float]]:
    """Sentences with their weight in the log-odds, the heaviest first."""
    if found.explanation is None:
        return []
    return [
        (reason.sentence, reason.contribution)
        for reason in found.explanation.reasons
        if reason.sentence is not None
    ]


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
