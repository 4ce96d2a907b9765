"""The learner's predictions against a known truth: ``python -m bench.validity``.

One JSON line a check, with numbers and whether it is met. Seeds are fixed: equal code gives equal
lines. 1 if a check is not met.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from bench.validity.finding import Finding
from bench.validity.studies import STUDIES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the studies and print their findings as they come."""
    parser = argparse.ArgumentParser(prog="python -m bench.validity", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=STUDIES, default=list(STUDIES))
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of customers")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args(arguments)
    met = True
    with ProcessPoolExecutor(asked.processes) as pool:
        running = [pool.submit(study, name, asked.scale) for name in asked.only]
        for done in as_completed(running):
            for finding in done.result():
                print(finding.to_line(), flush=True)
                met = met and finding.met
    return 0 if met else 1


def study(name: str, scale: float) -> Sequence[Finding]:
    """Run one study by its name, in a process of its own."""
    return STUDIES[name](scale)


if __name__ == "__main__":
    sys.exit(main())
