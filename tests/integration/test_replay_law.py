"""The law: only the log and the configuration show in the output."""

from pathlib import Path

import orjson
import pytest

from bench.equal import differences
from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from tests.integration.replayed import rows
from tests.integration.replays import core, moments, replay
from tests.services import require
from touchstream.schemas.envelope import format_time, parse_time
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.simulator import START_MS, Drift, Noise, World
from touchstream.simulator.noise import Line

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

NOISE = Noise(
    out_of_order=0.05,
    late=0.03,
    too_late=0.01,
    wrong_clock=0.005,
    repeated=0.03,
    conflicting=0.005,
    truncated=0.005,
    wrong_type=0.005,
    without_subject=0.005,
    unknown_type=0.01,
)
CONFIG = """
seed = 5
[churn]
horizon_days = 14
snapshot_every_days = 7
[learning]
model = "logistic"
challenger = "bayes"
alpha = 0.5
established_days = 28
minimum_examples = 20
minimum_of_each = 5
[bands]
medium_enter = 0.2
medium_leave = 0.1
high_enter = 0.3
high_leave = 0.25
[[targets]]
name = "plays"
after = ["web.visit", "content.streamed", "email.delivered"]
events = ["content.streamed"]
signal_at = 0.4
[[targets]]
name = "opens"
after = ["web.visit", "email.delivered"]
events = ["email.opened"]
horizon_hours = 48
label_grace_hours = 0
"""
DRIFT = Drift(from_day=45, activity=0.3)
"""Customers become rarer from here on."""
ERASED, ERASED_MS = "c000025", START_MS + 50 * DAY_MS
"""Asks to be forgotten in the middle of an active life, and comes again."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty customers, seventy days, everything that goes wrong in the real world.

    Governance has something to decide in it, and somebody is erased.
    """
    require("redis")
    file = tmp_path_factory.mktemp("log") / "events.jsonl"
    lines = [*World(3, 50, 70, noise=NOISE, drift=DRIFT).lines()]
    before = sum(line.received_ms < ERASED_MS for line in lines)
    lines.insert(before, Line(ERASED_MS, _erasure()))
    file.write_bytes(b"".join(line.to_bytes() + b"\n" for line in lines))
    return file


def _erasure() -> bytes:
    event = {
        "specversion": "1.0",
        "id": "forget-me",
        "source": "/crm",
        "type": "customer.erased",
        "subject": ERASED,
        "time": format_time(Millis(ERASED_MS)),
    }
    return orjson.dumps(event)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("config") / "touchstream.toml"
    file.write_text(CONFIG)
    return file


@pytest.fixture(scope="module")
def undisturbed(log: Path, config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One worker, embedded broker with four partitions, nobody killed."""
    return replay(log, tmp_path_factory.mktemp("one") / "out", config)


def test_the_log_makes_every_kind_of_output(undisturbed: Path) -> None:
    # Otherwise the comparisons below could be true of nothing.
    lines = {file.stem: rows(file) for file in undisturbed.glob("*.jsonl")}
    assert len(lines["profiles"]) > 40
    assert len(lines["churn-risk"]) > 10
    assert len(lines["next-best-action"]) > 5
    assert len(lines["dead-letters"]) > 20
    matured = [row for row in lines["scores"] if row["label"] is not None]
    assert len(matured) > 200


def test_the_log_makes_the_learner_speak_of_its_models(undisturbed: Path) -> None:
    emitted = rows(undisturbed / "customer-signals.jsonl")
    output = [one for one in emitted if one["type"] == "customer.signal"]
    shown = {(one["subject"], one["data"]["signal"]) for one in output}
    assert ("touchstream.plays", "model.promoted") in shown
    assert ("touchstream.opens", "model.promoted") in shown
    assert ("touchstream.plays", "drift.activity_week") in shown
    assert sum(one["data"]["signal"] == "plays" for one in output) > 50
    summary = orjson.loads((undisturbed / "summary.json").read_bytes())
    assert summary["served"] == {
        "churn": "logistic",
        "return": "logistic",
        "plays": "bayes",
        "opens": "bayes",
    }


def test_the_log_erases_somebody_who_comes_again(undisturbed: Path) -> None:
    [erased] = [one for one in rows(undisturbed / "profiles.jsonl") if one["customer"] == ERASED]
    assert parse_time(erased["profile"]["first_seen"]) > ERASED_MS
    waits_days = {"scores.jsonl": 14 + 1, "scores-plays.jsonl": 1 + 1}
    for name, days in waits_days.items():
        scores = rows(undisturbed / name)
        moments = [parse_time(row["time"]) for row in scores if row["customer"] == ERASED]
        without_label_ms = ERASED_MS - days * DAY_MS
        assert min(moments) < without_label_ms
        assert max(moments) > ERASED_MS
        assert [at_ms for at_ms in moments if without_label_ms < at_ms < ERASED_MS] == []


def test_the_agents_do_what_the_pure_core_does(
    undisturbed: Path, log: Path, config: Path, tmp_path: Path
) -> None:
    assert differences(undisturbed, core(log, tmp_path / "core", config)) == []


def test_records_in_are_all_in_one_named_place(undisturbed: Path, log: Path) -> None:
    records = orjson.loads((undisturbed / "summary.json").read_bytes())["records"]
    places = ("applied", "duplicate", "dead", "dropped")
    assert records["in"] == sum(records[place] for place in places)
    assert records["in"] == len(log.read_bytes().splitlines())


def test_three_workers_do_what_one_does(
    undisturbed: Path, log: Path, config: Path, tmp_path: Path
) -> None:
    out = replay(log, tmp_path / "out", config, "--workers", "3")
    assert differences(undisturbed, out) == []


def test_killed_workers_and_learners_do_not_show(
    undisturbed: Path, log: Path, config: Path, tmp_path: Path
) -> None:
    kills = moments(seed=11, count=4, every_s=2.5)
    out = replay(log, tmp_path / "out", config, "--workers", "2", kills=kills)
    assert differences(undisturbed, out) == []


@pytest.mark.parametrize("partitions", [4, 12])
def test_a_real_broker_does_what_the_embedded_one_does(
    undisturbed: Path,
    log: Path,
    config: Path,
    tmp_path: Path,
    kafka_server: KafkaServer,
    redis_server: RedisServer,
    partitions: int,
) -> None:
    out = replay(
        log,
        tmp_path / "out",
        config,
        "--broker",
        kafka_server.bootstrap,
        "--partitions",
        str(partitions),
        redis_url=redis_server.url,
    )
    assert differences(undisturbed, out) == []
