"""``touchstream alerts claim`` and ``release``: who is on an alert, as in the console."""

import asyncio
from uuid import uuid4

import orjson
import typer

from touchstream.agents.alert_search import find_alerts
from touchstream.agents.cli.alert_answers import SOURCE, feedback_of, require_rep
from touchstream.agents.cli.alerts import not_open
from touchstream.agents.cli.asking import ask_store
from touchstream.agents.cli.failures import Failed
from touchstream.agents.cli.histories import now_ms
from touchstream.agents.feedback import Origin, feedback_event, publish
from touchstream.agents.queries import AlertRow
from touchstream.agents.settings import Settings
from touchstream.agents.stores.claims import open_claims
from touchstream.schemas.touchpoints.actions import AlertFeedback


def claim(settings: Settings, alert: str, rep: str, *, as_json: bool) -> None:
    """Claim an open alert and acknowledge it, so that it is not escalated.

    Raises
    ------
    touchstream.agents.cli.failures.Failed
        It is not open, or another rep has it.
    """
    require_rep(settings, rep)
    customer = asyncio.run(_claimed(settings, alert, rep))
    try:
        _publish(settings, customer, feedback_of(alert, rep, {"verdict": "acknowledged"}))
    except BaseException:
        # Nobody would know of the claim but those who look at the list.
        asyncio.run(_released(settings, alert, rep))
        raise
    said = {"alert": alert, "customer": customer, "claimed_by": rep}
    typer.echo(orjson.dumps(said).decode() if as_json else f"{alert}  {customer}  claimed by {rep}")


def release(settings: Settings, alert: str, rep: str, *, as_json: bool) -> None:
    """Give an alert back, so that it is pushed and escalated again.

    Raises
    ------
    touchstream.agents.cli.failures.Failed
        The rep does not have it.
    """
    require_rep(settings, rep)
    row = asyncio.run(_found(settings, alert))
    if not asyncio.run(_released(settings, alert, rep)):
        raise Failed(f"alert {alert}: {rep} has not claimed it, or the claim is over")
    # One that is over needs nobody any more.
    if row is not None:
        try:
            _publish(settings, row.customer, feedback_of(alert, rep, {"verdict": "released"}))
        except BaseException:
            # Still acknowledged: without the claim it would wait for nobody.
            asyncio.run(_taken(settings, alert, rep))
            raise
    said = {"alert": alert, "claimed_by": None}
    typer.echo(orjson.dumps(said).decode() if as_json else f"{alert}  released")


async def _claimed(settings: Settings, alert: str, rep: str) -> str:
    """Claim it; returns the customer."""
    row = await _found(settings, alert)
    if row is None:
        raise Failed(not_open([alert], settings.namespace))
    holder = await _taken(settings, alert, rep)
    if holder != rep:
        raise Failed(f"alert {alert}: {holder} has claimed it already")
    return row.customer


async def _found(settings: Settings, alert: str) -> AlertRow | None:
    """The open alert; None: it is over."""
    found = await ask_store(settings, lambda store, shards: find_alerts(store, shards, [alert]))
    return found.get(alert)


def _publish(settings: Settings, customer: str, answer: AlertFeedback) -> None:
    origin = Origin(SOURCE, uuid4().hex, now_ms())
    publish(settings.kafka, [feedback_event(customer, answer, origin)])


async def _taken(settings: Settings, alert: str, rep: str) -> str:
    """Claim it; returns who has it now."""
    claims = open_claims(settings)
    try:
        return await claims.claim(alert, rep)
    finally:
        await claims.close()


async def _released(settings: Settings, alert: str, rep: str) -> bool:
    claims = open_claims(settings)
    try:
        return await claims.release(alert, rep)
    finally:
        await claims.close()
