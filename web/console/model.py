"""The model: versions, trials, drift, and the roll back by operators."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import structlog
from fastapi import APIRouter, Form, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Store
from touchstream.agents.views.models import (
    NEWEST,
    CannotServe,
    NoLearner,
    overview_of,
    read_checkpoint,
    serve_version,
)
from touchstream.streams.learn.drift_state import DriftState
from touchstream.web.console.charts import sparkline
from touchstream.web.console.gate import Refused, SignedIn
from touchstream.web.console.pages import render, texts_for
from touchstream.web.console.sign_in import SEE_OTHER
from touchstream.web.console.texts import Texts

FORBIDDEN, CONFLICT = 403, 409
MOST_VERSIONS = 20

log = structlog.get_logger()


class Watched(NamedTuple):
    """A series that is watched for drift."""

    name: str
    newest: float
    rounds: int
    line: Markup


def model_router(settings: Settings, store: Store) -> APIRouter:
    """The page and the wish of an operator."""
    router = APIRouter()

    async def page(
        request: Request, principal: SignedIn, trouble: str = "", status: int = 200
    ) -> Response:
        t = texts_for(request, principal)
        context: dict[str, Any] = {"overview": None, "drift": {}, "trouble": trouble}
        try:
            _, checkpoint = await read_checkpoint(store, settings)
            overview = await overview_of(store, settings, checkpoint, MOST_VERSIONS)
        except NoLearner:
            return render(request, "model.html", principal, context, status)
        context |= {
            "overview": overview,
            "drift": {
                name: _watched(learnt.drift_state, t)
                for name, learnt in checkpoint.knowledge.targets.items()
            },
        }
        return render(request, "model.html", principal, context, status)

    @router.get("/model")
    async def show(request: Request, principal: SignedIn) -> Response:
        return await page(request, principal)

    @router.post("/model/serve")
    async def serve(
        request: Request,
        principal: SignedIn,
        version: Annotated[str, Form(pattern=rf"^([1-9]\d{{0,9}}|{NEWEST})$")],
    ) -> Response:
        if not principal.operates:
            raise Refused(FORBIDDEN, "error-role")
        number = None if version == NEWEST else int(version)
        try:
            wanted = await serve_version(store, settings, number)
        except (CannotServe, NoLearner) as error:
            return await page(request, principal, str(error), CONFLICT)
        log.info("version_wanted", version=version, by=principal.id, from_tick=wanted.from_tick)
        return RedirectResponse("/model", SEE_OTHER)

    return router


def _watched(state: DriftState, t: Texts) -> Sequence[Watched]:
    found = []
    for name, series in state.series.items():
        rounds = series.rounds
        if rounds:
            low, high = min(rounds), max(rounds)
            scaled = [(value - low) / (high - low) if high > low else 0.5 for value in rounds]
            title = t("model-drift-line", rounds=len(rounds), newest=t.number(rounds[-1], 3))
            found.append(Watched(name, rounds[-1], len(rounds), sparkline(title, scaled)))
    return found
