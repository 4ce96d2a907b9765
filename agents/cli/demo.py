"""``touchstream demo``: a simulated world of customers through the real agents, no services."""

import asyncio
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import orjson
import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table

from touchstream.agents.checkpoint import Checkpoint
from touchstream.agents.cli.demo_console import demo_console
from touchstream.agents.history.lines import parse_line
from touchstream.agents.history.pacer import Publish, TickAt
from touchstream.agents.history.steps import Step
from touchstream.agents.replay.phase import Phase
from touchstream.agents.replay.run import Replay
from touchstream.agents.replay.runtime import runtime
from touchstream.agents.replay.services import EMBEDDED, WARNING, ReplayServices, services
from touchstream.agents.replay.summary import all_customers, model_measures
from touchstream.agents.settings import Settings
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.envelope import decode_emission
from touchstream.schemas.emissions.risk import RiskChanged
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.simulator import World

CUSTOMERS = 800
MOST_DAYS = 730
PRINT_EVERY_S = 5.0
ROWS = 12
LEAST_DAY_S = 0.05
"""Minimum duration of a day of the world, so that a viewer can follow."""

RULES = {
    # Few examples arrive within minutes, and a young model predicts one half for everybody.
    "TOUCHSTREAM_LEARNING__MINIMUM_EXAMPLES": "1500",
    # In this world one customer in twenty leaves within four weeks: high is eight times that.
    "TOUCHSTREAM_BANDS__MEDIUM_ENTER": "0.20",
    "TOUCHSTREAM_BANDS__MEDIUM_LEAVE": "0.15",
    "TOUCHSTREAM_BANDS__HIGH_ENTER": "0.40",
    "TOUCHSTREAM_BANDS__HIGH_LEAVE": "0.32",
}


class AtRisk(NamedTuple):
    """A row of the live table."""

    customer: str
    change: RiskChanged


