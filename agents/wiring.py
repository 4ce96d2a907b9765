"""The composition: each agent with its topic, store and outbox, and the services beside it.

- touchpoints -> touchpoints agent -> one commit in Redis -> outbox -> output topics and examples
- examples -> learner agent -> one commit in Redis -> model versions; outbox -> ticks
"""

import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import faust
import mode
import structlog
from prometheus_client import CollectorRegistry

from touchstream.agents import received, transport
from touchstream.agents.assignment import TopicPartition
from touchstream.agents.embedded.group_leader import let_followers_sync_first
from touchstream.agents.fatal import Refusal, die
from touchstream.agents.fenced import FencedAgent
from touchstream.agents.health import HealthServer
from touchstream.agents.kafka import credentials, group, new_producer, physical_topics
from touchstream.agents.metrics import Metrics
from touchstream.agents.outbox import Outbox, TopicNames
from touchstream.agents.prepare import prepare
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Store
from touchstream.agents.stores.connect import open_store
from touchstream.agents.touchpoints import Touchpoints
from touchstream.agents.watchdog import Watchdog
from touchstream.schemas.topics import ALERTS_TOPIC, EXAMPLES_TOPIC, TOUCHPOINTS_TOPIC
from touchstream.schemas.units import Millis
from touchstream.streams.intake.decode import Origin

PARKED_RETRY_S = 0.05
METRICS_EVERY_S = 1.0
NOTIFY_EVERY_S = 1.0
FENCE_CHECK_S = 1.0
"""Notices that Redis was restored even while no records arrive."""

log = structlog.get_logger()


