"""A deployment at rest, as one file: what Redis and Kafka hold, and what is still to come.

    python -m tests.golden.at_rest

makes it: a worker and the learner live through a month of a small world and are stopped (SIGTERM)
in the middle of it, while the broker refuses their outputs, so that the outbox is not empty. Some
touchpoints come after that. Done once: a later build must be able to go on from what this one left.
"""

import gzip
import signal
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import orjson
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from tests.golden.core import FOLDER, spelled, unspelled
from tests.golden.worlds import RULES_FILE, SIZES, world_lines
from tests.integration.deployment import FAST, Deployment, Sent, wait_until
from touchstream.agents.history.lines import parse_line
from touchstream.schemas.topics import (
    CHURN_RISK_TOPIC,
    EXAMPLES_TOPIC,
    NEXT_BEST_ACTION_TOPIC,
    TOUCHPOINTS_TOPIC,
)
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.simulator import START_MS

FILE = FOLDER / "deployment.json.gz"
SETTINGS: dict[str, Any] = {
    "CHURN__HORIZON_DAYS": "5",
    "CHURN__SNAPSHOT_EVERY_DAYS": "3",
    "KAFKA__PARTITIONS": "2",
    "LEARNING__MINIMUM_OF_EACH": "3",
    "LEARNING__PUBLISH_EVERY_TICKS": "6",
    "TICKS__INTERVAL_S": "1",
}
REFUSED = (CHURN_RISK_TOPIC, NEXT_BEST_ACTION_TOPIC, EXAMPLES_TOPIC)
REFUSED_MS, STOPPED_MS = START_MS + 28 * DAY_MS, START_MS + 32 * DAY_MS
FOR_EVER_MS = 2**53
STARTING_MS = 5 * DAY_MS
"""Goes by on the fast clock while processes start."""
POLL_S = 0.01
UNREAD = 20
"""Touchpoints that come after the stop and before the next start."""


class AtRest(NamedTuple):
    """The file's content."""

    settings: dict[str, Any]
    """What the deployment was started with, on top of the rules of ``rules.toml``."""
    redis: Mapping[str, Any]
    """Key -> a string, or the members and scores of a sorted set."""
    kafka: Mapping[str, Sequence[Any]]
    """Logical topic -> (partition, offset, stamp, key, value, headers) of its records in order."""
    rest: Sequence[Any]
    """(received, key, value) of the touchpoints to come."""

    def restore(self, deployment: Deployment) -> None:
        """Fill the Redis and the empty topics of a deployment, without the :meth:`unread`."""
        client = deployment.redis.client()
        for key, held in self.redis.items():
            name = key.replace("{NAMESPACE:", f"{{{deployment.settings.namespace}:")
            if isinstance(held, list):
                client.zadd(name, {unspelled(member) or b"": score for member, score in held})
            else:
                client.set(name, unspelled(held) or b"")
        client.close()
        producer = deployment.producer()
        for topic, held in self.kafka.items():
            records = [one for one in held if topic != TOUCHPOINTS_TOPIC or self._is_read(one)]
            sent = [
                producer.send(
                    deployment.topics[topic],
                    value=unspelled(value),
                    key=unspelled(key),
                    headers=[(header, unspelled(value)) for header, value in headers],
                    partition=partition,
                )
                for partition, _, _, key, value, headers in records
            ]
            offsets = [one.get(timeout=60).offset for one in sent]
            assert offsets == [record[1] for record in records]
        producer.close()

    def unread(self) -> list[Sent]:
        """Touchpoints that were written after the stop."""
        return [
            Sent(
                unspelled(value) or b"",
                unspelled(key),
                None,
                partition,
                tuple((header, unspelled(said) or b"") for header, said in headers),
            )
            for partition, offset, stamp, key, value, headers in self.kafka[TOUCHPOINTS_TOPIC]
            if not self._is_read((partition, offset))
        ]

    def next_offset(self, shard: str) -> int:
        """Offset of the first touchpoint that a shard had not processed."""
        fence = unspelled(self.redis[f"{{NAMESPACE:{shard}}}:fence"]) or b""
        return int(fence.split(b":")[0])

    def _is_read(self, record: Sequence[Any]) -> bool:
        partition, offset = record[:2]
        return bool(offset < self.next_offset(f"p{partition}"))

    def touchpoints(self) -> list[Sent]:
        """Those to come."""
        return [
            Sent(unspelled(value) or b"", unspelled(key), Millis(received_ms))
            for received_ms, key, value in self.rest
        ]


def load() -> AtRest:
    return AtRest(**orjson.loads(gzip.decompress(FILE.read_bytes())))


