"""Quality of the risks: ``python -m bench.quality [--only ID ...] [--check | --update]``.

Every model is judged on the same rows in the same run: the served one by its predictions at the
time, the others by predictions that use no label before it was known. An id is
dataset/target/model. Label 1 is churn (no sign of life), or another target's event.

Churn is judged on open rows first: of customers whose relation is not over, every model trained on
these rows alone. Beside the measures stand the calibration of groups, and ``warned@capacity``: the
share of leavers who were warned in time, at one alarm a day for every hundred open customers.

Measures: AUC, average precision of either label, log loss (nats), Brier score, ECE (ten bins), CPU
seconds (touchstream: the whole core over all events; the others: fitting and predicting alone).
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson

from bench.datasets.folder import DataMissing
from bench.quality import tolerances
from bench.quality.cases import Case, cases, day
from bench.quality.measures import Measures
from bench.quality.models import Judged
from bench.quality.open_rows import FEWEST_IN_BIN, SHARE_PER_DAY
from bench.quality.rows import DAILY, Progress
from bench.quality.run import NothingToJudge, Outcome, asked, run
from touchstream.agents.history.inputs import InputError
from touchstream.agents.history.lines import LinesError
from touchstream.agents.history.reading import opened_history
from touchstream.agents.settings import Settings, SettingsError, TickSettings
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import DAY_MS, Millis

OFF_RECORD = 1
BAD_USAGE = 2
TOLD_EVERY_DAYS = 28


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 if ``--check`` finds a miss, 2 for input that cannot be read or judged."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        todo, ticks = _todo(chosen)
    except SettingsError as wrong:
        parser.error(str(wrong))
    if not todo:
        parser.error(f"--only {' '.join(chosen.only)}: want {', '.join(c.id for c in cases())}")
    outcomes: list[Outcome] = []
    for case, models in todo:
        try:
            outcomes.append(run(case, models, ticks, _progress(case.id), derived=chosen.derived))
        except (DataMissing, InputError, LinesError, NothingToJudge) as wrong:
            print(wrong, file=sys.stderr)
            continue
        _tell_json(outcomes[-1]) if chosen.json else _report(outcomes[-1])
    return _against_record(chosen, outcomes) or (BAD_USAGE if len(outcomes) < len(todo) else 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.quality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="ids, or beginnings")
    parser.add_argument(
        "--derived",
        action="store_true",
        help="batch training on the columns that the served model derives, too (slow)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    record = parser.add_mutually_exclusive_group()
    record.add_argument("--check", action="store_true", help="compare with the record; 1 if off")
    record.add_argument("--update", action="store_true", help="write what was found to the record")
    own = parser.add_argument_group("events of your own")
    own.add_argument("--events", type=Path, metavar="FILE", help="CloudEvents, JSONL or JSONL.gz")
    own.add_argument("--config", type=Path, metavar="FILE", help="a touchstream.toml")
    own.add_argument(
        "--from",
        dest="since",
        type=day,
        metavar="DAY",
        help="judge from this day on, such as 1997-10-01 (four weeks after the first label)",
    )
    return parser


def _todo(chosen: argparse.Namespace) -> tuple[list[tuple[Case, list[str]]], TickSettings]:
    if chosen.events is None:
        return asked(cases(), chosen.only), DAILY
    settings = Settings.load(chosen.config)
    return asked(
        own_cases(chosen.events, settings.rules, chosen.since), chosen.only
    ), settings.ticks


def own_cases(file: Path, rules: Rules, since_ms: Millis | None) -> list[Case]:
    """A file's cases, named after it: churn within its horizon, then every other target."""
    name = file.name.partition(".")[0]
    churn = Case(f"{name}/{rules.churn.horizon_days}d", rules, lambda: _lines(file), since_ms)
    others = [target.name for target in rules.targets]
    return [churn, *(churn._replace(id=f"{name}/{target}", target=target) for target in others)]


def _lines(file: Path) -> Iterator[bytes]:
    with opened_history([file]) as history:
        yield from (line.value for line in history.lines())


def _progress(case: str) -> Progress:
    """A line now and then on stderr: the master takes minutes."""

    def tell(at_ms: Millis, rows: int) -> None:
        if at_ms // DAY_MS % TOLD_EVERY_DAYS == 0:
            date = f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}"
            print(f"{case}: {date}, {rows:,} rows", file=sys.stderr, flush=True)

    return tell


def _report(outcome: Outcome) -> None:
    if outcome.judged:
        print("open rows: customers not known to have left")
    _table(outcome.case, outcome.open)
    for bound in outcome.conclusion:
        print(f"  {bound}")
    for one in outcome.open:
        _tell_open(one)
    if outcome.judged:
        print("all rows, those of customers who had left included: easy, and no sign of quality")
        _table(outcome.case, outcome.judged)
    print(flush=True)


def _table(case: str, judged: Sequence[Judged]) -> None:
    width = max(len(f"{case}/{one.model}") for one in judged)
    columns = [*Measures._fields, "seconds"]
    print(f"{'id':{width}}" + "".join(f"{name:>12}" for name in columns))
    for one in judged:
        cells = [_cell(value) for value in one.measures] + [f"{one.seconds:.1f}"]
        print(f"{case + '/' + one.model:{width}}" + "".join(f"{cell:>12}" for cell in cells))


def _tell_open(one: Judged) -> None:
    """Alarms at the capacity, and calibration by group."""
    if one.warned is None:
        return
    facts = [f"{name} {_cell(value)}" for name, value in one.warned._asdict().items()]
    print(f"  {one.model} at {SHARE_PER_DAY:.0%} of open customers a day: {', '.join(facts)}")
    parts = [
        f"{part.name} {_cell(part.ece)} (worst bin {_cell(part.worst)})" for part in one.groups
    ]
    print(f"    ece in bins of {FEWEST_IN_BIN} rows or more: {', '.join(parts)}")


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _tell_json(outcome: Outcome) -> None:
    for row, one in outcome.rows().items():
        groups = {"groups": [part._asdict() for part in one.groups]} if one.groups else {}
        found = {"id": row, **one.numbers(), "seconds": round(one.seconds, 2), **groups}
        print(orjson.dumps(found).decode())
    if outcome.conclusion:
        bounds = [bound._asdict() for bound in outcome.conclusion]
        print(orjson.dumps({"id": outcome.case, "verdict": bounds}).decode(), flush=True)


def _against_record(chosen: argparse.Namespace, outcomes: Sequence[Outcome]) -> int:
    found = {row: one.numbers() for done in outcomes for row, one in done.rows().items()}
    record = tolerances.load(tolerances.FILE)
    if chosen.update:
        tolerances.save(tolerances.updated(found, record), tolerances.FILE)
    shown = tolerances.misses(found, record) if chosen.check else []
    for line in shown:
        print(line, file=sys.stderr)
    return OFF_RECORD if shown else 0


if __name__ == "__main__":
    sys.exit(main())
