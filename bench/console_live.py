"""From a touchpoint to the alert in a hundred open consoles, beside the latency of the worker.

    python -m bench.console_live [--clients 100] [--rate 500] [--seconds 30]

Real Kafka and Redis, one worker, one console. Every client is a rep of their own with a stream of
server-sent events, and all of them work on one queue. While other customers' tickets cross bands at
``--rate``, customers of that queue open a ticket each, every half second; the ticket is resolved
seconds later. Measured from before the producer's send until the list with the customer has
arrived at a client, and in the same run from a touchpoint to its ``churn.risk_changed``
(``bench/latency.py``). Producers and clients share this process.
"""

import argparse
import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from urllib.parse import urlsplit

import httpx
import orjson
from aiokafka import AIOKafkaProducer

from bench.cost import quantile
from bench.deployment import Services, deployment, member, real_services
from bench.latency import SETTINGS, WARM_S, Measurement, ticket_model
from bench.services.ports import free_port
from bench.throughput import PARTITIONS
from bench.workload import Piece, publish, put_in_force
from touchstream.agents.kafka import client_options, physical_topics
from touchstream.agents.settings import Settings
from touchstream.agents.stores.connect import open_store
from touchstream.schemas.envelope import format_time
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.schemas.units import Millis
from touchstream.streams.intake.partitioner import partition_of
from touchstream.web.console.principal import digest_of

QUEUE = "probes"
EVERY_S = 0.5
OPEN_S = 3.0
"""How long a ticket stays open: longer than any client waits for it."""
GOAL = 10.0
"""Times the 99th percentile of the worker's latency."""
PATIENCE_S = 60.0
STREAM_BYTES = 4 * 1024 * 1024
CSRF = re.compile(r'name="csrf" value="([^"]+)"')
SEEN = re.compile(rb'href="/customers/(probe-\d+)"')


def changes(clients: int, port: int) -> Mapping[str, str]:
    """The settings: alerts again and again, and a rep for every client."""
    reps = [
        {"id": f"rep-{number}", "key_sha256": digest_of(key_of(number)), "queues": [QUEUE]}
        for number in range(clients)
    ]
    return {
        **SETTINGS,
        "ALERTS__REST_DAYS": "0",
        "DECIDING__HOLDOUT": "0",
        "ROUTING": orjson.dumps([{"queue": QUEUE, "plan": ["probe"]}]).decode(),
        "REPS": orjson.dumps(reps).decode(),
        "CONSOLE__PORT": str(port),
    }


def key_of(number: int) -> str:
    """The API key of a rep of this benchmark."""
    return f"tsk_bench_{number:04d}"


class Client:
    """A rep's open queue: when each customer first appeared in it, in monotonic seconds."""

    def __init__(self, address: str, cookie: str) -> None:
        self.seen: dict[str, float] = {}
        self._address, self._cookie = address, cookie

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """The stream is open within the block."""
        host, port = urlsplit(self._address).hostname, urlsplit(self._address).port
        reader, writer = await asyncio.open_connection(host, port, limit=STREAM_BYTES)
        writer.write(
            f"GET /queue/stream HTTP/1.1\r\nHost: {host}:{port}\r\n"
            f"Cookie: {self._cookie}\r\nAccept: text/event-stream\r\n\r\n".encode()
        )
        status = await reader.readline()
        if b" 200 " not in status:
            raise RuntimeError(f"the stream was refused: {status!r}")
        reading = asyncio.create_task(self._read(reader))
        try:
            yield
        finally:
            reading.cancel()
            writer.close()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            event = await reader.readuntil(b"\n\n")
            now_s = time.monotonic()
            for name in SEEN.findall(event):
                self.seen.setdefault(name.decode(), now_s)


