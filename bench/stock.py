"""A stock Faust agent over the same events, for comparison; a process of its own.

    python -m bench.stock core|nothing COUNT

``core`` runs the worker's own core one event at a time, as a Faust user would write it: GET the
state, advance, SET it. ``nothing`` is the engine alone. Its settings come from the environment,
like a worker's. At the first and at the last of COUNT events it prints a JSON line with the wall
clock and its CPU seconds.
"""

import asyncio
import os
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import faust
import orjson
from redis.asyncio import Redis

from bench.workload import VERSION, first_tick, hand_made_model
from touchstream.agents.kafka import physical_topics
from touchstream.agents.settings import Settings
from touchstream.agents.stores.keys import shard_keys
from touchstream.schemas.shards import shard_name
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.schemas.units import Millis
from touchstream.streams import state as states
from touchstream.streams.context import ServingContext
from touchstream.streams.customer import advance
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.learn.scorer import Scorer
from touchstream.streams.learn.snapshot import CHURN
from touchstream.streams.records import Record

Handle = Callable[[Any], Awaitable[None]]


def main() -> None:
    """Run until COUNT events are through."""
    kind, count = sys.argv[1], int(sys.argv[2])
    settings = Settings.load(Path(os.environ["TOUCHSTREAM_CONFIG"]))
    app = faust.App(
        f"{settings.namespace}-stock-{kind}",
        broker=f"kafka://{settings.kafka.bootstrap}",
        value_serializer="raw",
        key_serializer="raw",
        store="memory://",
        datadir=Path(tempfile.gettempdir()) / f"touchstream-stock-{os.getpid()}",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
        logging_config=None,
    )
    topic = app.topic(physical_topics(settings.kafka)[TOUCHPOINTS_TOPIC], value_serializer="raw")
    handle = _nothing if kind == "nothing" else _core(settings)
    _agent(app, topic, handle, count)
    faust.Worker(
        app, override_logging=False, redirect_stdouts=False, quiet=True
    ).execute_from_commandline()


def _agent(app: faust.App, topic: Any, handle: Handle, count: int) -> None:  # noqa: ANN401
    @app.agent(topic)
    async def work(stream: "faust.StreamT[Any]") -> None:
        seen = 0
        async for event in stream.events():
            seen += 1
            if seen in (1, count):
                _report(seen)
            try:
                await handle(event)
            except Exception:  # Faust would start the agent again and say nothing
                traceback.print_exc()
                os._exit(1)


async def _nothing(event: Any) -> None:  # noqa: ANN401
    """The engine's own cost."""


def _core(settings: Settings) -> Handle:
    redis = Redis.from_url(settings.redis.url)
    rules, tick = settings.rules, first_tick(settings.rules)
    scorers = {CHURN: Scorer(hand_made_model())}
    models = ServingContext(rules, rules.digest(), FEATURES, VERSION, scorers, tick.time_ms)

    async def handle(event: Any) -> None:  # noqa: ANN401
        message = event.message
        received_ms = Millis(int(message.timestamp * 1000))
        record = Record(message.offset, received_ms, message.key, message.value)
        origin = Origin(message.partition, settings.kafka.partitions, None)
        found = decode(record, origin)
        if not isinstance(found, Arrival):
            return
        subject = found.event.subject
        key = shard_keys(settings.namespace, shard_name(message.partition)).state(subject)
        held: Any = await redis.get(key)
        before = None if held is None else states.decode(held)
        step = advance(before, found, models, received_ms)
        if step.state is not None and step.state is not before:
            await redis.set(key, states.encode(step.state))

    return handle


def _report(seen: int) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    line = {"events": seen, "s": time.monotonic(), "cpu_s": usage.ru_utime + usage.ru_stime}
    print(orjson.dumps(line).decode(), flush=True)


if __name__ == "__main__":
    asyncio.set_event_loop(asyncio.new_event_loop())
    main()
