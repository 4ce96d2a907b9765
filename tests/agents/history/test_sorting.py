"""A stable sort in bounded memory: what ``sorted`` makes of the same lines, whatever the bound."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.agents.history import sorting
from touchstream.agents.history.sorting import NOWHERE, Keyed, Sorter

KEYS = st.integers(-3, 3) | st.integers(NOWHERE, 2**63 - 1)


@given(st.lists(KEYS, max_size=60), st.integers(1, 900), st.integers(2, 9))
def test_any_lines_come_as_sorted_would_put_them(
    tmp_path_factory: pytest.TempPathFactory, keys: list[int], run_bytes: int, most_runs: int
) -> None:
    lines = [Keyed(key, n % 3, n, b"%d" % n * (n % 5)) for n, key in enumerate(keys)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sorting, "MOST_RUNS", most_runs)
        sorter = Sorter(tmp_path_factory.mktemp("runs"), run_bytes)
        for line in lines:
            sorter.add(line)
    expected = sorted(lines, key=lambda line: line.key)
    assert list(sorter) == expected
    assert list(sorter) == expected  # a history is read several times


def test_a_disk_without_room_is_named_with_the_way_out(tmp_path: Path) -> None:
    sorter = Sorter(tmp_path / "gone", 1)
    with pytest.raises(OSError, match=r"No such file or directory \(TMPDIR\).*run-0"):
        sorter.add(Keyed(1, 0, 1, b"a"))


def test_what_fits_in_memory_is_not_written(tmp_path: Path) -> None:
    sorter = Sorter(tmp_path)
    sorter.add(Keyed(1, 0, 1, b"a"))
    assert [line.value for line in sorter] == [b"a"]
    assert list(tmp_path.iterdir()) == []


def test_lines_that_come_in_order_are_read_one_run_after_the_other(tmp_path: Path) -> None:
    sorter = Sorter(tmp_path, 1)
    for key in (1, 1, 2, 5, 5):
        sorter.add(Keyed(key, 0, key, b"a"))
    assert len(sorting._sequences(sorter._runs)) == 1


def test_runs_are_merged_before_there_are_too_many(tmp_path: Path) -> None:
    sorter = Sorter(tmp_path, 1)
    for key in range(2 * sorting.MOST_RUNS, 0, -1):
        sorter.add(Keyed(key, 0, 0, b""))
    assert len(list(tmp_path.iterdir())) < sorting.MOST_RUNS
    assert [line.key for line in sorter] == list(range(1, 2 * sorting.MOST_RUNS + 1))
