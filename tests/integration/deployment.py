"""A whole deployment on real Kafka and Redis: its processes, and a look inside."""

import asyncio
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from tests.integration.process import fast_now_ms
from touchstream.agents.active_config import LEARNER
from touchstream.agents.checkpoint import Checkpoint, decode_learner_checkpoint
from touchstream.agents.embedded.process import ServerProcess
from touchstream.agents.kafka import physical_topics
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Read
from touchstream.agents.stores.connect import open_store
from touchstream.agents.stores.redis import RedisStore
from touchstream.agents.topics import drop_topics, make_topics
from touchstream.agents.wiring import tick_secret
from touchstream.schemas.shards import shard_names
from touchstream.schemas.tick import ActiveConfig, Tick, encode_tick
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import ShardCheckpoint, decode_checkpoint
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.intake.decode import Origin, decode
from touchstream.streams.intake.log_phase import RECEIVED_HEADER
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.streams.records import Record

ROOT = Path(__file__).parents[2]
T = TypeVar("T")
RESTART_PAUSE_S = 0.3
"""Like a supervisor's own: a process that cannot work must not eat the machine."""
MOST_BYTES = 64 * 1024 * 1024
POLL_S = 0.05
FAST = 43_200
"""A speed: half a second of ours is a quarter of a day."""
FAST_RULES: dict[str, Any] = {
    "CHURN__HORIZON_DAYS": "4",
    "CHURN__LABEL_GRACE_DAYS": "0",
    "INTAKE__ALLOWED_LATENESS_DAYS": "30",
    "LEARNING__MINIMUM_EXAMPLES": "50",
    "BANDS__COOLDOWN_DAYS": "0",
    "BANDS__HIGH_ENTER": "0.72",
}
"""At that speed a label matures in eight seconds."""


class NotReached(AssertionError):
    """The deployment did not get where it should have got in time."""


class Role:
    """A worker or learner process; started again when it ends, until it is told to stay down."""

    def __init__(self, name: str, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        self.name = name
        self.arguments = list(arguments)
        folder = Path(environ["TMPDIR"])
        self.log = folder / f"{name}.log"
        self.trap = folder / f"{name}.trap"
        self.exits: list[int] = []
        """Its exits: a code each, or a signal as a negative number."""
        self._environ = environ
        self._lock = threading.Lock()
        self._process: ServerProcess | None = None
        self._not_before = 0.0
        self.wanted = True

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} does not run"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    def look(self) -> None:
        """Start it if it should run and does not."""
        with self._lock:
            if self._process is not None and not self._process.running:
                self._ended(self._process)
            if self.wanted and self._process is None and time.monotonic() >= self._not_before:
                self._process = ServerProcess(self._command(), self.log, environ=self._environ)

    def send(self, signal: int) -> None:
        """Send a signal to the process, if there is one."""
        with self._lock, suppress(ProcessLookupError):
            if self._process is not None and self._process.running:
                os.kill(self._process.pid, signal)

    def down(self) -> int | None:
        """End it (SIGTERM) and leave it down; return how it ended."""
        with self._lock:
            self.wanted = False
            if self._process is None:
                return None
            self._process.stop()
            return self._ended(self._process)

    def wait_for_end(self, timeout_s: float = 30.0) -> int:
        """The exit of the process that runs now or ran last."""
        known = len(self.exits)
        wait_until(lambda: self._has_ended(known), f"{self.name} to end", timeout_s)
        return self.exits[-1]

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _has_ended(self, known: int) -> bool:
        """Once more than ``known`` times; or for good, if nobody wants it any more."""
        with self._lock:
            if self._process is not None and not self._process.running:
                self._ended(self._process)
            gone = not self.wanted and self._process is None
            return bool(self.exits) and (gone or len(self.exits) > known)

    def _ended(self, process: ServerProcess) -> int:
        code = process.returncode
        process.kill()  # lets its leash go
        assert code is not None
        self.exits.append(code)
        self._process, self._not_before = None, time.monotonic() + RESTART_PAUSE_S
        return code

    def _command(self) -> list[str]:
        module = [sys.executable, "-m", "tests.integration.process", *self.arguments]
        return [*module, "--trap", str(self.trap)]