class Probes:
    """Customers of the queue, each with one ticket."""

    def __init__(self, settings: Settings, count: int) -> None:
        self.names = [f"probe-{number:05d}" for number in range(count)]
        self.sent: dict[str, float] = {}
        self._topic = physical_topics(settings.kafka)[TOUCHPOINTS_TOPIC]
        self._producer = AIOKafkaProducer(**client_options(settings.kafka), linger_ms=0)

    def introductions(self) -> list[Piece]:
        """The events that put them into the queue."""
        return [
            _piece(name, "customer.updated", {"attributes": {"plan": "probe"}})
            for name in self.names
        ]

    async def run(self) -> None:
        """Open a ticket every half second, and resolve each a while later."""
        await self._producer.start()
        try:
            await asyncio.gather(*map(self._ticket, range(len(self.names))))
        finally:
            await self._producer.stop()

    async def _ticket(self, number: int) -> None:
        name = self.names[number]
        # A little off the half second: the console reads at such intervals, too.
        await asyncio.sleep(number * EVERY_S * 1.07)
        self.sent[name] = time.monotonic()
        await self._send(_piece(name, "ticket.opened", {"ticket": "t"}))
        await asyncio.sleep(OPEN_S)
        await self._send(_piece(name, "ticket.resolved", {"ticket": "t"}))

    async def _send(self, piece: Piece) -> None:
        await self._producer.send(self._topic, piece.value, piece.key, partition=piece.partition)


def _piece(customer: str, kind: str, data: Mapping[str, object]) -> Piece:
    key = customer.encode()
    event = {
        "specversion": "1.0",
        "id": f"{customer}-{kind}",
        "source": "probes",
        "type": kind,
        "subject": customer,
        "time": format_time(Millis(time.time_ns() // 1_000_000)),
        "data": data,
    }
    return Piece(partition_of(key, PARTITIONS), key, orjson.dumps(event))


async def measure(
    services: Services | None, clients: int, rate: float, seconds: float
) -> dict[str, object]:
    """Milliseconds to the consoles and to the topic; on embedded services where none are given."""
    port = free_port()
    with deployment(services, PARTITIONS, changes=changes(clients, port)) as scene:
        settings = scene.settings
        store = open_store(settings)
        await put_in_force(store, settings.rules, ticket_model())
        await store.close()
        probes = Probes(settings, max(1, int((seconds - OPEN_S) / (EVERY_S * 1.07))))
        await publish(settings, probes.introductions())
        address = f"http://127.0.0.1:{port}"
        with member(scene, "worker"), member(scene, "console"):
            opened = [Client(address, await _cookie(address, one)) for one in range(clients)]
            async with AsyncExitStack() as streams:
                for one in opened:
                    await streams.enter_async_context(one.listening())
                load = asyncio.create_task(Measurement(settings).measure(rate, seconds))
                await asyncio.sleep(WARM_S)
                await probes.run()
                topic_ms = await load
    return _shown(opened, probes, topic_ms, rate)


async def _cookie(address: str, number: int) -> str:
    """Sign in as a rep; the console may just be starting."""
    async with httpx.AsyncClient(base_url=address) as client:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with suppress(httpx.TransportError):
                    page = await client.get("/sign-in")
                    break
                await asyncio.sleep(0.2)
        token = CSRF.search(page.text)
        assert token is not None
        form = {"key": key_of(number), "csrf": token[1], "to": "/queue"}
        answer = await client.post("/sign-in", data=form)
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise RuntimeError(f"the sign-in was refused: {answer.status_code}")
        return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def _shown(
    clients: Sequence[Client], probes: Probes, topic_ms: Sequence[float], rate: float
) -> dict[str, object]:
    waited_ms = [
        1_000 * (client.seen[name] - at_s)
        for client in clients
        for name, at_s in probes.sent.items()
        if name in client.seen
    ]
    consoles, topic = _quantiles(waited_ms), _quantiles(topic_ms)
    return {
        "clients": len(clients),
        "asked_per_s": rate,
        "alerts": len(probes.sent),
        "missed": len(clients) * len(probes.sent) - len(waited_ms),
        "console_ms": consoles,
        "topic_ms": topic,
        "p99_over_topic": round(consoles["p99"] / topic["p99"], 2),
    }


def _quantiles(found: Sequence[float]) -> dict[str, float]:
    return {
        "p50": round(quantile(found, 0.50), 1),
        "p99": round(quantile(found, 0.99), 1),
        "worst": round(max(found), 1),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; exit 1 above the goal, or if a client missed an alert."""
    parser = argparse.ArgumentParser(prog="python -m bench.console_live", description=main.__doc__)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--rate", type=float, default=500.0, help="events a second beside")
    parser.add_argument("--seconds", type=float, default=30.0)
    asked = parser.parse_args(arguments)
    with real_services() as services:
        found = asyncio.run(measure(services, asked.clients, asked.rate, asked.seconds))
    print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    if found["missed"] or float(str(found["p99_over_topic"])) > GOAL:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
