from pathlib import Path

import orjson
import pytest

from touchstream.agents.settings import Settings
from touchstream.schemas.rules import Rules
from touchstream.simulator.telecom import HOT, Telecom
from touchstream.simulator.telecom.__main__ import main


def rows(file: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in file.read_bytes().splitlines()]


def test_the_command_writes_events_rules_and_truth(tmp_path: Path) -> None:
    assert main(["hot", "--out", str(tmp_path), "--seed", "2", "--risks-every", "100"]) == 0
    telecom = Telecom(2, HOT)
    events = b"".join(line.to_bytes() + b"\n" for line in telecom.lines())
    assert (tmp_path / "events.jsonl").read_bytes() == events
    assert Settings.load(tmp_path / "touchstream.toml").rules == Rules()
    fates = rows(tmp_path / "fates.jsonl")
    assert [row["ended_at"] for row in fates] == [fate.ended_at for fate in telecom.fates()]
    risks = rows(tmp_path / "risks.jsonl")
    assert len({row["time"] for row in risks}) == 2
    assert {row["cause"] for row in risks} == {None, "ticket", "call", "payment", "usage"}


def test_a_telecom_that_does_not_exist_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["loud", "--out", "unused"])
    assert left.value.code == 2
    assert "'calm', 'hot'" in capsys.readouterr().err.replace("calm, hot", "'calm', 'hot'")


def test_a_folder_that_cannot_be_is_bad_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as left:
        main(["hot", "--out", str(tmp_path / "file")])
    assert left.value.code == 2
    assert "--out" in capsys.readouterr().err