class Deployment:
    """Topics and a namespace of its own, N workers, a learner, and who starts them again.

    ``changes`` are settings as the environment has them (``WORKER__DEAD_LETTER_LIMIT="3"``).
    """

    def __init__(
        self,
        kafka: KafkaServer,
        store: RedisServer,
        folder: Path,
        *,
        workers: int = 1,
        learner: bool = True,
        ticks: bool = False,
        speed: int = 1,
        **changes: str,
    ) -> None:
        self.kafka, self.redis = kafka, store
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        namespace = f"it-{secrets.token_hex(3)}"
        changed = {
            "NAMESPACE": namespace,
            "KAFKA__BOOTSTRAP": kafka.bootstrap,
            "KAFKA__TOPIC_PREFIX": f"{namespace}.",
            "KAFKA__PARTITIONS": "3",
            "KAFKA__SESSION_TIMEOUT_S": "6",
            "REDIS__URL": store.url,
            "HTTP__PORT": "0",
            "LOGGING__FORMAT": "json",
            "WORKER__TRUST_RECEIVED_HEADER": "true",
            "WORKER__DEAD_LETTER_LIMIT": "0",
            **changes,
        }
        self._changes = {f"TOUCHSTREAM_{name}": value for name, value in changed.items()}
        self.settings = Settings.load(None, self._changes)
        self.topics = physical_topics(self.settings.kafka)
        self.partitions = self.settings.kafka.partitions
        self.shards = shard_names(self.partitions)
        self.since_ms, self.speed = time.time_ns() // 1_000_000, speed
        clock = ["--since", str(self.since_ms), "--speed", str(speed)]
        self.learner = self._role("learner", [*clock, *(["--ticks"] if ticks else [])])
        self.learner.wanted = learner
        self.workers = [self._role("worker", [], number) for number in range(workers)]
        self._others: list[Role] = []
        self._producer: KafkaProducer | None = None
        self._ending = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)
        self._tick = 0

    def __enter__(self) -> Self:
        make_topics(self.settings)
        self.ask(self._put_rules)
        self._supervisor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._supervisor.join()
        for role in self.roles:
            role.send(9)
            role.down()
        if self._producer is not None:
            self._producer.close(timeout=5)
        with suppress(Exception):
            drop_topics(self.settings)

    @property
    def roles(self) -> list[Role]:
        return [self.learner, *self.workers, *self._others]

    def another_learner(self) -> Role:
        """A second learner, down until it is wanted."""
        role = self._role("learner", [], len(self._others))
        role.wanted = False
        self._others.append(role)
        return role

    def a_notifier(self) -> Role:
        """A notifier, whose clock is the deployment's."""
        clock = ["--since", str(self.since_ms), "--speed", str(self.speed)]
        role = self._role("notifier", clock)
        self._others.append(role)
        return role

    def now_ms(self) -> Millis:
        """The time of the deployment's clock."""
        return fast_now_ms(self.since_ms, self.speed)

    def change(self, role: Role, **changes: str) -> None:
        """Give a role other settings; they hold from its next start on."""
        changed = {f"TOUCHSTREAM_{name}": value for name, value in changes.items()}
        role._environ = {**role._environ, **changed}

    def changed(self, **changes: str) -> Settings:
        """The settings of this deployment with some others."""
        changed = {f"TOUCHSTREAM_{name}": value for name, value in changes.items()}
        return Settings.load(None, {**self._changes, **changed})

    def allow_records_of(self, size: str) -> None:
        """Let the touchpoints have records of so many bytes; a broker's own limit is 1 MiB."""
        topic = ConfigResource(ConfigResourceType.TOPIC, self.topics[TOUCHPOINTS_TOPIC])
        topic.configs = {"max.message.bytes": size}
        admin = KafkaAdminClient(bootstrap_servers=self.kafka.bootstrap)
        admin.alter_configs([topic])
        admin.close()

    def producer(self) -> KafkaProducer:
        """Idempotent; the key chooses the partition by murmur2 unless one is given."""
        return KafkaProducer(
            bootstrap_servers=self.kafka.bootstrap, max_request_size=MOST_BYTES, linger_ms=5
        )

    def publish(self, records: Sequence["Sent"]) -> None:
        """Write records and wait until the broker has them."""
        if self._producer is None:
            self._producer = self.producer()
        sent = [self.send(self._producer, record) for record in records]
        for one in sent:
            one.get(timeout=60)

    def send(self, producer: KafkaProducer, record: "Sent") -> Any:  # noqa: ANN401 - kafka's future
        """Hand one record to a producer."""
        stamp = [] if record.received_ms is None else [_received(record.received_ms)]
        partition = record.partition
        if partition is None and record.key is not None:
            partition = partition_of(record.key, self.partitions)
        return producer.send(
            self.topics[TOUCHPOINTS_TOPIC],
            value=record.value,
            key=record.key,
            headers=[*record.headers, *stamp],
            partition=partition or 0,
        )

    def tick(self, time_ms: int, version: int | None = None) -> int:
        """Write a tick to every partition, as a replay does; return its number."""
        self._tick += 1
        active_config = ActiveConfig(
            model_version=self.checkpoint().knowledge.version if version is None else version,
            rules=self.settings.rules.digest(),
            features=FEATURES.digest,
        )
        tick = Tick(number=self._tick, time_ms=Millis(time_ms), active_config=active_config)
        value = encode_tick(tick, tick_secret(self.settings))
        self.publish(
            [Sent(value, None, Millis(time_ms), partition) for partition in range(self.partitions)]
        )
        return self._tick

    def wait_started(self, timeout_s: float = 60.0) -> None:
        """Until the learner is at work."""
        wait_until(lambda: self.ask(_has_learner), "the learner to start", timeout_s)

    def wait_ticking(self) -> None:
        """Until the learner has written its first tick."""
        first = lambda: all(end > 0 for end in self.ends(TOUCHPOINTS_TOPIC))  # noqa: E731
        wait_until(first, "the first tick")

    def wait_durable(self, timeout_s: float = 90.0) -> None:
        """Until all that stands in the log is in Redis, and all that is to be sent was sent."""
        wait_until(self._is_durable, "everything to be durable", timeout_s, self.where)

    def wait_learnt(self, number: int, timeout_s: float = 60.0) -> None:
        """Until the learner has passed a tick."""
        reached = lambda: self.checkpoint().knowledge.tick >= number  # noqa: E731
        wait_until(reached, f"tick {number} to be learnt", timeout_s, self.where)

    def drain(self) -> None:
        """Write no further tick; wait until everything written is processed and sent."""
        self.learner.arguments.remove("--ticks")
        self.learner.send(signal.SIGKILL)
        self.wait_durable(120)
        self.wait_learnt(self.checkpoint().written)
        self.wait_durable()

    def where(self) -> str:
        """The positions of everything, for the message of a test that timed out."""
        fences = [None if f is None else f.offset for f in self.fences()]
        tail = "\n".join(f"{r.name} {r.exits}\n{r.log_text()[-1500:]}" for r in self.roles)
        log, tick = self.ends(TOUCHPOINTS_TOPIC), self.checkpoint().knowledge.tick
        return f"fences {fences}, log {log}, tick {tick}\n{tail}"

    def fences(self) -> list[Any]:
        found = self.ask(lambda store: store.read_checkpoints(self.shards))
        return [checkpoint.fence for checkpoint in found]

    def checkpoints(self) -> list[ShardCheckpoint]:
        """Each shard's own record."""
        found = self.ask(lambda store: store.read_checkpoints(self.shards))
        return [decode_checkpoint(checkpoint.record) for checkpoint in found]

    def counters(self) -> dict[str, int]:
        """The counters of all shards together."""
        total: dict[str, int] = {}
        for checkpoint in self.checkpoints():
            for name, count in checkpoint.counters.items():
                total[name] = total.get(name, 0) + count
        return total

    def states(self, shard: str) -> dict[str, bytes]:
        """Every state of a shard."""
        return self.ask(lambda store: _states(store, shard))

    def checkpoint(self) -> Checkpoint:
        """The learner's record; as it begins where there is none."""
        [checkpoint] = self.ask(lambda store: store.read_checkpoints([LEARNER]))
        if checkpoint.record is None:
            return Checkpoint(knowledge=Knowledge.new(FEATURES, self.settings.rules))
        return decode_learner_checkpoint(checkpoint.record)

    def ask(self, question: Callable[[RedisStore], Awaitable[T]]) -> T:
        """Ask the store something on a connection of its own."""

        async def asked() -> T:
            store = open_store(self.settings)
            try:
                return await question(store)
            finally:
                await store.close()

        return asyncio.run(asked())

    def ends(self, topic: str) -> list[int]:
        """The end of each partition of a topic."""
        with _Reader(self, topic) as reader:
            return [end for _, end in sorted(reader.ends().items())]

    def read(self, topic: str) -> dict[int, list[Any]]:
        """Every record of a topic, by partition, in the order of offsets."""
        with _Reader(self, topic) as reader:
            return reader.read()

    def log_records(self) -> list[list[Record]]:
        """The touchpoints as they stand in Kafka, as the core takes them."""
        found = self.read(TOUCHPOINTS_TOPIC)
        return [[_record(one) for one in found[number]] for number in range(self.partitions)]

    def versions_named(self) -> list[int]:
        """By the ticks, in their order."""
        log = self.log_records()
        found = [decode(record, Origin(0, len(log), None)) for record in log[0]]
        return [each.active_config.model_version for each in found if isinstance(each, Tick)]

    def _is_durable(self) -> bool:
        ends = self.ends(TOUCHPOINTS_TOPIC)
        fences = self.fences()
        reached = [
            end == 0 or (f is not None and f.offset == end)
            for f, end in zip(fences, ends, strict=True)
        ]
        return all(reached) and not self.ask(self._unsent)

    async def _put_rules(self, store: RedisStore) -> None:
        """Store the rules as a starting learner does; some deployments have none."""
        await store.put_text(self.settings.rules.digest(), self.settings.rules.to_text())

    async def _unsent(self, store: RedisStore) -> bool:
        left = [await store.outbox(shard, 0, 1) for shard in (*self.shards, LEARNER)]
        return any(left)

    def _role(self, role: str, arguments: Sequence[str], number: int | None = None) -> Role:
        name = role if number is None else f"{role}-{number}"
        environ = {
            **os.environ,
            **self._changes,
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
            "TMPDIR": str(self.folder),
            "PYTHONWARNINGS": "ignore",
        }
        return Role(name, [role, *arguments], environ)

    def _supervise(self) -> None:
        while not self._ending.wait(0.1):
            for role in self.roles:
                role.look()


