"""`touchstream bands tune`: what would follow from a capacity, from a replay or the live ledger."""

import json
from pathlib import Path

import msgspec
import orjson
import pytest

from bench.services.redis import RedisServer
from tests.agents.cli.command import touchstream
from tests.make import moment, state_of
from touchstream.agents.active_config import LEARNER
from touchstream.agents.checkpoint import Checkpoint
from touchstream.agents.stores.base import Commit, Fence
from touchstream.agents.stores.redis import connect
from touchstream.schemas.envelope import format_time
from touchstream.schemas.rules import BandRules, LearningRules, Rules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.checkpoint import ShardCheckpoint, encode_checkpoint
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.baselines import Baselines
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.streams.learn.ledger import Snapshot
from touchstream.streams.state import encode

RULES = Rules(
    bands=BandRules(high_per_day=1.0),
    learning=LearningRules(minimum_examples=20, minimum_of_each=1),
)


def folder(path: Path, *, labelled: bool = True, rules: Rules | None = RULES) -> Path:
    """A replay of 35 customers over 20 weeks, one in seven of whom is at risk and leaves."""
    path.mkdir()
    lines = []
    for day in range(140):
        for who in range(day % 7, 35, 7):
            score = {
                "customer": f"c{who}",
                "time": format_time(Millis(day * DAY_MS)),
                "risk": 0.6 if who % 7 == 0 and day % 49 > 20 else 0.05,
                "version": 1,
                "label": int(who % 7 == 0 and day % 49 > 20) if labelled and day < 110 else None,
            }
            lines.append(orjson.dumps(score) + b"\n")
    (path / "scores.jsonl").write_bytes(b"".join(lines))
    (path / "churn-risk.jsonl").touch()
    ended = {
        "type": "customer.relation_changed",
        "subject": "c0",
        "time": format_time(Millis(128 * DAY_MS)),
        "data": {"relation": "ended", "since": format_time(Millis(128 * DAY_MS))},
    }
    (path / "customer-signals.jsonl").write_bytes(orjson.dumps(ended) + b"\n")
    if rules is not None:
        (path / "rules.json").write_bytes(rules.to_text())
    return path


def test_a_replay_shows_a_row_for_each_capacity_and_the_lines_to_configure(tmp_path: Path) -> None:
    folder(tmp_path / "out")
    output = touchstream("bands", "tune", "--from", "out", "--capacity", "2", cwd=tmp_path)
    assert (output.code, output.err) == (0, "")
    lines = output.out.splitlines()
    assert lines[0].split("  ")[0] == "capacity/day"
    assert [line.split()[0] for line in lines[1:5]] == ["1.0", ">", "4.0", "8.0"]
    assert "leavers: 1; warned: high at some moment 3 to 28 days before they left" in output.out
    assert lines[-2:] == ["[bands]", "high_per_day = 2"]


def test_without_a_capacity_that_of_the_replay_is_asked_for(tmp_path: Path) -> None:
    folder(tmp_path / "out")
    output = touchstream("bands", "tune", "--from", "out", "--json", cwd=tmp_path)
    rows = [json.loads(line) for line in output.out.splitlines()]
    assert [(row["asked"], row["high_per_day"]) for row in rows] == [
        (False, 0.5),
        (True, 1.0),
        (False, 2.0),
        (False, 4.0),
    ]
    assert set(rows[0]["thresholds"]) == {
        "medium_enter",
        "medium_leave",
        "high_enter",
        "high_leave",
    }
    assert (rows[1]["leavers"], rows[1]["high_share_per_day"]) == (1, None)


