"""Train a compression dictionary for states on a world: ``python -m bench.dictionary NUMBER``.

States are taken on every fourth day of several worlds, young and old customers alike, so that the
dictionary knows row vectors, names of attributes and families, and the layout of profiles. A
dictionary that was shipped once is part of the stored format and never trained again.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import zstandard

from touchstream.agents.history.lines import parse_line
from touchstream.schemas.rules import ChurnRules, Rules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.simulator import START_MS, World
from touchstream.streams.compression import LEVEL, decompress
from touchstream.streams.local import LocalStream
from touchstream.streams.records import Record

SIZE = 8_192
"""Bytes. 4 KiB makes states 2 % larger; 16 KiB gains nothing."""
SEEDS = (11, 12, 13)
CUSTOMERS, DAYS, EVERY_DAYS = 120, 168, 4
RULES = Rules(churn=ChurnRules(horizon_days=28, snapshot_every_days=7, label_grace_days=1))


def samples(seed: int) -> Iterator[bytes]:
    """States of a world as MessagePack, every few days."""
    stream, offset = LocalStream(RULES), 0
    [shard] = stream.shards
    stream.tick(START_MS - 1)
    for number, day in enumerate(World(seed, CUSTOMERS, DAYS).days()):
        records = []
        for line in day.lines:
            value = line.to_bytes()
            received_ms = Millis(line.received_ms)
            records.append(Record(offset, received_ms, parse_line(value).key, value))
            offset += 1
        stream.feed(0, records)
        stream.tick(day.start_ms + DAY_MS)
        if number % EVERY_DAYS == 0:
            yield from (decompress(state[1:]) for state in shard.states.values())


def main(arguments: Sequence[str] | None = None) -> None:
    """Write ``streams/dictionaries/state-NUMBER.dict``."""
    parser = argparse.ArgumentParser(prog="python -m bench.dictionary", description=main.__doc__)
    parser.add_argument("number", type=int)
    parser.add_argument("--force", action="store_true", help="replace one that was never shipped")
    asked = parser.parse_args(arguments)
    folder = Path(__file__).resolve().parents[1] / "streams" / "dictionaries"
    file = folder / f"state-{asked.number}.dict"
    if file.exists() and not asked.force:
        sys.exit(f"{file.name} is there already: stored states need it as it is")
    states: list[bytes | bytearray | memoryview] = [
        state for seed in SEEDS for state in samples(seed)
    ]
    file.write_bytes(zstandard.train_dictionary(SIZE, states, level=LEVEL).as_bytes())
    print(f"{file.name}: {len(states)} states")


if __name__ == "__main__":
    main()