class Sent(NamedTuple):
    """A record to be written to the touchpoints."""

    value: bytes
    key: bytes | None
    received_ms: Millis | None = None
    partition: int | None = None
    """None: the key decides."""
    headers: tuple[tuple[str, bytes], ...] = ()


class _Reader:
    def __init__(self, deployment: Deployment, topic: str) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=deployment.kafka.bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            group_id=None,
        )
        name = deployment.topics[topic]
        numbers = sorted(self._consumer.partitions_for_topic(name) or ())
        self._places = [TopicPartition(name, number) for number in numbers]
        self._consumer.assign(self._places)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def ends(self) -> dict[int, int]:
        found = self._consumer.end_offsets(self._places)
        return {place.partition: end for place, end in found.items()}

    def read(self) -> dict[int, list[Any]]:
        ends = self._consumer.end_offsets(self._places)
        self._consumer.seek_to_beginning(*self._places)
        found: dict[int, list[Any]] = {place.partition: [] for place in self._places}
        while any(self._consumer.position(place) < end for place, end in ends.items()):
            for place, records in self._consumer.poll(timeout_ms=200).items():
                found[place.partition].extend(records)
        return found


def wait_until(
    reached: Callable[[], bool],
    what: str,
    timeout_s: float = 60.0,
    where: Callable[[], str] = lambda: "",
) -> None:
    """Poll until ``reached``; a service that is down for a moment is not reached yet."""
    deadline = time.monotonic() + timeout_s
    while not _is(reached):
        if time.monotonic() > deadline:
            raise NotReached(f"waited {timeout_s:.0f} s for {what}; {where()}")
        time.sleep(POLL_S)