def test_a_share_is_written_as_a_share(tmp_path: Path) -> None:
    folder(tmp_path / "out")
    output = touchstream("bands", "tune", "--from", "out", "--share", "0.02", cwd=tmp_path)
    assert output.out.splitlines()[-1] == "high_share_per_day = 0.02"
    assert "> 0.7 (2 %)" in output.out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--from", "empty"],
            "--from='empty': want the folder of a replay: scores.jsonl: No such file or directory",
        ),
        (
            ["--from", "nowhere"],
            "--from='nowhere': want the folder of a replay: scores.jsonl: No such file or "
            "directory",
        ),
        (
            ["--from", "file"],
            "--from='file': want the folder of a replay: rules.json: Not a directory",
        ),
        (
            ["--from", "old"],
            "--from='old': want the folder of a replay: no rules.json: an earlier build wrote it; "
            "replay again",
        ),
        (["--capacity", "0"], "--capacity=0: want a number of customers a day > 0"),
        (["--share", "1.5"], "--share=1.5: want a share of the open customers, 0 < share <= 1"),
        (["--share", "0.1", "--capacity", "5"], "want --capacity or --share, not both"),
    ],
)
def test_what_the_caller_can_mend_ends_with_2_and_one_line(
    tmp_path: Path, arguments: list[str], line: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    folder(tmp_path / "old", rules=None)
    output = touchstream("bands", "tune", *arguments, cwd=tmp_path)
    assert (output.code, output.out, output.err) == (2, "", f"touchstream: {line}\n")


def test_a_replay_without_labels_ends_with_1_and_what_is_wanted(tmp_path: Path) -> None:
    folder(tmp_path / "out", labelled=False)
    output = touchstream("bands", "tune", "--from", "out", cwd=tmp_path)
    assert (output.code, output.out, output.err) == (
        1,
        "",
        "touchstream: no bands to tune: no label has matured: want a history of more than 28 days "
        "behind the first snapshot\n",
    )


@pytest.mark.integration
async def test_the_live_ledger_tells_what_is_known_and_what_is_not(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    name = "bands-tune"
    settings = {"NAMESPACE": name, "REDIS__URL": redis_server.url, "KAFKA__PARTITIONS": "1"}
    nobody = touchstream("bands", "tune", cwd=tmp_path, settings=settings)
    said = f"touchstream: no learner has run in namespace '{name}' yet\n"
    assert (nobody.code, nobody.out, nobody.err) == (1, "", said)

    states = {}
    for who in range(35):
        ledger = tuple(
            Snapshot(
                Millis(moment("d30") + (who % 7 + 7 * week) * DAY_MS),
                600_000 if week == 3 and who < 6 else 50_000,
                9,
                FEATURES.digest,
                b"",
            )
            for week in range(4)
        )
        states[f"c{who}"] = encode(state_of(ledger=ledger))
    knowledge = Knowledge.new(FEATURES, RULES)
    # Of all labels so far one in twenty left: high begins at twice these odds.
    knowledge.churn.baselines = Baselines(n=98, churned=4)
    record = msgspec.json.encode(Checkpoint(knowledge=knowledge))
    store = connect(redis_server.url, name)
    await store.claim_partitions(1)
    tick = encode_checkpoint(ShardCheckpoint(tick=7, watermark_ms=moment("d60")))
    commits = [
        Commit("p0", None, Fence(1, 1), tick, states),
        Commit(LEARNER, None, Fence(1, 1), record),
    ]
    assert await store.commit(commits) == [True, True]
    await store.close()

    shown = touchstream("bands", "tune", "--capacity", "1", cwd=tmp_path, settings=settings)
    assert shown.code == 0, shown.err
    assert "computed from 140 scores of 35 customers in 28 days" in shown.out
    assert "not known from the live ledger: which alarms would have come true" in shown.out
    assert "no thresholds are in force yet" in shown.out
    # Six customers rise in the last of the three weeks after the first round.
    [asked] = [line for line in shown.out.splitlines() if "> 1.0" in line]
    assert asked.split()[-1] == "0.3"
    assert shown.out.splitlines()[-2:] == ["[bands]", "high_per_day = 1"]

    listed = touchstream(
        "bands", "tune", "--capacity", "1", "--json", cwd=tmp_path, settings=settings
    )
    first = msgspec.json.decode(listed.out.splitlines()[0])
    assert (first["precision"], first["leavers"]) == (None, None)
    assert "not known from the live ledger" in listed.err
