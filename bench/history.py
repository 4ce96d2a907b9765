"""Time and memory of sorting and pacing a history: ``python -m bench.history --lines 10000000``.

The lines are orders of 100,000 customers over five years, shuffled, about 260 bytes each.
"""

import argparse
import random
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from touchstream.agents.history.pacer import Publish
from touchstream.agents.history.reading import read_history
from touchstream.agents.history.steps import steps
from touchstream.schemas.envelope import format_time
from touchstream.schemas.units import DAY_MS, Millis

CUSTOMERS = 100_000
DAYS = 5 * 365
BEGIN_MS = 1_577_836_800_000  # 2020
LINE = (
    b'{"specversion":"1.0","id":"order-%d","source":"shop","type":"order.placed",'
    b'"subject":"customer-%d","time":"%s","data":{"order":"order-%d","amount_minor":%d,'
    b'"currency":"EUR","channel":"web"}}\n'
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line of measures; 1 if a line is missing or out of order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--file", type=Path, help="Shuffled events; default: made here.")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        file = chosen.file or _written(Path(folder) / "events.jsonl", chosen.lines)
        started = time.perf_counter()
        history = read_history([file], Path(folder))
        sorted_s = time.perf_counter() - started
        latest_ms, published, wrong = 0, 0, 0
        for step in steps(history, 1):
            if isinstance(step, Publish):
                published += 1
                wrong += step.received_ms < latest_ms
                latest_ms = step.received_ms
        seconds = time.perf_counter() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{published:,} lines: read and sorted in {sorted_s:.0f} s, paced in "
        f"{seconds - sorted_s:.0f} s, at most {peak_mb:.0f} MB"
    )
    return int(wrong > 0 or published != sum(history.counts.values()))


def _written(file: Path, lines: int) -> Path:
    source = random.Random(1)
    with file.open("wb") as out:
        for number in range(lines):
            at_ms = Millis(BEGIN_MS + source.randrange(DAYS * DAY_MS))
            customer, amount = source.randrange(CUSTOMERS), source.randrange(100, 20_000)
            out.write(LINE % (number, customer, format_time(at_ms).encode(), number, amount))
    return file


if __name__ == "__main__":
    sys.exit(main())
