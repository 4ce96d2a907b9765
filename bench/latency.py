"""From a touchpoint to the event it causes: Kafka in, Redis commit, Kafka out; p50 and p99.

    python -m bench.latency [--rate EVENTS_PER_S ...] [--seconds 15]

Real Kafka and Redis, one worker with its default linger. Without ``--rate``, half of what one
worker was just measured to drain of these events. Every event crosses a band: tickets are opened
and resolved in turn, and the model depends on nothing else. Measured from before the producer's
send until the emission has been read from ``churn-risk``; both share this process. Beside every
rate stands that of a plain consume-produce loop (``bench/echo.py``) on the same broker.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import chain, islice

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.by_hand import by_hand
from bench.cost import quantile
from bench.deployment import Services, deployment, member, real_services
from bench.throughput import PARTITIONS, worker
from bench.workload import Piece, publish, put_in_force
from touchstream.agents.kafka import client_options, physical_topics
from touchstream.agents.settings import Settings
from touchstream.agents.stores.connect import open_store
from touchstream.schemas.envelope import format_time
from touchstream.schemas.topics import CHURN_RISK_TOPIC, TOUCHPOINTS_TOPIC
from touchstream.schemas.units import Millis
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.learn.snapshot import ModelData

CUSTOMERS = 2_000
CAPACITY_EVENTS = 20_000
SLICE_S = 0.005
"""Length of the slices in which events are sent."""

WARM_S = 3.0
"""Left out at the beginning."""

PATIENCE_S = 60.0
SETTINGS = {
    "WORKER__LINGER_MS": "10",
    "BANDS__COOLDOWN_DAYS": "0",
    "BANDS__HIGH_ENTER": "0.72",
}


def ticket_model() -> ModelData:
    """Risk 0.95 with an open ticket, 0.05 without: each opening and each end crosses a band."""
    return by_hand({"open_ticket_count": 6.0}, intercept=-3.0, churned=100)


def ticket_events() -> Iterator[tuple[str, Piece]]:
    """Id and record, forever: each customer in turn opens a ticket or has it resolved."""
    number = 0
    while True:
        customer = f"c{number % CUSTOMERS:06d}"
        kind = "ticket.resolved" if number // CUSTOMERS % 2 else "ticket.opened"
        event = {
            "specversion": "1.0",
            "id": f"latency-{number}",
            "source": "bench",
            "type": kind,
            "subject": customer,
            "time": format_time(Millis(time.time_ns() // 1_000_000)),
            "data": {"ticket": "t"},
        }
        key = customer.encode()
        yield f"latency-{number}", Piece(partition_of(key, PARTITIONS), key, orjson.dumps(event))
        number += 1


async def measure(rates: Sequence[float], seconds: float) -> dict[str, object]:
    """Latencies in ms at each rate, by default at half of the capacity measured first."""
    with real_services() as services:
        shown: dict[str, object] = {}
        if not rates:
            pieces = [piece for _, piece in islice(ticket_events(), CAPACITY_EVENTS)]
            drained = await worker(services, pieces, ticket_model(), SETTINGS)
            capacity = 1e6 / drained.wall_us
            shown["capacity_per_s"], rates = round(capacity), [capacity / 2]
        shown["rates"] = [await _beside_echo(services, rate, seconds) for rate in rates]
    return shown


async def _beside_echo(services: Services, rate: float, seconds: float) -> dict[str, object]:
    found = await _latencies(services, rate, seconds)
    floor = await _echoed(services, rate, seconds)
    return {
        "asked_per_s": round(rate),
        "sent_per_s": round(len(found) / seconds),
        "emissions": len(found),
        "ms": _quantiles(found),
        "echo_ms": _quantiles(floor),
        "p99_over_echo": round(quantile(found, 0.99) / quantile(floor, 0.99), 2),
    }


def _quantiles(found: Sequence[float]) -> dict[str, float]:
    return {
        "p50": round(quantile(found, 0.50), 1),
        "p99": round(quantile(found, 0.99), 1),
        "worst": round(max(found), 1),
    }


async def _echoed(services: Services, rate: float, seconds: float) -> list[float]:
    with deployment(services, PARTITIONS, changes=SETTINGS) as scene:
        topics = physical_topics(scene.settings.kafka)
        names = (topics[TOUCHPOINTS_TOPIC], topics[CHURN_RISK_TOPIC], str(PARTITIONS))
        command = (sys.executable, "-m", "bench.echo", scene.settings.kafka.bootstrap, *names)
        with subprocess.Popen(command) as process:
            try:
                return await Measurement(scene.settings).measure(rate, seconds)
            finally:
                process.kill()


async def _latencies(services: Services, rate: float, seconds: float) -> list[float]:
    with deployment(services, PARTITIONS, changes=SETTINGS) as scene:
        settings = scene.settings
        store = open_store(settings)
        await put_in_force(store, settings.rules, ticket_model())
        await store.close()
        await publish(settings, ())
        with member(scene, "worker"):
            return await Measurement(settings).measure(rate, seconds)


class Measurement:
    """Sends and reads at the same time; ids tell which emission belongs to which touchpoint."""

    def __init__(self, settings: Settings) -> None:
        topics = physical_topics(settings.kafka)
        self._to, self._from = topics[TOUCHPOINTS_TOPIC], topics[CHURN_RISK_TOPIC]
        options = client_options(settings.kafka)
        self._producer = AIOKafkaProducer(**options, linger_ms=0)
        self._consumer = AIOKafkaConsumer(**options, fetch_max_wait_ms=5)
        self._sent: dict[str, float] = {}
        self._came: dict[str, float] = {}
        self._events = ticket_events()

    async def measure(self, rate: float, seconds: float) -> list[float]:
        await self._producer.start()
        await self._consumer.start()
        self._consumer.assign([TopicPartition(self._from, n) for n in range(PARTITIONS)])
        await self._consumer.seek_to_beginning()
        reading = asyncio.create_task(self._read())
        try:
            await self._send(1)
            await self._all_came()  # the worker has started
            await self._stream(rate, WARM_S)
            warm = time.monotonic()
            await self._stream(rate, seconds)
            await self._all_came()
        finally:
            reading.cancel()
            await self._producer.stop()
            await self._consumer.stop()
        return [(self._came[i] - at) * 1_000 for i, at in self._sent.items() if at >= warm]

    async def _stream(self, rate: float, seconds: float) -> None:
        """Send evenly; late events of a busy machine follow at once."""
        started, sent = time.monotonic(), 0
        while (passed := time.monotonic() - started) < seconds:
            wanted = int(passed * rate)
            await self._send(wanted - sent)
            sent = wanted
            await asyncio.sleep(SLICE_S)

    async def _send(self, count: int) -> None:
        for name, piece in islice(self._events, count):
            self._sent[name] = time.monotonic()
            await self._producer.send(self._to, piece.value, piece.key, partition=piece.partition)

    async def _all_came(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self._came) < len(self._sent):
                await asyncio.sleep(SLICE_S)

    async def _read(self) -> None:
        while True:
            found = await self._consumer.getmany(timeout_ms=100)
            now = time.monotonic()
            for record in chain.from_iterable(found.values()):
                event = orjson.loads(record.value)
                cause = event["data"].get("cause") or event  # an echo is the touchpoint itself
                # Another benchmark may send events of its own beside these.
                if cause["id"] in self._sent:
                    self._came.setdefault(cause["id"], now)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=main.__doc__)
    parser.add_argument(
        "--rate", type=float, nargs="*", default=(), help="events a second; default: half capacity"
    )
    parser.add_argument("--seconds", type=float, default=15.0)
    asked = parser.parse_args(arguments)
    found = asyncio.run(measure(asked.rate, asked.seconds))
    print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    main()