def _now_ms() -> Millis:
    return Millis(time.time_ns() // 1_000_000)


def worker_app(settings: Settings, store: Store | None = None) -> faust.App:
    """The touchpoints agent as a Faust app; any number of processes may run it."""
    store = store or open_store(settings)
    topics = physical_topics(settings.kafka)
    metrics, registry = _metrics()
    outbox = Outbox(store, lambda: new_producer(settings), TopicNames(topics))
    agent = Touchpoints(
        topics[TOUCHPOINTS_TOPIC],
        store,
        outbox,
        settings.worker,
        Origin(0, settings.kafka.partitions, tick_secret(settings)),
        metrics,
        received.by_header if settings.worker.trust_received_header else received.by_broker,
    )
    app = _app(group(settings, "worker"), settings, store, topics)
    transport.install(app, agent, settings.worker.linger_ms, embedded=settings.kafka.embedded)
    _agent(app, "touchpoints", agent)
    app.timer(PARKED_RETRY_S)(_fatal(agent.retry_parked))
    app.timer(METRICS_EVERY_S)(_fatal(partial(agent.show_metrics, _end_of(app))))
    _beside(app, settings, agent, outbox, registry, metrics, settings.worker.stall_timeout_s)
    return app


def learner_app(
    settings: Settings,
    store: Store | None = None,
    *,
    writes_ticks: bool = True,
    now_ms: Callable[[], Millis] = _now_ms,
) -> faust.App:
    """The learner as a Faust app; one process works, further ones stand by.

    Its ticks are stamped with ``now_ms``.
    """
    # River takes seconds to import, and no worker needs it.
    from touchstream.agents.learner import Learner  # noqa: PLC0415

    store = store or open_store(settings)
    topics = physical_topics(settings.kafka)
    metrics, registry = _metrics()
    outbox = Outbox(store, lambda: new_producer(settings), TopicNames(topics))
    agent = Learner(
        topics[EXAMPLES_TOPIC],
        store,
        outbox,
        settings.rules,
        settings.kafka.partitions,
        tick_secret(settings),
        metrics,
    )
    app = _app(group(settings, "learner"), settings, store, topics)
    transport.install(app, agent, settings.worker.linger_ms, embedded=settings.kafka.embedded)
    _agent(app, "learner", agent)
    if writes_ticks:
        app.timer(settings.ticks.interval_s)(_fatal(lambda: agent.tick(now_ms())))
    _beside(app, settings, agent, outbox, registry, metrics, settings.learner.stall_timeout_s)
    return app


def notifier_app(
    settings: Settings,
    store: Store | None = None,
    *,
    now_ms: Callable[[], Millis] = _now_ms,
) -> faust.App:
    """The notifier as a Faust app; one process works, further ones stand by."""
    # Texts and channels bring libraries that no worker needs.
    from touchstream.agents.channels.registry import open_channels  # noqa: PLC0415
    from touchstream.agents.notifier.agent import Notifier  # noqa: PLC0415

    store = store or open_store(settings)
    topics = physical_topics(settings.kafka)
    metrics, registry = _metrics()
    outbox = Outbox(store, lambda: new_producer(settings), TopicNames(topics))
    channels = open_channels(settings)
    agent = Notifier(topics[ALERTS_TOPIC], store, outbox, settings, channels, metrics, now_ms)
    app = _app(group(settings, "notifier"), settings, store, topics)
    transport.install(app, agent, settings.worker.linger_ms, embedded=settings.kafka.embedded)
    _agent(app, "notifier", agent)
    app.timer(NOTIFY_EVERY_S)(_fatal(partial(agent.tick, _end_of(app))))
    app.on_before_shutdown.connect(_closing(agent.close))
    _beside(app, settings, agent, outbox, registry, metrics, settings.notifier.stall_timeout_s)
    return app


def _closing(close: Callable[[], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def closed(_: object, **__: object) -> None:
        with suppress(Exception):
            await close()

    return closed


def tick_secret(settings: Settings) -> bytes | None:
    """The key with which ticks are signed, if there is one."""
    secret = settings.ticks.secret
    return None if secret is None else secret.get_secret_value().encode()


class _App(faust.App):
    """A Faust app that checks broker, topics and store before it starts."""

    before_start: Callable[[], Awaitable[None]]

    async def on_first_start(self) -> None:
        try:
            await self.before_start()
        except Exception as exc:
            die("cannot_start", exc)
        await super().on_first_start()


def _app(name: str, settings: Settings, store: Store, topics: dict[str, str]) -> _App:
    kafka = settings.kafka
    if kafka.embedded:
        let_followers_sync_first()
    app = _App(
        name,
        broker=[f"kafka://{server}" for server in kafka.bootstrap.split(",")],
        broker_credentials=credentials(kafka),
        value_serializer="raw",
        key_serializer="raw",
        store="memory://",
        datadir=Path(tempfile.gettempdir()) / f"touchstream-faust-{os.getpid()}",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        table_standby_replicas=0,
        broker_commit_interval=1.0,
        broker_session_timeout=kafka.session_timeout_s,
        # Several heartbeats per session, so that a lost one does not cause a rebalance.
        broker_heartbeat_interval=kafka.session_timeout_s / 5,
        broker_rebalance_timeout=kafka.session_timeout_s,
        # Above the session timeout: a rebalance may take that long.
        broker_request_timeout=2 * kafka.session_timeout_s,
        broker_max_poll_records=settings.worker.max_batch_records,
        # Never reached: has_room() stops a partition long before.
        stream_buffer_maxsize=4096,
        # Waiting for unacknowledged messages has no timeout, and would block SIGTERM.
        stream_wait_empty=False,
        # A restarted agent would have lost the batch whose processing failed.
        agent_supervisor=mode.CrashingSupervisor,
        # Without a committed offset; the consumer seeks to the fence before it reads.
        consumer_auto_offset_reset="earliest",
        # logs.configure() has set it up already.
        logging_config=None,
    )
    app.before_start = lambda: prepare(settings, store, topics)
    return app


def _agent(app: faust.App, name: str, agent: FencedAgent[Any]) -> None:
    topic = app.topic(*agent.topics, value_serializer="raw", key_serializer="raw")

    @app.agent(topic, name=name)
    async def work(stream: "faust.StreamT[Any]") -> None:
        async for fetch in transport.batches(stream):
            await _fatal(partial(agent.work, fetch))()


def _beside(
    app: faust.App,
    settings: Settings,
    agent: FencedAgent[Any],
    outbox: Outbox,
    registry: CollectorRegistry,
    metrics: Metrics,
    stall_timeout_s: float,
) -> None:
    """Run the outbox, the watchdog and the operator's port next to an agent."""
    watchdog = Watchdog(agent, _end_of(app), stall_timeout_s, metrics)
    health = HealthServer(
        settings.http.host,
        settings.http.port,
        registry,
        live=watchdog.faults,
        ready=watchdog.not_ready,
    )
    app.task(_fatal(outbox.run))
    app.timer(1.0)(_fatal(watchdog.look))
    app.timer(FENCE_CHECK_S)(_fatal(agent.check_fences))

    @app.task
    async def serve() -> None:
        if not settings.http.port:
            return
        try:
            await health.start()
        except OSError as exc:
            die("cannot_start", Refusal(f"http.port {settings.http.port}: {exc.strerror}"))

    @app.on_before_shutdown.connect
    async def close(_: object, **__: object) -> None:
        # A broker that is down must not keep the process from exiting.
        with suppress(Exception):
            await health.stop()
            await outbox.close()


def _end_of(app: faust.App) -> Callable[[TopicPartition], int]:
    """The end of a partition as of its last fetch; 0 while the partition is being revoked."""

    def end(source: TopicPartition) -> int:
        tp = faust.types.TP(*source)
        # Asking for the end of a revoked partition raises.
        if tp not in app.consumer.assignment():
            return 0
        return app.consumer.highwater(tp) or 0

    return end


def _fatal(step: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Run ``step``; any error ends the process. Faust would acknowledge the batch and go on."""

    async def run() -> None:
        try:
            await step()
        except Exception as exc:
            die("stopped", exc)

    return run


def _metrics() -> tuple[Metrics, CollectorRegistry]:
    registry = CollectorRegistry()
    return Metrics(registry), registry
