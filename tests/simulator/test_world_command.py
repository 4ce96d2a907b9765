from pathlib import Path

import orjson
import pytest

from touchstream.simulator import World
from touchstream.simulator.__main__ import main

WORLD = ["--customers", "60", "--days", "35", "--seed", "4"]


def test_the_command_writes_what_the_world_tells_in_order_of_arrival(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert main(WORLD) == 0
    written = capfdbinary.readouterr()
    assert written.out == b"".join(line.to_bytes() + b"\n" for line in World(4, 60, 35).lines())
    assert orjson.loads(written.err)["lines"] == written.out.count(b"\n")


def test_the_quiet_world_has_no_troubles(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main([*WORLD, "--quiet"]) == 0
    expected = orjson.loads(capfdbinary.readouterr().err)
    assert expected["troubles"] == {}
    assert expected["fates"] == {"applied": expected["lines"]}


def test_the_truth_has_a_line_for_every_customer(tmp_path: Path) -> None:
    assert main([*WORLD, "--truth", str(tmp_path / "truth.jsonl")]) == 0
    truths = list(map(orjson.loads, (tmp_path / "truth.jsonl").read_bytes().splitlines()))
    world = World(4, 60, 35)
    list(world.days())
    assert [(row["customer"], row["churned_at"], row["kind"]) for row in truths] == [
        (truth.customer, truth.churned_at, truth.kind) for truth in world.truth()
    ]


def test_the_oracle_has_the_risk_of_every_customer_every_week(tmp_path: Path) -> None:
    oracle = tmp_path / "oracle.jsonl"
    assert main([*WORLD, "--oracle", str(oracle), "--oracle-every", "7"]) == 0
    rows = list(map(orjson.loads, oracle.read_bytes().splitlines()))
    assert len({row["time"] for row in rows}) == 5
    assert all(0 < row["risk"] < 1 for row in rows)


def test_a_world_that_cannot_be_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--customers", "0"])
    assert left.value.code == 2
    assert "want customers >= 1" in capsys.readouterr().err
