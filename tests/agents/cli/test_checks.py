"""The doctor's answers to its findings."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from touchstream.agents.checkpoint import Checkpoint
from touchstream.agents.cli import doctor
from touchstream.agents.cli.checks import (
    OUTBOX_SHOWN,
    Finding,
    LogFacts,
    ShardFacts,
    StoreFacts,
    check_build,
    check_log,
    check_store,
)
from touchstream.agents.cli.reading import OffsetRange
from touchstream.agents.resharding import Lineage, Source
from touchstream.agents.serving import Backfill
from touchstream.agents.settings import KafkaSettings, Settings
from touchstream.schemas.shards import shard_name
from touchstream.schemas.tick import ActiveConfig
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.knowledge import Knowledge

NOW_MS = Millis(1_000_000_000)
SETTINGS = Settings(kafka=KafkaSettings(partitions=2))
RULES = SETTINGS.rules.digest()


def shard(number: int, offset: int | None = 5, tick: int = 10, outbox: int = 0) -> ShardFacts:
    active_config = ActiveConfig(model_version=1, rules=RULES, features="f1")
    return ShardFacts(
        shard_name(number), offset, ShardCheckpoint(tick=tick, active_config=active_config), outbox
    )


def checkpoint(written: int = 10, ago_ms: int = 5_000) -> Checkpoint:
    knowledge = Knowledge.new(FEATURES, SETTINGS.rules)
    knowledge.tick = written
    return Checkpoint(knowledge=knowledge, written=written, written_ms=Millis(NOW_MS - ago_ms))


def store(
    shards: Sequence[ShardFacts] = (shard(0), shard(1)),
    learner: Checkpoint | None = None,
    claimed: int | None = 2,
    now_ms: int = NOW_MS,
) -> StoreFacts:
    return StoreFacts((), claimed, now_ms, shards, learner or checkpoint(), 0)


def faults(findings: Sequence[Finding]) -> dict[str, list[str]]:
    return {found.check: list(found.faults) for found in findings if found.faults}


def of_store(facts: StoreFacts) -> dict[str, list[str]]:
    return faults([*check_store(SETTINGS, facts, NOW_MS)])


def of_log(facts: StoreFacts, log: LogFacts) -> dict[str, list[str]]:
    return faults([*check_log(facts, log, NOW_MS)])


def test_a_deployment_that_works_has_no_fault() -> None:
    log = LogFacts({0: OffsetRange(0, 5), 1: OffsetRange(5, 90)}, Millis(NOW_MS - 9_000))
    assert of_store(store()) == {}
    assert of_log(store(), log) == {}
    assert faults([*check_build(SETTINGS, store(), "f1")]) == {}


def test_a_namespace_in_which_nothing_ran_has_no_fault() -> None:
    facts = StoreFacts((), None, NOW_MS, [ShardFacts("p0", None, ShardCheckpoint(), 0)], None, 0)
    assert of_store(facts) == {}


def test_a_changed_partition_count_is_set_back() -> None:
    assert of_store(store(claimed=3)) == {"partitions": ["kafka.partitions is 2: set it back to 3"]}


def test_half_a_copy_is_a_fault_with_the_command_that_finishes_it() -> None:
    source = Source("shop", "touchpoints", "touchstream.examples", (5, 5, 5, 5), 10, 0)
    half = Lineage(False, 2, "new.", (source,), 30)
    assert of_store(store(claimed=None)._replace(lineage=half)) == {
        "partitions": [
            "no worker serves it: finish the copy with the configuration of 'shop' (touchstream "
            "reshard --partitions 2 --topic-prefix 'new.' --namespace touchstream), which begins "
            "it anew; or go on with that namespace, which is untouched"
        ]
    }


def test_a_finished_copy_is_no_fault_and_says_of_what() -> None:
    source = Source("shop", "touchpoints", "touchstream.examples", (5, 5, 5, 5), 10, 0)
    facts = store()._replace(lineage=Lineage(True, 2, "new.", (source,), 30))
    [found] = [f for f in check_store(SETTINGS, facts, NOW_MS) if f.check == "partitions"]
    said = "the namespace was started with 2, a copy of 'shop' with 4 as of tick 10"
    assert found == Finding("partitions", said, [])


def test_clocks_two_seconds_apart_are_a_fault() -> None:
    assert of_store(store(now_ms=NOW_MS + 2_000)) == {}
    assert of_store(store(now_ms=NOW_MS - 2_001)) == {
        "clock of redis": ["-2.0 s from this machine's: synchronise both (NTP)"]
    }


def test_a_broker_ahead_of_us_is_a_fault() -> None:
    log = LogFacts({0: OffsetRange(0, 5), 1: OffsetRange(5, 90)}, Millis(NOW_MS + 7_000))
    assert of_log(store(), log) == {
        "clock of the broker": ["+7.0 s from this machine's: synchronise both (NTP)"]
    }


def test_misspelt_types_of_all_shards_are_shown_and_no_fault() -> None:
    misspelt = ShardCheckpoint(misspelt_types={"order.placed": {"order.place": 21}})
    shards = [shard(number)._replace(checkpoint=misspelt) for number in (0, 1)]
    [found] = [f for f in check_store(SETTINGS, store(shards), NOW_MS) if f.check == "event types"]
    assert found == Finding(
        "event types", "0 own; 42 events of type order.place: did you mean order.placed?"
    )


def test_a_full_outbox_is_a_fault() -> None:
    found = of_store(store([shard(0), shard(1, outbox=OUTBOX_SHOWN)]))
    assert found == {
        "outboxes": ["p1: 1000 entries or more wait: are its owner and the broker running?"]
    }


def test_a_learner_that_is_silent_is_a_fault() -> None:
    found = of_store(store(learner=checkpoint(ago_ms=61_000)))
    assert found == {"ticks": ["no tick for 61 s: is `touchstream learner` running?"]}


def test_a_shard_far_behind_the_ticks_is_named() -> None:
    found = of_store(store([shard(0), shard(1, tick=3)]))
    assert found["ticks"][0].startswith("p1: more than 6 ticks behind")


def test_a_fence_outside_the_log_is_a_fault() -> None:
    log = LogFacts({0: OffsetRange(6, 9), 1: OffsetRange(0, 9)}, None)
    [shown] = of_log(store(), log)["fences"]
    assert shown.startswith("p0: the fence is 5, the log holds 6 to 9: restore Redis")


def test_another_feature_list_in_force_is_a_fault() -> None:
    found = faults([*check_build(SETTINGS, store(), "f2")])
    assert found["feature list"][0].startswith("list f1 is active: start the learner")


def test_other_rules_in_force_are_a_fault() -> None:
    changed = SETTINGS.model_copy(update={"rules": type(SETTINGS.rules)(seed=9)})
    found = faults([*check_build(changed, store(), "f1")])
    assert found == {
        "rules": [f"rules {RULES} are active: start the learner with this configuration, or fix it"]
    }


def test_an_installed_package_has_no_documents_to_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "PROJECT", tmp_path)
    assert doctor._schemas() == Finding("schemas", "none to compare: an installed package")


def test_a_backfill_that_has_not_finished_is_a_fault() -> None:
    begun = Backfill(until_ms=Millis(0), lines=1_200, fingerprint="f")
    [(check, [fault])] = of_store(store()._replace(backfill=begun)).items()
    assert check == "backfill"
    assert "run `touchstream backfill` again with the same files" in fault
    done = msgspec.structs.replace(begun, finished=True)
    assert of_store(store()._replace(backfill=done)) == {}
