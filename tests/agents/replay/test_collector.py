"""The outputs of a replay are those of touchstream, whoever else writes to its topics."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson
from aiokafka import TopicPartition

from tests.agents.cli.test_format_record import STRANGE, Found, tombstone
from touchstream.agents.replay.collector import EMISSIONS, Collector
from touchstream.schemas.examples import Example, encode_example
from touchstream.schemas.topics import CUSTOMER_RISK_TOPIC, DEAD_LETTERS_TOPIC, EXAMPLES_TOPIC

TOPICS = (*EMISSIONS, DEAD_LETTERS_TOPIC, EXAMPLES_TOPIC)


class Cluster(NamedTuple):
    async def fetch_all_metadata(self) -> "Cluster":
        return self

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}


class Topics:
    """A consumer of topics that hold these records, each in one partition."""

    _client = Cluster()

    def __init__(self, records: Mapping[str, Sequence[Found]]) -> None:
        self._left = {TopicPartition(name, 0): list(found) for name, found in records.items()}

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def assign(self, places: Sequence[TopicPartition]) -> None: ...
    async def seek_to_beginning(self, *places: TopicPartition) -> None: ...

    async def end_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: len(found) for place, found in self._left.items()}

    async def position(self, place: TopicPartition) -> int:
        return 0 if self._left[place] else 1_000_000

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[Found]]:
        left = {place: found for place, found in self._left.items() if found}
        self._left = {place: [] for place in self._left}
        return left


def example(sequence: int) -> Found:
    return Found(
        encode_example(
            Example(
                shard="p3",
                sequence=sequence,
                tick=1,
                customer="ada",
                at_ms=0,  # type: ignore[arg-type]
                matured_ms=0,  # type: ignore[arg-type]
                label=1,
                treated=False,
                probability=0.5,
                model_version=0,
                features="f",
                vector="",
            )
        )
    )


async def test_records_of_others_are_passed_over(tmp_path: Path) -> None:
    garbage = [Found(value) for value in [*STRANGE, None]]
    records = {name: list(garbage) for name in TOPICS}
    records[CUSTOMER_RISK_TOPIC] += [tombstone(), *garbage]
    records[EXAMPLES_TOPIC] += [example(1), *garbage, example(2)]
    heard: list[str] = []
    collector = Collector(
        Topics(records),
        {name: name for name in TOPICS},
        1,
        tmp_path,
        customer_of=str,
        on_record=lambda topic, _: heard.append(topic),
    )
    async with collector:
        await collector.finish()
        collector.flush()
    assert collector.counts == {
        **dict.fromkeys((*EMISSIONS, DEAD_LETTERS_TOPIC), 0),
        CUSTOMER_RISK_TOPIC: 1,
    }
    assert heard == [CUSTOMER_RISK_TOPIC]
    [line] = (tmp_path / "customer-risk.jsonl").read_bytes().splitlines()
    assert orjson.loads(line)["subject"] == "ada"
    assert (tmp_path / "scores.jsonl").read_bytes().count(b"\n") == 2
