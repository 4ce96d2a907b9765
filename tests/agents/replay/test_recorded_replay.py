"""A log that taught the model, recorded and replayed: the same states, scores and emissions."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from bench.equal import differences
from tests.agents.cli.command import order
from tests.make import QUICK_CONFIG
from tests.services import require
from touchstream.agents.cli import tail
from touchstream.agents.cli.replay import Options, in_turn, replay
from touchstream.agents.history.steps import read_steps
from touchstream.agents.replay.run import Replay
from touchstream.agents.replay.services import EMBEDDED, ReplayServices, services
from touchstream.agents.replay.supervisor import Supervisor
from touchstream.agents.settings import Settings
from touchstream.agents.stores.connect import open_store
from touchstream.schemas.envelope import format_time
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.schemas.units import DAY_MS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def history() -> Iterator[bytes]:
    """Forty customers who order every two to five days, some until the tenth day only."""
    for day in range(24):
        for number in range(40):
            if day % (2 + number % 4) == 0 and (day < 10 or number % 3):
                yield order(f"c{number}", day, format_time((10_000 + day) * DAY_MS + number))
    yield b"nonsense"


async def live(scene: ReplayServices, supervisor: Supervisor, events: Path, out: Path) -> None:
    store = open_store(scene.settings)
    history = in_turn(read_steps([events], 1))
    try:
        await Replay(scene.settings, store, supervisor, out, lambda _: None).run(history)
    finally:
        await store.close()


def test_a_recorded_log_replays_to_the_same_with_two_workers(tmp_path: Path) -> None:
    require("redis")
    events, config, log = (tmp_path / name for name in ("events.jsonl", "t.toml", "log.jsonl"))
    events.write_bytes(b"\n".join(history()))
    config.write_text(QUICK_CONFIG)
    settings = Settings.load(config, {})
    with services(settings, config, EMBEDDED, 1, 3) as scene:
        supervisor = Supervisor(1, scene.environ, scene.logs, ticks=False)
        try:
            asyncio.run(live(scene, supervisor, events, tmp_path / "one"))
        finally:
            supervisor.stop()
        with log.open("wb") as out:
            tail.record(scene.settings, TOUCHPOINTS_TOPIC, None, out)
    summary, _ = replay(settings, config, [log], Options(tmp_path / "two", workers=2))
    assert differences(tmp_path / "one", tmp_path / "two") == []
    assert (tmp_path / "one" / "churn-risk.jsonl").stat().st_size > 0
    assert summary["ticks"] == orjson.loads((tmp_path / "one/summary.json").read_bytes())["ticks"]
