"""All short benchmarks, one after the other: ``python -m bench``.

Each is a command of its own with settings of its own: ``python -m bench.throughput --help``.
"""

import argparse
from collections.abc import Callable, Sequence

from bench import latency, learning, memory, throughput

BENCHMARKS: dict[str, Callable[[Sequence[str]], None]] = {
    "memory": memory.main,
    "learning": learning.main,
    "throughput": throughput.main,
    "latency": latency.main,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmarks named, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}: want {', '.join(BENCHMARKS)}")
    for name in asked.names or BENCHMARKS:
        print(f"{name}:", flush=True)
        BENCHMARKS[name]([])


if __name__ == "__main__":
    main()
