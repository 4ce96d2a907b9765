import sys

import msgspec
import pytest

from touchstream.schemas.units import DAY_MS, MINUTE_MS, Millis
from touchstream.streams.intake.memory import (
    NOTHING_REMEMBERED,
    Memory,
    forget_before,
    from_16_bytes,
    recall,
    remember,
    remembered,
)

FIRST, SECOND, THIRD = 0x11 << 56, 0x22 << 56, 0x33 << 56
CONTENT, OTHER_CONTENT = 0xAAAA << 48, 0xBBBB << 48
DAY = Millis(DAY_MS)
LIMIT = 256


def remembering(*events: tuple[int, int], limit: int = LIMIT) -> Memory:
    """Memory of (identity, day) pairs."""
    memory = NOTHING_REMEMBERED
    for identity, day in events:
        memory, _ = remember(memory, identity, CONTENT, Millis(day * DAY_MS), limit)
    return memory


def former(minute: int, identity: int, content: int) -> bytes:
    """An entry as state formats up to 5 had it."""
    return minute.to_bytes(4) + identity.to_bytes(8) + content.to_bytes(4)


def test_an_id_never_met_is_new() -> None:
    assert recall(remembering((FIRST, 1)), SECOND, CONTENT) == "new"


def test_an_empty_memory_finds_everything_new() -> None:
    assert recall(NOTHING_REMEMBERED, 0, 0) == "new"


def test_the_same_id_with_the_same_content_is_a_duplicate() -> None:
    assert recall(remembering((FIRST, 1), (SECOND, 2)), FIRST, CONTENT) == "duplicate"


def test_the_same_id_with_other_content_is_a_conflict() -> None:
    assert recall(remembering((FIRST, 1), (SECOND, 2)), FIRST, OTHER_CONTENT) == "conflict"


def test_the_least_and_the_greatest_identity_are_found() -> None:
    ends = remembering((0, 1), (2**64 - 1, 65_535))
    assert [recall(ends, identity, CONTENT) for identity in (0, 2**64 - 1)] == ["duplicate"] * 2
    assert recall(ends, 2**63, CONTENT) == "new"


def test_content_zero_is_a_content_like_any_other() -> None:
    memory, _ = remember(NOTHING_REMEMBERED, FIRST, 0, DAY, LIMIT)
    assert (recall(memory, FIRST, 0), recall(memory, FIRST, CONTENT)) == ("duplicate", "conflict")


def test_an_entry_is_its_bits_in_little_endian_order() -> None:
    # It lies in the states of customers, on every machine.
    memory, _ = remember(NOTHING_REMEMBERED, 0x8000_0000_4000_0000, 1 << 50, Millis(3 * DAY), LIMIT)
    assert memory == (0x8000_0000_4000_0000 | 1 << 16 | 3).to_bytes(8, "little")


def test_a_big_endian_machine_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = remembering((SECOND, 2), (FIRST, 1))
    turned = Memory(b"".join(memory[at : at + 8][::-1] for at in range(0, len(memory), 8)))
    # Bytes in the other order, read as a machine of the other order reads them.
    monkeypatch.setattr(sys, "byteorder", "big")
    assert recall(turned, SECOND, CONTENT) == "duplicate"
    assert recall(turned, THIRD, CONTENT) == "new"


def test_the_order_of_arrival_does_not_show() -> None:
    in_order = remembering((FIRST, 1), (SECOND, 2), (THIRD, 3))
    assert remembering((THIRD, 3), (FIRST, 1), (SECOND, 2)) == in_order


def test_an_id_that_is_known_stays_as_it_was_first() -> None:
    before = remembering((FIRST, 1))
    assert remember(before, FIRST, OTHER_CONTENT, Millis(9 * DAY), 1) == (before, False)


