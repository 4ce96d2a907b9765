"""An order sent again is counted once, whatever has changed in how it is written."""

from typing import Any

import orjson
import pytest

from touchstream.schemas.rules import IntakeRules, Rules
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams import state as states
from touchstream.streams.compression import compress
from touchstream.streams.local import LocalStream
from touchstream.streams.records import Record

AT_MS = Millis(1_767_355_200_000)
ORDER = {
    "specversion": "1.0",
    "id": "o1",
    "source": "shop",
    "type": "order.placed",
    "subject": "ada",
    "time": "2026-01-02T12:00:00Z",
    "data": {
        "order": "1",
        "amount_minor": 5_000,
        "currency": "EUR",
        "items": [{"sku": "a", "quantity": 2, "price_minor": 2_500}],
    },
}
DATA: dict[str, Any] = ORDER["data"]  # type: ignore[assignment]
ITEM: dict[str, Any] = DATA["items"][0]
ADA = CustomerId("ada")


def record(event: dict[str, Any], offset: int = 0) -> Record:
    return Record(offset, AT_MS, b"ada", orjson.dumps(event))


def fed(*events: dict[str, Any], rules: Rules | None = None) -> LocalStream:
    stream = LocalStream(rules or Rules())
    stream.feed(0, [record(event, offset) for offset, event in enumerate(events)])
    return stream


def ordered_minor(stream: LocalStream) -> int:
    profile = states.decode(stream.shards[0].states[ADA]).profile
    assert profile is not None
    return profile.money["EUR"].ordered_minor


@pytest.mark.parametrize(
    "again",
    [
        {**ORDER, "data": {**DATA, "channel": None}},
        {**ORDER, "data": {**DATA, "amount_minor": 5_000.0}},
        {**ORDER, "data": {**DATA, "sent_at": "2026-01-02T12:00:07Z"}},
        {**ORDER, "data": {**DATA, "items": [{**ITEM, "category": None}]}},
        {**ORDER, "data": dict(reversed(DATA.items()))},
        {**ORDER, "time": "2026-01-02T13:00:00.000+01:00", "traceparent": "00-1"},
    ],
)
def test_another_spelling_is_a_duplicate(again: dict[str, Any]) -> None:
    stream = fed(ORDER, again)
    assert stream.shards[0].checkpoint.counters == {"applied": 1, "duplicate": 1}
    assert ordered_minor(stream) == 5_000


@pytest.mark.parametrize(
    "changed",
    [
        {**ORDER, "data": {**DATA, "amount_minor": 5_001}},
        {**ORDER, "data": {**DATA, "channel": "store"}},
        {**ORDER, "time": "2026-01-03T12:00:00Z"},
        {**ORDER, "type": "cart.abandoned"},
    ],
)
def test_another_event_under_the_id_is_a_dead_letter(changed: dict[str, Any]) -> None:
    stream = fed(ORDER, changed)
    counters = stream.shards[0].checkpoint.counters
    assert (counters["applied"], counters["dead.conflicting_id"]) == (1, 1)
    assert ordered_minor(stream) == 5_000


def test_400_orders_sent_again_are_400_duplicates() -> None:
    orders = [{**ORDER, "id": f"o{number}"} for number in range(400)]
    stream = fed(*orders, *orders)
    assert stream.shards[0].checkpoint.counters == {"applied": 400, "duplicate": 400}
    assert ordered_minor(stream) == 400 * 5_000


def test_where_the_memory_does_not_suffice_it_says_so_of_the_customer_too() -> None:
    orders = [{**ORDER, "id": f"o{number}"} for number in range(400)]
    stream = fed(*orders, rules=Rules(intake=IntakeRules(ids_per_customer=256)))
    assert stream.shards[0].checkpoint.counters == {"applied": 400, "memory_full": 144}
    counts = states.decode(stream.shards[0].states[ADA]).counts
    assert counts == states.IntakeCounts(memory_full=144)


def test_across_the_upgrade_a_resend_is_a_duplicate() -> None:
    stream = fed(ORDER)
    before = states.decode(stream.shards[0].states[ADA])
    # As format 5 wrote it: 16 bytes an id, and a content of another rule.
    [entry] = [int.from_bytes(before.memory, "little")]
    former = (AT_MS // 60_000).to_bytes(4) + (entry >> 30 << 30).to_bytes(8) + b"\1\2\3\4"
    fields = [before.profile, former, before.next_timer_ms, before.erased_ms, before.slots]
    packed = states._encoder.encode(fields)
    stream.shards[0].states[ADA] = b"\5" + compress(packed)
    stream.feed(0, [record({**ORDER, "data": {**DATA, "channel": None}}, 1)])
    assert stream.shards[0].checkpoint.counters == {"applied": 1, "duplicate": 1}
    assert ordered_minor(stream) == 5_000
