"""What a worker tells its operator of misspelt event types."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
import structlog
from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry, generate_latest
from structlog.testing import capture_logs

from tests.agents.cli.command import order
from touchstream.agents import touchpoints
from touchstream.agents.assignment import Batch, Span, TopicPartition
from touchstream.agents.metrics import Metrics
from touchstream.agents.outbox import Outbox, TopicNames
from touchstream.agents.received import by_broker
from touchstream.agents.settings import WorkerSettings
from touchstream.agents.stores.memory import MemoryStore
from touchstream.agents.touchpoints import Touchpoints
from touchstream.streams.intake.decode import Origin

SOURCE = TopicPartition("touchpoints", 0)
AT_MS = 1_767_225_600_000


class Delivered(NamedTuple):
    """A record as aiokafka hands it over."""

    offset: int
    value: bytes
    key: bytes = b"ada"
    timestamp: int = AT_MS
    headers: Sequence[tuple[str, bytes]] = ()


@pytest.fixture(autouse=True)
def _own_logger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another test may have cached the module's logger with a configuration of its own."""
    monkeypatch.setattr(touchpoints, "log", structlog.get_logger())


def _no_broker() -> AIOKafkaProducer:
    pytest.fail("nothing here is sent")


def misspelt(offset: int, kind: str = "order.place") -> Delivered:
    return Delivered(offset, order("ada", offset, "2026-01-01T00:00:00Z", type=kind))


async def reported(*batches: Sequence[Delivered]) -> tuple[list[dict[str, Any]], str]:
    """The log lines about types, and the metrics, of a worker that reads these batches."""
    registry, store = CollectorRegistry(), MemoryStore()
    agent = Touchpoints(
        "touchpoints",
        store,
        Outbox(store, _no_broker, TopicNames({})),
        WorkerSettings(),
        Origin(0, 1, None),
        Metrics(registry),
        by_broker,
    )
    await agent.assign({SOURCE: Span(0, 100, None)})
    with capture_logs() as lines:
        for records in batches:
            await agent.work([Batch(SOURCE, records, agent.epoch, more=False)])
    await agent.show_metrics(lambda _: 100)
    found = [dict(line) for line in lines if line["event"] == "unknown_type"]
    return found, generate_latest(registry).decode()


async def test_each_misspelt_type_is_logged_once_with_what_was_meant() -> None:
    lines, _ = await reported([misspelt(0), misspelt(1)], [misspelt(2), misspelt(3, "web.vist")])
    assert [(line["type"], line["did_you_mean"], line["events"]) for line in lines] == [
        ("order.place", "order.placed", 2),
        ("web.vist", "web.visit", 1),
    ]
    assert {line["log_level"] for line in lines} == {"warning"}


async def test_misspelt_types_are_counted_by_the_type_that_was_meant() -> None:
    _, shown = await reported([misspelt(0), misspelt(1, "OrderPlaced")], [misspelt(2)])
    assert 'touchstream_misspelt_types_total{shard="p0",type="order.placed"} 3.0' in shown
    assert 'touchstream_dropped_total{reason="unknown_type",shard="p0"} 3.0' in shown


async def test_another_unknown_type_is_counted_and_not_logged() -> None:
    lines, shown = await reported([misspelt(0, "moon.seen")])
    assert lines == []
    assert "touchstream_misspelt_types_total{" not in shown
