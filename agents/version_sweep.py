"""Removal of the model versions that no tick can name any more."""

from collections.abc import Collection, Sequence

import msgspec

from touchstream.agents.checkpoint import Checkpoint

MOST_TICKS_AHEAD = 100
"""The learner writes no further tick while the shards are so many ticks behind."""

SWEEP_EVERY_TICKS = 100
KEPT_TICKS = 3 * MOST_TICKS_AHEAD
"""Versions of so many ticks are kept; a tick names one that is at most MOST_TICKS_AHEAD old."""
MILESTONE_EVERY_TICKS = 8_600
"""About a day of ticks, one in 10 s; a multiple of SWEEP_EVERY_TICKS."""
MILESTONES = 30
"""Older versions that are kept for a rollback; at most 64 KiB each."""


def sweep(checkpoint: Checkpoint, wish: Collection[int] = ()) -> tuple[Checkpoint, Sequence[int]]:
    """The checkpoint after a sweep, and the versions to remove.

    Every shard has completed the tick that was just learnt, and later ticks name later versions or
    one of ``wish``, the versions that an operator wants. Restoring Redis restores the versions of
    that time with it, so none is missed after a rollback of the store.
    """
    now, newest = checkpoint.knowledge.tick, checkpoint.knowledge.version
    versions_by_tick = {**checkpoint.versions_by_tick, now: newest}
    oldest = max((tick for tick in versions_by_tick if tick <= now - KEPT_TICKS), default=0)
    keep_from = versions_by_tick.get(oldest, 0)
    pins = {version: tick for version, tick in checkpoint.pins.items() if tick > now - KEPT_TICKS}
    milestones = checkpoint.milestones
    if newest and now % MILESTONE_EVERY_TICKS == 0:
        milestones = [*milestones[1 - MILESTONES :], newest]
    candidates = [*checkpoint.spared, *range(checkpoint.swept + 1, keep_from)]
    # A version that has learnt from a forgotten customer goes, whoever wants it.
    wish = [version for version in wish if version >= checkpoint.oldest]
    kept = {*wish, *pins, *milestones}
    after = msgspec.structs.replace(
        checkpoint,
        versions_by_tick={
            tick: version for tick, version in versions_by_tick.items() if tick >= oldest
        },
        swept=max(checkpoint.swept, keep_from - 1),
        spared=[version for version in candidates if version in kept],
        milestones=milestones,
        pins=pins,
    )
    return after, [version for version in candidates if version not in kept]
