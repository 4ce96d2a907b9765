"""``python -m bench.datasets cdnow|bank_calls > events.jsonl``: history as CloudEvents, by time.

``python -m bench.datasets hillstrom > log.csv``: decisions for ``touchstream policy evaluate``.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from bench.datasets.bank_calls import MONTHS, call_events
from bench.datasets.cdnow import cdnow_events
from bench.datasets.folder import DataMissing
from bench.datasets.hillstrom import OUTCOMES, write_decisions

BAD_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the data to stdout and one JSON line of counts to stderr; 2 if data is missing."""
    chosen = _parser().parse_args(arguments)
    try:
        if chosen.dataset == "hillstrom":
            rows = write_decisions(chosen.outcome, sys.stdout)
            print(orjson.dumps({"rows": rows}).decode(), file=sys.stderr)
            return 0
        events, seen = _read(chosen)
    except DataMissing as missing:
        print(missing, file=sys.stderr)
        return BAD_USAGE
    sys.stdout.buffer.writelines(_json_lines(events))
    print(orjson.dumps(seen).decode(), file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.datasets", description=__doc__)
    sets = parser.add_subparsers(dest="dataset", required=True)
    cdnow = sets.add_parser("cdnow", help="purchases of an online shop, 1997-98")
    cdnow.add_argument("--part", choices=("sample", "master"), default="sample")
    calls = sets.add_parser("bank_calls", help="calls to the call centre of a bank, 1999")
    calls.add_argument("--month", choices=(*MONTHS, "both"), default="both")
    emails = sets.add_parser("hillstrom", help="a randomised e-mail test, 2008, as CSV")
    emails.add_argument("--outcome", choices=OUTCOMES, default="visit", help="the reward")
    return parser


def _read(chosen: argparse.Namespace) -> tuple[list[dict[str, Any]], Counter[str]]:
    if chosen.dataset == "cdnow":
        orders = cdnow_events(chosen.part)
        return orders, Counter(rows=len(orders), events=len(orders))
    return call_events(MONTHS if chosen.month == "both" else (chosen.month,))


def _json_lines(events: Iterable[dict[str, Any]]) -> Iterable[bytes]:
    return (orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in events)


if __name__ == "__main__":
    sys.exit(main())
