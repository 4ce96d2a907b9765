from touchstream.agents.checkpoint import Checkpoint
from touchstream.agents.version_sweep import sweep
from touchstream.schemas.rules import Rules
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.knowledge import Knowledge


def checkpoint(
    tick: int, version: int, versions_by_tick: dict[int, int], swept: int = 0
) -> Checkpoint:
    knowledge = Knowledge.new(FEATURES, Rules())
    knowledge.tick, knowledge.version = tick, version
    return Checkpoint(knowledge=knowledge, versions_by_tick=versions_by_tick, swept=swept)


def test_a_young_learner_removes_nothing() -> None:
    after, gone = sweep(checkpoint(300, 250, {100: 50, 200: 150}))
    assert list(gone) == []
    assert after.versions_by_tick == {100: 50, 200: 150, 300: 250}


def test_versions_before_the_one_that_was_newest_300_ticks_ago_go() -> None:
    after, gone = sweep(checkpoint(400, 350, {100: 5, 200: 150, 300: 250}))
    assert list(gone) == [1, 2, 3, 4]
    assert after.swept == 4


def test_no_version_goes_twice() -> None:
    after, gone = sweep(checkpoint(500, 350, {100: 5, 200: 8, 300: 250, 400: 350}, swept=4))
    assert list(gone) == [5, 6, 7]
    assert after.versions_by_tick == {200: 8, 300: 250, 400: 350, 500: 350}


def test_a_version_that_is_still_in_force_stays_however_old_it_is() -> None:
    _, gone = sweep(checkpoint(900, 7, {600: 7, 700: 7, 800: 7}, swept=6))
    assert list(gone) == []
