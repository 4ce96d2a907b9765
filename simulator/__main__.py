"""``python -m touchstream.simulator --customers N --days D --seed S > events.jsonl``."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import orjson
from msgspec import Struct

from touchstream.schemas.units import DAY_MS
from touchstream.simulator.noise import SILENCE, Noise
from touchstream.simulator.world import World

HORIZON_DAYS = 28


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the events to stdout, in order of arrival; a JSON line of expected counts to stderr."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        world = _world(chosen)
    except ValueError as wrong:
        parser.error(str(wrong))
    with ExitStack() as files:
        oracle = files.enter_context(chosen.oracle.open("wb")) if chosen.oracle else None
        _write(world, oracle, chosen.oracle_every)
    if chosen.truth:
        chosen.truth.write_bytes(b"".join(map(json_line, world.truth())))
    print(orjson.dumps(world.expected, default=_fields).decode(), file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m touchstream.simulator", description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000, help="on the first day")
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--growth", type=float, default=0.3, help="new customers a year, share")
    parser.add_argument(
        "--quiet", action="store_true", help="no noise: every event arrives once and whole"
    )
    parser.add_argument(
        "--truth", type=Path, help="write the time and kind of each departure, a line each"
    )
    parser.add_argument("--oracle", type=Path, help=f"write true {HORIZON_DAYS}-day risks")
    parser.add_argument("--oracle-every", type=int, default=7, metavar="DAYS")
    return parser


def _world(chosen: argparse.Namespace) -> World:
    return World(
        chosen.seed,
        chosen.customers,
        chosen.days,
        growth_per_year=chosen.growth,
        noise=SILENCE if chosen.quiet else Noise(),
    )


def _write(world: World, oracle: BinaryIO | None, every_days: int) -> None:
    for day in world.days():
        sys.stdout.buffer.writelines(line.to_bytes() + b"\n" for line in day.lines)
        if oracle and (day.number + 1) % every_days == 0:
            oracle.writelines(_risks(world, day.start_ms + DAY_MS))


def _risks(world: World, at_ms: int) -> list[bytes]:
    risks = world.true_churn_probabilities(at_ms, HORIZON_DAYS)
    return [
        json_line({"customer": customer, "time": at_ms, "risk": risk})
        for customer, risk in risks.items()
    ]


def json_line(row: object) -> bytes:
    """Write a row of a file, its line end included."""
    return orjson.dumps(row, default=_fields, option=orjson.OPT_APPEND_NEWLINE)


def _fields(struct: Struct) -> dict[str, Any]:
    return msgspec.structs.asdict(struct)


if __name__ == "__main__":
    sys.exit(main())
