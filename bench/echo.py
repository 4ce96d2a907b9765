"""A plain consume-produce loop on Kafka: the floor that latencies are compared with.

python -m bench.echo BOOTSTRAP FROM TO PARTITIONS
"""

import asyncio
import sys
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition


async def echo(bootstrap: str, source: str, target: str, partitions: int) -> None:
    """Write every record of ``source`` to ``target``, until the process is ended."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=0)
    await consumer.start()
    await producer.start()
    consumer.assign([TopicPartition(source, number) for number in range(partitions)])
    await consumer.seek_to_beginning()
    try:
        while True:
            found = await consumer.getmany(timeout_ms=100)
            for place, records in found.items():
                for record in records:
                    await producer.send(target, record.value, record.key, partition=place.partition)
    finally:
        await producer.stop()
        await consumer.stop()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until a signal comes."""
    bootstrap, source, target, partitions = arguments or sys.argv[1:]
    asyncio.run(echo(bootstrap, source, target, int(partitions)))


if __name__ == "__main__":
    main()
