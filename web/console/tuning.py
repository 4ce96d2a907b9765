"""Alerts tuning: precision of the alerts, and the capacity curve, computed when somebody asks."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, NamedTuple

import structlog
from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from touchstream.agents.cli.bands import Answer, live_answer
from touchstream.agents.notifier.events import TALLY_DAYS
from touchstream.agents.notifier.precision import DAYS, alert_precision
from touchstream.agents.report.capacities import Foreseen, TooLittle, asked_of, toml_lines
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Store, StoreError
from touchstream.agents.views.models import NoLearner
from touchstream.schemas.rules import BandRules
from touchstream.schemas.units import Millis
from touchstream.web.console import charts
from touchstream.web.console.charts import Chart, Series
from touchstream.web.console.gate import Refused, SignedIn
from touchstream.web.console.pages import now_ms, render, texts_for
from touchstream.web.console.principal import Principal
from touchstream.web.console.sign_in import SEE_OTHER
from touchstream.web.console.texts import Texts

FORBIDDEN = 403
CAPACITY = r"^(\d{1,6}(\.\d{1,3})?|)$"
"""Customers a day; empty: as configured."""

log = structlog.get_logger()

Compute = Callable[[BandRules], Awaitable[Answer]]


class Curve(NamedTuple):
    """The last result."""

    at_ms: Millis
    found: Sequence[Foreseen] = ()
    notes: Sequence[str] = ()
    trouble: str = ""
    """Why there is none; one sentence."""


class Tuning:
    """Computes one curve at a time and keeps the last: it reads the states of everybody."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute
        self._task: asyncio.Task[None] | None = None
        self.last: Curve | None = None

    @property
    def is_computing(self) -> bool:
        """Whether one is under way."""
        return self._task is not None and not self._task.done()

    def start(self, bands: BandRules) -> None:
        """Begin a curve unless one is under way."""
        if not self.is_computing:
            self._task = asyncio.create_task(self._run(bands))

    async def close(self) -> None:
        """Give up the one under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def wait(self) -> None:
        """Until no curve is under way."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, bands: BandRules) -> None:
        try:
            answer = await self._compute(bands)
        except (TooLittle, NoLearner, StoreError) as error:
            self.last = Curve(now_ms(), trouble=str(error))
            return
        log.info("curve_computed", capacities=len(answer.found))
        self.last = Curve(now_ms(), answer.found, answer.notes)


def from_states(settings: Settings) -> Compute:
    """Compute in a thread with a loop and connections of its own, so that pages stay quick."""

    async def compute(bands: BandRules) -> Answer:
        return await asyncio.to_thread(asyncio.run, live_answer(settings, bands))

    return compute


def tuning_router(settings: Settings, tuning: Tuning, store: Store) -> APIRouter:
    """The page and the request for a curve."""
    router = APIRouter()

    @router.get("/tuning")
    async def show(
        request: Request,
        principal: SignedIn,
        days: Annotated[int, Query(ge=1, le=TALLY_DAYS)] = DAYS,
    ) -> Response:
        _require_lead(principal)
        t, last = texts_for(request, principal), tuning.last
        context = {
            "curve": last,
            "computing": tuning.is_computing,
            "chart": None if last is None or not last.found else _chart(last.found, t),
            "toml": "" if last is None or not last.found else "\n".join(toml_lines(last.found)),
            "asked": asked_of(settings.rules),
            "precision": await alert_precision(store, days, now_ms()),
            "days": days,
            "most_days": TALLY_DAYS,
        }
        return render(request, "tuning.html", principal, context)

    @router.post("/tuning")
    async def compute(
        principal: SignedIn,
        capacity: Annotated[str, Form(pattern=r"^(\d{1,6}(\.\d{1,3})?|)$")] = "",
    ) -> Response:
        _require_lead(principal)
        asked = float(capacity) if capacity else 0.0
        tuning.start(BandRules(high_per_day=asked) if asked > 0 else asked_of(settings.rules))
        return RedirectResponse("/tuning", SEE_OTHER)

    return router


def _require_lead(principal: Principal) -> None:
    if not principal.leads:
        raise Refused(FORBIDDEN, "error-role")


def _chart(found: Sequence[Foreseen], t: Texts) -> Chart:
    return charts.lines(
        "curve",
        t("tuning-curve"),
        t("tuning-curve-about"),
        [f"{one.customers_per_day:.1f}" for one in found],
        [Series(t("tuning-alarms"), [one.alarms_per_day for one in found])],
        lambda value: f"{value:.1f}",
    )
