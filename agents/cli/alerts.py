"""``touchstream alerts list`` and ``show``: the open alerts, the highest priority first."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, get_args

import orjson
import typer

from touchstream.agents.alert_search import find_alerts
from touchstream.agents.cli.asking import ask_store
from touchstream.agents.cli.failures import BadUsage, Failed
from touchstream.agents.cli.histories import now_ms
from touchstream.agents.languages.texts import Texts
from touchstream.agents.queries import AlertList, AlertRow, open_alerts
from touchstream.agents.settings import Settings
from touchstream.agents.settings_reps import Language
from touchstream.agents.stores.claims import open_claims
from touchstream.schemas.envelope import format_time
from touchstream.schemas.units import Millis
from touchstream.streams.decide.priority import UNLEARNT_SAVEABILITY
from touchstream.streams.learn.ledger import MILLION
from touchstream.streams.projections.alert_state import OpenAlert, Snoozed
from touchstream.streams.projections.indexes import ALERTS_INDEX, owner_index, queue_index

MOST = 10_000
"""Customers read where only some of the list are wanted."""


class Wanted(NamedTuple):
    """The alerts to show; None: all of them."""

    queue: str | None = None
    owner: str | None = None
    kind: str | None = None
    top: int = 20

    @property
    def smallest_index(self) -> str:
        """The smallest index that holds them all."""
        if self.owner is not None:
            return owner_index(self.owner)
        return ALERTS_INDEX if self.queue is None else queue_index(self.queue)

    @property
    def read(self) -> int:
        """How many customers to read: some of them may have alerts of other kinds only."""
        picks = self.kind is not None or (self.owner is not None and self.queue is not None)
        return max(self.top, MOST) if picks else self.top

    def holds(self, row: AlertRow) -> bool:
        """Whether the row is one of them."""
        return (
            self.queue in (None, row.queue)
            and self.owner in (None, row.owner)
            and self.kind in (None, row.alert.kind)
        )


class Shown(NamedTuple):
    """How alerts are written."""

    texts: Texts
    currency: str
    now_ms: Millis
    holders: Mapping[str, str] = MappingProxyType({})
    """Alert -> the rep who has claimed it."""


def list_alerts(settings: Settings, wanted: Wanted, language: str, *, as_json: bool) -> None:
    """Print a line for each alert; a sentence if there is none."""
    shown = _shown(settings, language)
    found = asyncio.run(
        ask_store(
            settings,
            lambda store, shards: open_alerts(store, shards, [wanted.smallest_index], wanted.read),
        )
    )
    rows = [row for row in found.alerts if wanted.holds(row)]
    shown = asyncio.run(_with_holders(settings, rows[: wanted.top], shown))
    for row in rows[: wanted.top]:
        typer.echo(_json(row, shown) if as_json else "  ".join(_line(row, shown)))
    # A program reads alerts alone, a person also how many there are.
    typer.echo(_summary(found, rows, wanted, settings.namespace), err=as_json)


def show_alert(settings: Settings, alert: str, language: str, *, as_json: bool) -> None:
    """Print an open alert, one fact a line; raises :class:`Failed` if it is not open."""
    shown = _shown(settings, language)
    found = asyncio.run(
        ask_store(settings, lambda store, shards: find_alerts(store, shards, [alert]))
    )
    if alert not in found:
        raise Failed(not_open([alert], settings.namespace))
    shown = asyncio.run(_with_holders(settings, [found[alert]], shown))
    if as_json:
        typer.echo(_json(found[alert], shown))
        return
    for line in _lines(found[alert], shown):
        typer.echo(line)


def not_open(alerts: Sequence[str], namespace: str) -> str:
    """Why an answer or a look is refused, and what to do."""
    return (
        f"no open alert {', '.join(alerts)} in namespace {namespace!r}: it was cleared, or the id "
        "is wrong; see `touchstream alerts list`"
    )


def _shown(settings: Settings, language: str) -> Shown:
    for known in get_args(Language):
        if known == language:
            return Shown(Texts(known), settings.rules.deciding.currency, now_ms())
    raise BadUsage(f"--language={language!r}: want {' or '.join(get_args(Language))}")


async def _with_holders(settings: Settings, rows: Sequence[AlertRow], shown: Shown) -> Shown:
    claims = open_claims(settings)
    try:
        holders = await claims.holders([row.alert.id.hex() for row in rows])
    finally:
        await claims.close()
    return shown._replace(holders=holders)


def _json(row: AlertRow, shown: Shown) -> str:
    alert = row.alert
    fields = {
        "alert": alert.id.hex(),
        "customer": row.customer,
        "kind": alert.kind,
        "band": alert.band,
        "risk": alert.millionths / MILLION,
        "priority": {
            "score": alert.score,
            "risk": alert.loss_millionths / MILLION,
            "value_minor": alert.value_minor,
            "currency": shown.currency,
            "value_from": alert.value_from,
            "saveability": UNLEARNT_SAVEABILITY,
        },
        "raised": format_time(alert.raised_ms),
        "expires": format_time(alert.expires_ms),
        "band_since": None if row.since_ms is None else format_time(row.since_ms),
        "owner": row.owner,
        "queue": row.queue,
        "reasons": [shown.texts.reason(one, shown.now_ms) for one in alert.reasons],
        "action": alert.action,
        "recommended": None if alert.recommended_ms is None else format_time(alert.recommended_ms),
        "decision": alert.decision.hex() or None,
        "snoozed": None if alert.snoozed is None else _snooze_fields(alert.snoozed),
        "claimed_by": shown.holders.get(alert.id.hex()),
        "acknowledged_by": alert.acknowledged_by,
        "rating": alert.rating,
    }
    return orjson.dumps(fields).decode()


def _snooze_fields(snoozed: Snoozed) -> Mapping[str, object]:
    return {
        "until": None if snoozed.until_ms is None else format_time(snoozed.until_ms),
        "risk": None if snoozed.millionths is None else min(1.0, snoozed.millionths / MILLION),
        "next_touchpoint": snoozed.next_touchpoint,
    }


def _line(row: AlertRow, shown: Shown) -> Iterator[str]:
    texts, alert = shown.texts, row.alert
    yield alert.id.hex()
    yield row.customer
    yield texts.kind(alert.kind)
    yield texts.chance(alert.band, alert.millionths / MILLION)
    yield f"{texts.text('column-priority')} {texts.money(alert.score, shown.currency)}"
    yield texts.text("message-since", ago=texts.ago(alert.raised_ms, shown.now_ms))
    yield row.owner or row.queue
    yield _why(alert, shown)
    if alert.action is not None:
        yield texts.text("message-do", action=texts.action(alert.action))
    yield from _states(alert, shown)


def _lines(row: AlertRow, shown: Shown) -> Iterator[str]:
    texts, alert = shown.texts, row.alert
    risk = alert.millionths / MILLION
    labelled = {
        "customer": row.customer,
        "kind": f"{texts.kind(alert.kind)} ({texts.chance(alert.band, risk)})",
        "why": _why(alert, shown),
        "action": None if alert.action is None else texts.action(alert.action),
        "since": texts.moment(alert.raised_ms, "UTC") + " UTC",
        "owner": row.owner,
        "queue": row.queue,
        "state": ", ".join(_states(alert, shown)) or texts.text("state-open"),
        "value": f"{texts.money(alert.value_minor, shown.currency)} "
        f"({texts.text(f'value-{alert.value_from}')})",
        "priority": texts.money(alert.score, shown.currency),
    }
    yield alert.id.hex()
    for name, value in labelled.items():
        if value is not None:
            yield f"{texts.text(f'column-{name}')}: {value}"
    yield texts.text(
        "priority-explained",
        risk=texts.risk(alert.loss_millionths / MILLION),
        value=texts.money(alert.value_minor, shown.currency),
        saveability=texts.risk(UNLEARNT_SAVEABILITY),
    )


def _why(alert: OpenAlert, shown: Shown) -> str:
    sentences = [shown.texts.reason(one, shown.now_ms) for one in alert.reasons]
    return "; ".join(sentences) or shown.texts.text("message-why-unknown")


def _states(alert: OpenAlert, shown: Shown) -> Iterator[str]:
    holder = shown.holders.get(alert.id.hex())
    if holder is not None:
        yield shown.texts.text("state-claimed", rep=holder)
    if alert.snoozed is not None:
        yield _snoozed(alert.snoozed, shown)


def _snoozed(snoozed: Snoozed, shown: Shown) -> str:
    texts = shown.texts
    if snoozed.until_ms is None:
        return texts.text("state-snoozed")
    return texts.text("state-snoozed-until", moment=f"{texts.moment(snoozed.until_ms, 'UTC')} UTC")


def _summary(found: AlertList, rows: Sequence[AlertRow], wanted: Wanted, namespace: str) -> str:
    if found.as_of is None:
        return (
            f"no alert is open yet: namespace {namespace!r} has not passed its first tick on "
            "every partition; start the learner and the workers"
        )
    as_of = f"as of tick {found.as_of.tick}"
    if found.as_of.watermark_ms is not None:
        as_of += f", {format_time(found.as_of.watermark_ms)}"
    asked = [
        f"{name} {value}"
        for name, value in zip(Wanted._fields, wanted, strict=True)
        if name != "top" and value is not None
    ]
    of = f" of {', '.join(asked)}" if asked else ""
    if not rows:
        return f"no alert{of} is open ({as_of})"
    shown = min(len(rows), wanted.top)
    return f"{shown} shown{of}; {found.customers} customers have an open alert ({as_of})"