def _is(reached: Callable[[], bool]) -> bool:
    try:
        return reached()
    except NotReached:
        raise
    except Exception:
        return False


async def _has_learner(store: RedisStore) -> bool:
    [checkpoint] = await store.read_checkpoints([LEARNER])
    return checkpoint.fence is not None


async def _states(store: RedisStore, shard: str) -> dict[str, bytes]:
    states: dict[str, bytes] = {}
    cursor = -1
    while cursor:
        cursor, names = await store.ids(shard, max(cursor, 0), 1_000)
        [found] = await store.load([Read(shard, names)])
        states.update({n: s for n, s in zip(names, found, strict=True) if s is not None})
    return states


def _received(at_ms: int) -> tuple[str, bytes]:
    return RECEIVED_HEADER, str(at_ms).encode()


def _record(found: Any) -> Record:  # noqa: ANN401 - kafka-python's ConsumerRecord
    headers = tuple((name, value) for name, value in found.headers)
    stamp = dict(headers).get(RECEIVED_HEADER)
    received_ms = found.timestamp if stamp is None else int(stamp)
    return Record(found.offset, Millis(received_ms), found.key, found.value, headers)


def numbers(first: int = 1) -> Iterator[int]:
    """Count up for ever."""
    while True:
        yield first
        first += 1
