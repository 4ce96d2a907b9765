"""The rule for consumers: the last number of each shard and topic; by shard alone, records go.

Logs are those of a real run, with repeats as outboxes make them after a crash (a stretch again, in
order), read topic by topic in any interleaving.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.integration.emissions import Sent, emissions
from touchstream.schemas.topics import CHURN_RISK_TOPIC, NEXT_BEST_ACTION_TOPIC

Rule = Callable[[str, str], object]
"""(topic, shard) -> the place under which the last number is kept."""


def by_shard_and_topic(topic: str, shard: str) -> object:
    return topic, shard


def by_shard(topic: str, shard: str) -> object:
    return shard


def consumed(records: Sequence[Sent], rule: Rule) -> list[Sent]:
    """The records that a consumer keeps."""
    last: dict[object, int] = {}
    kept = []
    for record in records:
        shard, _, number = record.sequence.partition(":")
        place = rule(record.topic, shard)
        if int(number) > last.get(place, 0):
            last[place] = int(number)
            kept.append(record)
    return kept


def topics(crashes: Random, records: Sequence[Sent]) -> dict[tuple[str, str], list[Sent]]:
    """What lies on the partition of each topic and shard, repeats included."""
    logs: dict[tuple[str, str], list[Sent]] = defaultdict(list)
    for record in records:
        logs[record.topic, record.sequence.partition(":")[0]].append(record)
    for log in logs.values():
        for _ in range(3):
            end = crashes.randrange(len(log)) + 1
            start = max(0, end - 1 - crashes.randrange(9))
            log[end:end] = log[start:end]
    return logs


def read(logs: dict[tuple[str, str], list[Sent]], order: Random) -> list[Sent]:
    """All logs through one consumer, each in its own order."""
    left = [iter(log) for log in logs.values()]
    found = []
    while left:
        log = order.choice(left)
        record = next(log, None)
        if record is None:
            left.remove(log)
        else:
            found.append(record)
    return found


def test_there_is_something_to_lose() -> None:
    found = {record.topic for record in emissions()}
    assert {CHURN_RISK_TOPIC, NEXT_BEST_ACTION_TOPIC} <= found
    assert len(emissions()) > 60


@given(st.integers(0, 2**32).map(Random))
def test_by_shard_and_topic_none_is_lost_and_no_repeat_is_kept(chance: Random) -> None:
    records = read(topics(chance, emissions()), chance)
    assert len(records) > len(emissions())
    assert sorted(consumed(records, by_shard_and_topic)) == sorted(emissions())


@given(st.integers(0, 2**32).map(Random))
def test_by_shard_alone_records_are_lost(chance: Random) -> None:
    of_two = [one for one in emissions() if one.topic in {CHURN_RISK_TOPIC, NEXT_BEST_ACTION_TOPIC}]
    kept = consumed(read(topics(chance, of_two), chance), by_shard)
    lost = set(of_two) - set(kept)
    assert len(lost) == len(of_two) / 2  # of two topics with as many numbers each
    assert len(kept) == len(set(kept))