def deployed(
    kafka: KafkaServer, store: RedisServer, folder: Path, settings: dict[str, Any]
) -> Deployment:
    """A deployment under these settings whose processes are not started yet."""
    found = Deployment(
        kafka, store, folder, speed=FAST, learner=False, CONFIG=str(RULES_FILE), **settings
    )
    for worker in found.workers:
        worker.wanted = False
    return found


def start(deployment: Deployment, now_ms: int) -> None:
    """Start the learner, then the worker; the fast clock shows ``now_ms`` at this moment.

    The worker starts after the learner's first tick, as docs/operations.md wants it at an upgrade:
    it cannot serve the model of a build with other columns.
    """
    speed, wall_ms = deployment.speed, time.time_ns() // 1_000_000
    since_ms = (wall_ms * speed - now_ms) // (speed - 1)
    deployment.since_ms = since_ms
    clock = ["--since", str(since_ms), "--speed", str(speed)]
    deployment.learner.arguments = ["learner", *clock, "--ticks"]
    ends = deployment.ends(TOUCHPOINTS_TOPIC)
    deployment.learner.wanted = True
    ticked = lambda: all(  # noqa: E731
        now > before for now, before in zip(deployment.ends(TOUCHPOINTS_TOPIC), ends, strict=True)
    )
    wait_until(ticked, "the first tick")
    for role in deployment.roles:
        role.wanted = True


def publish_in_time(deployment: Deployment, lines: Sequence[Sent]) -> None:
    """Publish every touchpoint when the fast clock shows the moment at which it is received."""
    left = deque(lines)
    while left:
        now_ms = deployment.now_ms()
        come: list[Sent] = []
        while left and (left[0].received_ms or 0) <= now_ms:
            come.append(left.popleft())
        deployment.publish(come)
        time.sleep(POLL_S)


def _world() -> Iterator[Sent]:
    received_ms = Millis(START_MS)
    for raw in world_lines(SIZES["deployment"]):
        line = parse_line(raw)
        received_ms = line.time_ms or received_ms
        yield Sent(raw, line.key, received_ms)


def _refuse(deployment: Deployment) -> None:
    """Let the broker take nothing for these topics any more."""
    admin = KafkaAdminClient(bootstrap_servers=deployment.kafka.bootstrap)
    for topic in REFUSED:
        resource = ConfigResource(ConfigResourceType.TOPIC, deployment.topics[topic])
        resource.configs = {"max.message.bytes": "1"}
        admin.alter_configs([resource])
    admin.close()


def _redis(deployment: Deployment) -> dict[str, Any]:
    client: Any = deployment.redis.client()
    found: dict[str, Any] = {}
    for name in sorted(client.scan_iter(f"{{{deployment.settings.namespace}:*")):
        key = name.decode().replace(f"{{{deployment.settings.namespace}:", "{NAMESPACE:")
        if client.type(name) == b"zset":
            members = client.zrange(name, 0, -1, withscores=True)
            found[key] = [[spelled(member), score] for member, score in members]
        else:
            found[key] = spelled(client.get(name))
    client.close()
    return found


def _kafka(deployment: Deployment, topic: str) -> list[Any]:
    return [
        [
            record.partition,
            record.offset,
            record.timestamp,
            spelled(record.key),
            spelled(record.value),
            [[name, spelled(value)] for name, value in record.headers],
        ]
        for _, records in sorted(deployment.read(topic).items())
        for record in records
    ]


def stopped(deployment: Deployment) -> AtRest:
    """Live until the middle of the world, stop, and look at what lies there."""
    world = list(_world())
    before, refused, after = (
        [line for line in world if since <= (line.received_ms or 0) < until]
        for since, until in pairwise((0, REFUSED_MS, STOPPED_MS, FOR_EVER_MS))
    )
    start(deployment, START_MS - STARTING_MS)
    deployment.wait_ticking()  # before the first tick the built-in rules hold, not these
    publish_in_time(deployment, before)
    _refuse(deployment)
    publish_in_time(deployment, refused)
    for role in deployment.roles:
        assert role.down() in (0, -signal.SIGTERM), role.log_text()
    deployment.publish(after[:UNREAD])
    return AtRest(
        settings=SETTINGS,
        redis=_redis(deployment),
        kafka={topic: _kafka(deployment, topic) for topic in (TOUCHPOINTS_TOPIC, EXAMPLES_TOPIC)},
        rest=[
            [line.received_ms, spelled(line.key), spelled(line.value)] for line in after[UNREAD:]
        ],
    )


def main() -> None:
    """Write the file."""
    with (
        TemporaryDirectory() as folder,
        KafkaServer(Path(folder) / "kafka") as kafka,
        RedisServer(Path(folder) / "redis") as store,
        deployed(kafka, store, Path(folder) / "run", SETTINGS) as deployment,
    ):
        found = stopped(deployment)
    FILE.write_bytes(gzip.compress(orjson.dumps(found._asdict()), 9, mtime=0))


if __name__ == "__main__":
    main()
