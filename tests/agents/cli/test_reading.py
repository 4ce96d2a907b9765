"""A bounded read ends when the broker falls silent in the middle of it."""

from typing import Any, ClassVar

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError

from touchstream.agents.cli.reading import OffsetRange, read

PLACE = TopicPartition("touchpoints", 0)


class SilentConsumer:
    """A consumer whose broker answers no fetch any more."""

    config: ClassVar = {"request_timeout_ms": 10}

    def assign(self, places: list[TopicPartition]) -> None: ...

    def seek(self, place: TopicPartition, offset: int) -> None: ...

    def position(self, place: TopicPartition) -> int:
        return 7

    def poll(self, **_: object) -> dict[TopicPartition, list[Any]]:
        return {}


def test_a_read_without_progress_names_the_offset_it_stands_at() -> None:
    with pytest.raises(KafkaTimeoutError, match="no record after offset 7"):
        list(read(SilentConsumer(), {PLACE: OffsetRange(7, 9)}))
