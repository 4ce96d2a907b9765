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
from touchstream.agents.settings import Settings
from touchstream.agents.stores.claims import open_claims


def claim(settings: Settings, alert: str, rep: str, *, as_json: bool) -> None:
    """Claim an open alert and acknowledge it, so that it is not escalated.

    Raises
    ------
    touchstream.agents.cli.failures.Failed
        It is not open, or another rep has it.
    """
    require_rep(settings, rep)
    customer = asyncio.run(_claimed(settings, alert, rep))
    acknowledged = feedback_of(alert, rep, {"verdict": "acknowledged"})
    try:
        origin = Origin(SOURCE, uuid4().hex, now_ms())
        publish(settings.kafka, [feedback_event(customer, acknowledged, origin)])
    except BaseException:
        # Nobody would know of the claim but those who look at the list.
        asyncio.run(_released(settings, alert, rep))
        raise
    said = {"alert": alert, "customer": customer, "claimed_by": rep}
    typer.echo(orjson.dumps(said).decode() if as_json else f"{alert}  {customer}  claimed by {rep}")


def release(settings: Settings, alert: str, rep: str, *, as_json: bool) -> None:
    """Give an alert back; raises :class:`Failed` if the rep does not have it."""
    require_rep(settings, rep)
    if not asyncio.run(_released(settings, alert, rep)):
        raise Failed(f"alert {alert}: {rep} has not claimed it, or the claim is over")
    said = {"alert": alert, "claimed_by": None}
    typer.echo(orjson.dumps(said).decode() if as_json else f"{alert}  released")


async def _claimed(settings: Settings, alert: str, rep: str) -> str:
    """Claim it; returns the customer."""
    found = await ask_store(settings, lambda store, shards: find_alerts(store, shards, [alert]))
    if alert not in found:
        raise Failed(not_open([alert], settings.namespace))
    claims = open_claims(settings)
    try:
        holder = await claims.claim(alert, rep)
    finally:
        await claims.close()
    if holder != rep:
        raise Failed(f"alert {alert}: {holder} has claimed it already")
    return found[alert].customer


async def _released(settings: Settings, alert: str, rep: str) -> bool:
    claims = open_claims(settings)
    try:
        return await claims.release(alert, rep)
    finally:
        await claims.close()
