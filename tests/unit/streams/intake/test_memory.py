import msgspec
import pytest

from touchstream.schemas.units import MINUTE_MS, Millis
from touchstream.streams.intake.memory import (
    NOTHING_REMEMBERED,
    Memory,
    Recollection,
    forget_before,
    recall,
    remember,
)

FIRST, SECOND, THIRD = 0x11 << 56, 0x22 << 56, 0x33 << 56
CONTENT, OTHER_CONTENT = 0xAAAA_AAAA << 32, 0xBBBB_BBBB << 32
MINUTE = Millis(MINUTE_MS)
LIMIT = 256


def remembering(*events: tuple[int, int], limit: int = LIMIT) -> Memory:
    """Memory of (identity, minute) pairs."""
    memory = NOTHING_REMEMBERED
    for identity, minute in events:
        memory, _ = remember(memory, identity, CONTENT, Millis(minute * MINUTE_MS), limit)
    return memory


def test_an_id_never_met_is_new() -> None:
    assert recall(remembering((FIRST, 1)), SECOND, CONTENT) == "new"


def test_an_empty_memory_finds_everything_new() -> None:
    assert recall(NOTHING_REMEMBERED, 0, 0) == "new"


def test_the_same_id_with_the_same_content_is_a_duplicate() -> None:
    assert recall(remembering((FIRST, 1), (SECOND, 2)), FIRST, CONTENT) == "duplicate"


def test_the_same_id_with_other_content_is_a_conflict() -> None:
    assert recall(remembering((FIRST, 1), (SECOND, 2)), FIRST, OTHER_CONTENT) == "conflict"


def test_bytes_that_look_like_an_id_across_two_entries_are_no_id() -> None:
    memory = remembering((FIRST, 1), (SECOND, 2))
    for start in range(len(memory) - 7):
        lookalike = int.from_bytes(memory[start : start + 8])
        expected: Recollection = "duplicate" if lookalike in {FIRST, SECOND} else "new"
        assert recall(memory, lookalike, CONTENT) == expected


def test_an_id_is_found_behind_bytes_that_look_like_it() -> None:
    former, lookalike = 0x1111_1111_2222_2222, 0x2222_2222_3333_3333
    memory, _ = remember(NOTHING_REMEMBERED, former, 0x3333_3333 << 32, Millis(0), LIMIT)
    memory, _ = remember(memory, lookalike, CONTENT, MINUTE, LIMIT)
    assert recall(memory, lookalike, CONTENT) == "duplicate"


def test_ids_lie_by_time_whatever_order_they_came_in() -> None:
    in_order = remembering((FIRST, 1), (SECOND, 2), (THIRD, 3))
    assert remembering((THIRD, 3), (FIRST, 1), (SECOND, 2)) == in_order


def test_ids_of_one_minute_lie_by_identity_whatever_order_they_came_in() -> None:
    assert remembering((SECOND, 1), (FIRST, 1)) == remembering((FIRST, 1), (SECOND, 1))


def test_an_id_that_is_known_stays_as_it_was_first() -> None:
    before = remembering((FIRST, 1))
    assert remember(before, FIRST, OTHER_CONTENT, Millis(9 * MINUTE), 1) == (before, False)


def test_at_the_cap_the_oldest_by_time_is_forgotten_and_it_shows() -> None:
    full = remembering((SECOND, 2), (FIRST, 1), limit=2)
    after, capped = remember(full, THIRD, CONTENT, Millis(3 * MINUTE), limit=2)
    assert after == remembering((SECOND, 2), (THIRD, 3))
    assert capped


def test_up_to_the_cap_nothing_is_forgotten() -> None:
    _, capped = remember(remembering((FIRST, 1)), SECOND, CONTENT, MINUTE, limit=2)
    assert not capped


def test_a_late_id_does_not_push_a_younger_one_out() -> None:
    full = remembering((SECOND, 2), (THIRD, 3))
    assert remember(full, FIRST, CONTENT, MINUTE, limit=2) == (full, True)


def test_a_lowered_cap_takes_hold_with_the_next_id() -> None:
    three = remembering((FIRST, 1), (SECOND, 2), (THIRD, 3))
    after, capped = remember(three, 0x44 << 56, CONTENT, Millis(4 * MINUTE), limit=1)
    assert (after, capped) == (remembering((0x44 << 56, 4)), True)


def test_ids_of_older_events_are_forgotten() -> None:
    memory = remembering((FIRST, 1), (SECOND, 2), (THIRD, 3))
    assert forget_before(memory, Millis(2 * MINUTE)) == remembering((SECOND, 2), (THIRD, 3))


def test_an_id_is_kept_as_long_as_its_minute_is_not_wholly_past() -> None:
    memory = remembering((FIRST, 1))
    assert forget_before(memory, Millis(2 * MINUTE - 1)) == memory


def test_all_ids_may_be_forgotten() -> None:
    assert forget_before(remembering((FIRST, 1)), Millis(5 * MINUTE)) == NOTHING_REMEMBERED


def test_nothing_is_forgotten_when_nothing_is_remembered() -> None:
    assert forget_before(NOTHING_REMEMBERED, MINUTE) == NOTHING_REMEMBERED


@pytest.mark.parametrize(
    ("time_ms", "kept_as"),
    [(Millis(-1), Millis(0)), (Millis(2**62), Millis((2**32 - 1) * MINUTE_MS))],
)
def test_a_time_beyond_the_scale_counts_as_its_end(time_ms: Millis, kept_as: Millis) -> None:
    at_end = remember(NOTHING_REMEMBERED, FIRST, CONTENT, kept_as, LIMIT)
    assert remember(NOTHING_REMEMBERED, FIRST, CONTENT, time_ms, LIMIT) == at_end


def test_an_id_costs_16_bytes_and_twenty_of_them_two_more_in_a_state() -> None:
    memory = remembering(*((identity, 1) for identity in range(20)))
    assert len(msgspec.msgpack.encode(memory)) == 20 * 16 + 3
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(memory), type=Memory) == memory
