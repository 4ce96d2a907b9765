"""Where a backfill that was killed goes on: behind what the shards have, whatever the moment."""

from hypothesis import given
from hypothesis import strategies as st

from tests.agents.cli.command import order
from touchstream.agents.backfill import Begun, begun_by, remaining
from touchstream.agents.history.lines import parse_line
from touchstream.agents.history.pacer import Publish, TickAt, paced
from touchstream.agents.replay.publisher import placed
from touchstream.schemas.envelope import format_time
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.checkpoint import ShardCheckpoint

PARTITIONS = 3
NOW_MS = Millis(30_000 * DAY_MS)
LINES = [
    *(
        parse_line(order(f"c{n % 5}", n, format_time(Millis((20_000 + n // 4) * DAY_MS + n))))
        for n in range(40)
    ),
    parse_line(b"nonsense"),
]
STEPS = list(paced(LINES, LINES[0].time_ms, 1))


@given(st.integers(0, len(STEPS)), st.lists(st.integers(0, 3), min_size=3, max_size=3))
def test_every_line_is_published_once_and_in_order(cut: int, lost: list[int]) -> None:
    """Killed behind step ``cut``, with the newest lines of a partition not yet at the broker."""
    published, taken, tick_ms, number = list[object](), [0] * PARTITIONS, None, 0
    since_tick: list[list[object]] = [[] for _ in range(PARTITIONS)]
    for step in STEPS[:cut]:
        if isinstance(step, TickAt):
            tick_ms = step.time_ms
            since_tick = [[] for _ in range(PARTITIONS)]
        else:
            place = placed(step.line, number, PARTITIONS)
            number += 1
            since_tick[place].append(step.line.value)
            taken[place] += 1
            published.append(step.line.value)
    # Before a tick everything is flushed; since then the ends of partitions may be missing.
    for place, count in enumerate(lost):
        for value in since_tick[place][
            len(since_tick[place]) - min(count, len(since_tick[place])) :
        ]:
            published.remove(value)
            taken[place] -= 1
    begun = Begun(0, tick_ms, taken, (), is_live=False)
    rest = list(remaining(STEPS, begun, NOW_MS))
    again = [step.line.value for step in rest if isinstance(step, Publish)]
    assert sorted([*published, *again], key=repr) == sorted((one.value for one in LINES), key=repr)
    ticks = [step.time_ms for step in STEPS if isinstance(step, TickAt)]
    left = [step.time_ms for step in rest if isinstance(step, TickAt)]
    assert left == [time_ms for time_ms in ticks if tick_ms is None or time_ms > tick_ms]


def test_the_last_tick_does_not_lie_ahead_of_the_clock() -> None:
    """The midnight behind today's events is tomorrow; live ticks begin now."""
    newest_ms = max(line.time_ms for line in LINES if line.time_ms is not None)
    nothing_yet = Begun(0, None, [0] * PARTITIONS, (), is_live=False)
    *_, last = remaining(STEPS, nothing_yet, Millis(newest_ms + 5))
    assert isinstance(last, TickAt)
    assert last.time_ms == newest_ms + 5


def test_the_position_is_read_from_the_shards() -> None:
    ahead = ShardCheckpoint(tick=7, watermark_ms=Millis(9), taken=4, phase="history")
    behind = ShardCheckpoint(tick=6, watermark_ms=Millis(8), taken=5, phase="history")
    assert begun_by([behind, ahead, behind]) == Begun(7, Millis(9), [5, 4, 5], [0, 2], False)
    assert begun_by([ShardCheckpoint()] * 2) == Begun(0, None, [0, 0], [], False)


def test_a_history_has_ended_when_its_newest_tick_is_live() -> None:
    ended = ShardCheckpoint(tick=8, watermark_ms=Millis(9), phase="live")
    before = ShardCheckpoint(tick=7, watermark_ms=Millis(8), phase="history")
    assert begun_by([ended, before]).is_live
    assert not begun_by([ShardCheckpoint()]).is_live
