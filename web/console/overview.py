"""The overview: bands and entries, records, measures, and the model against both baselines."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple, get_args

from fastapi import APIRouter, Request
from starlette.responses import Response

from touchstream.agents.checkpoint import Checkpoint
from touchstream.agents.cli.metrics import newest_day
from touchstream.agents.cli.metrics_view import (
    Compared,
    Period,
    Question,
    buckets,
    figure_text,
    report,
    row_label,
)
from touchstream.agents.replay.summary import model_measures, reliability
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Store
from touchstream.agents.views.deployment import Deployment, read_deployment
from touchstream.agents.views.event_log import EventLog, LogUnavailable
from touchstream.agents.views.models import NoLearner, read_checkpoint
from touchstream.schemas.rules import Band
from touchstream.schemas.shards import shard_names
from touchstream.streams.measures.catalogue import METRICS, RATIOS_BY_NAME
from touchstream.streams.measures.metric import Metric, Ratio
from touchstream.streams.measures.reading import Cells, figures, read
from touchstream.web.console import charts
from touchstream.web.console.cached import Cached
from touchstream.web.console.charts import Bin, Chart, Series
from touchstream.web.console.gate import SignedIn
from touchstream.web.console.pages import render, texts_for
from touchstream.web.console.texts import Texts

DAYS = 28
"""Four whole weeks, as ``touchstream metrics`` has them."""
SHOWN = (
    "active_customers",
    "orders",
    "revenue",
    "tickets_opened",
    "first_response_time",
    "nps",
    "churn_rate",
    "relation_changes",
)
ENTERED: tuple[Band, ...] = ("high", "medium")
FRESH_S, USABLE_S = 5.0, 3_600.0
"""The page asks again by itself, so an older one is shown for seconds only."""
RATE_OVER_S = 60.0
"""Events a second are a mean over the last minute in which somebody looked."""
_EPOCH_DAY = date(1970, 1, 1).toordinal()


class Entries(NamedTuple):
    """Entries into a band, by day; those into band low are the exits of the others."""

    days: Sequence[str]
    by_band: Mapping[Band, Sequence[float | None]]


class Facts(NamedTuple):
    """Everything on the page, in no language."""

    deployment: Deployment
    entries: Entries
    measures: Sequence[Compared]
    checkpoint: Checkpoint | None
    per_second: float | None
    lags: Sequence[int | None]
    """Records of each partition that are not applied yet; None: not known."""

    @property
    def lag(self) -> int | None:
        """The sum; None if one is not known."""
        known = [lag for lag in self.lags if lag is not None]
        return sum(known) if known and len(known) == len(self.lags) else None


class OverviewReader:
    """Reads the facts, and keeps what a rate needs."""

    def __init__(self, settings: Settings, store: Store, log: EventLog) -> None:
        self._settings = settings
        self._log = log
        self._store = store
        self._shards = shard_names(settings.kafka.partitions)
        self._taken: deque[tuple[float, int]] = deque(maxlen=64)
        self.facts = Cached(self._read, time.monotonic, FRESH_S, USABLE_S)

    async def _read(self) -> Facts:
        deployment = await read_deployment(self._store, self._shards)
        day = await newest_day(self._store, self._shards)
        cells: Cells = {}
        entries, measures = Entries((), {}), list[Compared]()
        if day is not None:
            days = Period(day - DAYS + 1, day)
            question = Question(_wanted(), None, overview=True)
            names = buckets(question, days)
            found = await self._store.read_measures(self._shards, names)
            cells = read(pair for each in found for pair in zip(names, each, strict=True))
            entries = _entries(cells, days)
            shown = [one for one in question.wanted if one.name in SHOWN]
            measures = list(report(Question(tuple(shown), None, overview=True), days, cells).rows)
        return Facts(
            deployment,
            entries,
            measures,
            await self._learner(),
            self._rate(deployment),
            await self._lags(deployment),
        )

    async def _lags(self, deployment: Deployment) -> list[int | None]:
        try:
            ends = await self._log.ends()
        except LogUnavailable:
            ends = {}  # not known, which is not 0
        return [
            None if offset is None or number not in ends else max(0, ends[number] - offset)
            for number, offset in enumerate(deployment.offsets)
        ]

    async def _learner(self) -> Checkpoint | None:
        try:
            _, checkpoint = await read_checkpoint(self._store, self._settings)
        except NoLearner:
            return None
        return checkpoint

    def _rate(self, deployment: Deployment) -> float | None:
        now_s = time.monotonic()
        while self._taken and now_s - self._taken[0][0] > RATE_OVER_S:
            self._taken.popleft()
        self._taken.append((now_s, deployment.records["in"]))
        (before_s, before), (after_s, after) = self._taken[0], self._taken[-1]
        return (after - before) / (after_s - before_s) if after_s > before_s else None


def _wanted() -> tuple[Metric | Ratio, ...]:
    names = [name for name in ("band_entries", *SHOWN) if name in METRICS or name in RATIOS_BY_NAME]
    return tuple(METRICS[name] if name in METRICS else RATIOS_BY_NAME[name] for name in names)


def _entries(cells: Cells, days: Period) -> Entries:
    found = figures(cells, METRICS["band_entries"], by="band", per_day=True)
    by_band: dict[Band, list[float | None]] = {band: [] for band in ("high", "medium", "low")}
    numbers = range(days.first, days.last + 1)
    for row, figure in found.items():
        band = next((one for one in get_args(Band) if one in row.values), None)
        if band in by_band and row.day is not None and days.first <= row.day <= days.last:
            values = by_band[band] = by_band[band] or [None] * days.days
            values[row.day - days.first] = float(figure.value)
    return Entries(
        [date.fromordinal(day + _EPOCH_DAY).isoformat() for day in numbers],
        {band: values or [None] * days.days for band, values in by_band.items()},
    )


def overview_router(reader: OverviewReader) -> APIRouter:
    """The page."""
    router = APIRouter()

    @router.get("/overview")
    async def overview(request: Request, principal: SignedIn) -> Response:
        facts = await reader.facts.get()
        t = texts_for(request, principal)
        context = {
            "facts": facts,
            "days": DAYS,
            "entries": _entries_chart(facts.entries, t),
            "exits": _exits_chart(facts.entries, t),
            "reliability": _reliability_chart(facts.checkpoint, t),
            "measures": [_row(row) for row in facts.measures],
            "models": None if facts.checkpoint is None else model_measures(facts.checkpoint),
        }
        return render(request, "overview.html", principal, context)

    return router


class MeasureRow(NamedTuple):
    """A measure in words, as ``touchstream metrics`` prints it."""

    label: str
    now: str
    earlier: str


def _row(row: Compared) -> MeasureRow:
    return MeasureRow(row_label(row), figure_text(row, row.now), figure_text(row, row.earlier))


def _entries_chart(entries: Entries, t: Texts) -> Chart | None:
    if not entries.days:
        return None
    return charts.bars(
        "entries",
        t("overview-entries"),
        t("overview-entries-about", days=DAYS),
        [day[5:] for day in entries.days],
        [Series(t(f"band-{band}"), entries.by_band[band]) for band in ENTERED],
    )


def _exits_chart(entries: Entries, t: Texts) -> Chart | None:
    if not entries.days:
        return None
    return charts.bars(
        "exits",
        t("overview-exits"),
        t("overview-exits-about", days=DAYS),
        [day[5:] for day in entries.days],
        [Series(t("overview-exits-into"), entries.by_band["low"])],
    )


def _reliability_chart(checkpoint: Checkpoint | None, t: Texts) -> Chart | None:
    found = [] if checkpoint is None else reliability(checkpoint)
    if not found:
        return None
    bins = [Bin(one["mean_risk"], one["churned"], int(one["n"])) for one in found]
    head = [t("reliability-predicted"), t("reliability-happened"), t("reliability-n")]
    return charts.reliability("reliability", t("reliability"), t("reliability-about"), head, bins)