def test_at_the_cap_the_oldest_by_day_is_forgotten_and_it_shows() -> None:
    full = remembering((SECOND, 2), (FIRST, 1), limit=2)
    after, capped = remember(full, THIRD, CONTENT, Millis(3 * DAY), limit=2)
    assert after == remembering((SECOND, 2), (THIRD, 3))
    assert capped


def test_up_to_the_cap_nothing_is_forgotten() -> None:
    _, capped = remember(remembering((FIRST, 1)), SECOND, CONTENT, DAY, limit=2)
    assert not capped


def test_a_late_id_does_not_push_a_younger_one_out() -> None:
    full = remembering((SECOND, 2), (THIRD, 3))
    assert remember(full, FIRST, CONTENT, DAY, limit=2) == (full, True)


@pytest.mark.parametrize("limit", [1, 2])
def test_a_lowered_cap_takes_hold_with_the_next_id(limit: int) -> None:
    three = remembering((THIRD, 1), (SECOND, 2), (FIRST, 3))
    after, capped = remember(three, 0x44 << 56, CONTENT, Millis(4 * DAY), limit)
    assert (after, capped) == (remembering(*[(FIRST, 3), (0x44 << 56, 4)][2 - limit :]), True)


def test_ids_of_older_days_are_forgotten() -> None:
    memory = remembering((FIRST, 3), (SECOND, 1), (THIRD, 2))
    assert forget_before(memory, Millis(2 * DAY)) == remembering((FIRST, 3), (THIRD, 2))


def test_an_id_is_kept_as_long_as_its_day_is_not_wholly_past() -> None:
    memory = remembering((FIRST, 1))
    assert forget_before(memory, Millis(2 * DAY - 1)) == memory


def test_all_ids_may_be_forgotten() -> None:
    assert forget_before(remembering((FIRST, 1)), Millis(5 * DAY)) == NOTHING_REMEMBERED


def test_nothing_is_forgotten_when_nothing_is_remembered() -> None:
    assert forget_before(NOTHING_REMEMBERED, DAY) == NOTHING_REMEMBERED


@pytest.mark.parametrize(
    ("time_ms", "kept_as"), [(Millis(-1), 0), (Millis(2**62), 2**16 - 1), (Millis(DAY - 1), 0)]
)
def test_a_time_beyond_the_scale_counts_as_its_end(time_ms: Millis, kept_as: int) -> None:
    at_end = remembering((FIRST, kept_as))
    assert remember(NOTHING_REMEMBERED, FIRST, CONTENT, time_ms, LIMIT) == (at_end, False)


def test_an_id_costs_8_bytes_and_twenty_of_them_two_more_in_a_state() -> None:
    memory = remembering(*((identity << 56, identity) for identity in range(20)))
    assert remembered(memory) == 20
    assert len(msgspec.msgpack.encode(memory)) == 20 * 8 + 2
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(memory), type=Memory) == memory


def test_an_id_of_a_former_state_is_a_duplicate_whatever_its_content() -> None:
    minute = 2 * DAY_MS // MINUTE_MS + 5
    memory = from_16_bytes(former(minute, SECOND, 7) + former(minute + 1, FIRST, 8))
    assert remembered(memory) == 2
    for content in (0, CONTENT, OTHER_CONTENT):
        assert recall(memory, FIRST, content) == recall(memory, SECOND, content) == "duplicate"
    assert recall(memory, THIRD, CONTENT) == "new"
    assert forget_before(memory, Millis(2 * DAY)) == memory
    assert forget_before(memory, Millis(3 * DAY)) == NOTHING_REMEMBERED


def test_of_two_former_ids_that_look_the_same_now_the_later_stays() -> None:
    memory = from_16_bytes(former(1440, FIRST, 7) + former(2880, FIRST + 1, 7))
    assert memory == from_16_bytes(former(2880, FIRST, 7))


def test_a_former_memory_of_other_length_is_none() -> None:
    with pytest.raises(ValueError, match="a memory of 17 bytes: want a multiple of 16"):
        from_16_bytes(bytes(17))
