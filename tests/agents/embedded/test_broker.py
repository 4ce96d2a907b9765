"""The embedded broker with the clients that the project uses."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.consumer.group_coordinator import CoordinatorGroupRebalance as Rebalance

from touchstream.agents import clients
from touchstream.agents.cli.reading import read, whole
from touchstream.agents.embedded.broker import KEPT_BYTES_PER_PARTITION, BrokerError, EmbeddedBroker
from touchstream.agents.embedded.group_leader import let_followers_sync_first
from touchstream.agents.settings import KafkaSettings


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker({"touchpoints": 3, "examples": 1}) as running:
        yield running


@pytest.fixture
async def producer(broker: EmbeddedBroker) -> AsyncIterator[AIOKafkaProducer]:
    client = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap, enable_idempotence=True, linger_ms=5
    )
    await client.start()
    yield client
    await client.stop()


@pytest.fixture
async def consumer(broker: EmbeddedBroker) -> AsyncIterator[AIOKafkaConsumer]:
    client = AIOKafkaConsumer(
        "touchpoints",
        bootstrap_servers=broker.bootstrap,
        group_id="group",
        auto_offset_reset="earliest",
    )
    await client.start()
    yield client
    await client.stop()


async def test_topics_have_the_partitions_asked_for(producer: AIOKafkaProducer) -> None:
    assert await producer.partitions_for("touchpoints") == {0, 1, 2}
    assert await producer.partitions_for("examples") == {0}


async def test_a_record_comes_back_with_its_key_headers_and_time(
    producer: AIOKafkaProducer, consumer: AIOKafkaConsumer
) -> None:
    await producer.send_and_wait(
        "touchpoints", b"value", key=b"c-1", headers=[("ts", b"1")], timestamp_ms=1_700_000_000_000
    )
    record = await consumer.getone()
    assert (record.key, record.value, record.headers) == (b"c-1", b"value", (("ts", b"1"),))
    assert record.timestamp == 1_700_000_000_000


async def test_a_group_goes_on_where_it_committed(
    broker: EmbeddedBroker, producer: AIOKafkaProducer
) -> None:
    def member() -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            "touchpoints",
            bootstrap_servers=broker.bootstrap,
            group_id="group",
            auto_offset_reset="earliest",
            # The successor of a member that left waits one session.
            session_timeout_ms=1500,
            heartbeat_interval_ms=300,
        )

    for value in (b"first", b"second"):
        await producer.send_and_wait("touchpoints", value, partition=1)
        reader = member()
        await reader.start()
        assert (await reader.getone()).value == value
        await reader.commit()
        await reader.stop()


async def test_two_members_share_the_partitions(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Remembered here so that it is taken back after the test.
    monkeypatch.setattr(Rebalance, "_on_join_leader", Rebalance._on_join_leader)
    let_followers_sync_first()
    members = [
        AIOKafkaConsumer("touchpoints", bootstrap_servers=broker.bootstrap, group_id="pair")
        for _ in range(2)
    ]
    await asyncio.gather(*(member.start() for member in members))
    shares = [member.assignment() for member in members]
    for member in members:
        await member.stop()
    assert sorted(map(len, shares)) == [1, 2]
    assert len(shares[0] | shares[1]) == 3


async def test_while_down_it_takes_nothing_and_once_up_it_has_kept_all(
    broker: EmbeddedBroker, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer
) -> None:
    address = broker.bootstrap
    await producer.send_and_wait("touchpoints", b"before")
    broker.down()
    waiting = asyncio.create_task(producer.send_and_wait("touchpoints", b"meanwhile"))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    broker.up()
    await waiting
    assert {(await consumer.getone()).value for _ in range(2)} == {b"before", b"meanwhile"}
    assert broker.bootstrap == address


async def test_it_keeps_the_newest_five_megabytes_of_a_partition(
    broker: EmbeddedBroker, producer: AIOKafkaProducer
) -> None:
    hundred_kb = b"x" * 100_000
    for _ in range(100):
        await producer.send_and_wait("examples", hundred_kb)
    examples = TopicPartition("examples", 0)
    reader = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap)
    await reader.start()
    first = (await reader.beginning_offsets([examples]))[examples]
    after_last = (await reader.end_offsets([examples]))[examples]
    await reader.stop()
    assert after_last == 100
    assert (after_last - first) * 100_000 == pytest.approx(KEPT_BYTES_PER_PARTITION, rel=0.03)


def test_kafka_python_reads_what_it_wrote(broker: EmbeddedBroker) -> None:
    kafka = KafkaSettings(bootstrap=broker.bootstrap)
    with clients.producer(kafka, "touchpoints") as producer:
        producer.send("touchpoints", b"value", key=b"c-1").get(timeout=10)
    with clients.consumer(kafka, "touchpoints") as consumer:
        found = list(read(consumer, whole(consumer, "touchpoints")))
    assert [(record.key, record.value) for record in found] == [(b"c-1", b"value")]


def test_it_prints_nothing_and_closes_twice(capfd: pytest.CaptureFixture[str]) -> None:
    broker = EmbeddedBroker({"one": 1})
    broker.close()
    broker.close()
    assert capfd.readouterr() == ("", "")


def test_a_topic_that_cannot_be_made_is_named() -> None:
    with pytest.raises(BrokerError, match="topic none with 0 partitions"):
        EmbeddedBroker({"some": 1, "none": 0})