class Board:
    """The demo's display: customers at risk, reasons, actions, and the model's measures."""

    def __init__(self, world: World, stream: Console) -> None:
        self._world = world
        self._console = stream
        self._live: Live | None = None
        self.at_risk: dict[str, AtRisk] = {}
        self.actions: dict[str, str] = {}
        """Customer -> the last recommended action; it may arrive before the risk."""
        self.phase = Phase("starting", 0, 0, None)
        self.checkpoint: Checkpoint | None = None
        self.active = CUSTOMERS
        self.rates: deque[tuple[float, int]] = deque(maxlen=20)
        self._printed_s = 0.0

    @contextmanager
    def open(self) -> Iterator[None]:
        """Draw on a terminal; elsewhere print a JSON line now and then."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, get_renderable=self._draw, refresh_per_second=4) as live:
            self._live = live
            yield

    def show(self, phase: Phase) -> None:
        """Show the current phase."""
        now_s = time.monotonic()
        changed = phase.name != self.phase.name
        self.phase = phase
        self.rates.append((now_s, phase.records))
        if self._live is None and (changed or now_s - self._printed_s > PRINT_EVERY_S):
            self._printed_s = now_s
            line = orjson.dumps(self._line()).decode()
            print(line, flush=True)

    def on_record(self, topic: str, value: bytes) -> None:
        """Take an emission into the table, and carry out a recommended action in the world."""
        emission, _ = decode_emission(value)
        customer = emission.subject
        match emission.data:
            case RiskChanged(band="low"):
                self.at_risk.pop(customer, None)
            case RiskChanged() as change:
                self.at_risk[customer] = AtRisk(customer, change)
            case ActionRecommended() as choice:
                self.actions[customer] = choice.action
                # The world knows neither leads nor the actions of a custom configuration.
                with suppress(KeyError):
                    self._world.treat(customer, choice.action, emission.time_ms, choice.decision)
            case None:  # a tombstone: whoever has left is at risk no more
                self.at_risk.pop(customer, None)
            case _:
                pass

    def per_second(self) -> float:
        """Recent records per second."""
        if len(self.rates) < 2:  # noqa: PLR2004 - a rate needs two points
            return 0.0
        (before_s, before), (now_s, now) = self.rates[0], self.rates[-1]
        return (now - before) / (now_s - before_s) if now_s > before_s else 0.0

    def _line(self) -> dict[str, object]:
        high = sum(row.change.band == "high" for row in self.at_risk.values())
        return {
            "phase": self.phase.name,
            "day": self.phase.ticks,
            "records": self.phase.records,
            "customers": self.active,
            "high": high,
            "medium": len(self.at_risk) - high,
            "events_per_second": round(self.per_second()),
            "models": None if self.checkpoint is None else model_measures(self.checkpoint),
            "all_customers": None if self.checkpoint is None else all_customers(self.checkpoint),
        }

    def _draw(self) -> RenderableType:
        return Group(self._customers(), self._models())

    def _customers(self) -> Table:
        day = f"day {self.phase.ticks}, {self.active:,} customers"
        table = Table(title=f"touchstream demo: {day}, {self.per_second():,.0f} events/s")
        for column in ("customer", "risk", "band", "because of", "do"):
            table.add_column(column)
        worst = sorted(self.at_risk.values(), key=lambda row: -row.change.risk)[:ROWS]
        for row in worst:
            why = row.change.reasons[0].text if row.change.reasons else ""
            action = self.actions.get(row.customer, "")
            table.add_row(row.customer, f"{row.change.risk:.2f}", row.change.band, why, action)
        return table

    def _models(self) -> Table:
        table = Table(title="predicted before the label was known; churn: of open customers")
        columns = ("log_loss", "roc_auc", "average_precision", "ece", "n")
        for column in ("model", *columns):
            table.add_column(column)
        if self.checkpoint is not None:
            for name, measures in model_measures(self.checkpoint).items():
                table.add_row(name, *(str(measures[column]) for column in columns))
            together = all_customers(self.checkpoint)
            # Customers who are gone are easy to tell: this row is no measure of the alarms.
            numbers = (str(together[column]) for column in columns)
            table.add_row("all customers (flattered by those gone)", *numbers, style="dim")
        return table


def demo(settings: Settings, config: Path | None, seconds: int, seed: int) -> dict[str, object]:
    """Run the world for about ``seconds``, then stop and return the summary."""
    typer.echo(WARNING, err=True)
    world = World(seed, CUSTOMERS, MOST_DAYS, growth_per_year=0.5)
    board = Board(world, Console())
    with (
        tempfile.TemporaryDirectory(prefix="touchstream-demo-") as out,
        services(settings, config, EMBEDDED, 1, more=RULES) as scene,
        demo_console(scene),
        board.open(),
    ):
        found = asyncio.run(_run(scene, Path(out), board, world, seconds))
    expected = world.expected
    fates: dict[str, int] = {str(fate): count for fate, count in expected.fates.items()}
    found["expected"] = {"lines": expected.lines, **fates}
    return found


async def _run(
    scene: ReplayServices, out: Path, board: Board, world: World, seconds: int
) -> dict[str, object]:
    async with runtime(scene, 1) as (store, workforce):
        replay = Replay(scene.settings, store, workforce, out, board.show, board.on_record)
        return await replay.run(_days(world, board, replay, seconds))


async def _days(world: World, board: Board, replay: Replay, seconds: int) -> AsyncIterator[Step]:
    """The world's days one by one, a tick at each midnight, until the time is up."""
    end_s = time.monotonic() + seconds
    yield TickAt(Millis(world.now_ms - DAY_MS))
    for day in world.days():
        began_s = time.monotonic()
        for line in day.lines:
            parsed = parse_line(line.to_bytes())
            yield Publish(parsed, Millis(line.received_ms))
        yield TickAt(Millis(day.start_ms + DAY_MS))
        board.active = day.active
        board.checkpoint = await replay.checkpoint()
        if time.monotonic() > end_s:
            return
        # Also lets the display and the collector run.
        await asyncio.sleep(max(0.0, LEAST_DAY_S - (time.monotonic() - began_s)))


def main(settings: Settings, config: Path | None, seconds: int, seed: int) -> None:
    """Run the demo and print its summary."""
    summary = demo(settings, config, seconds, seed)
    sys.stdout.write(orjson.dumps(summary, option=orjson.OPT_INDENT_2).decode() + "\n")
