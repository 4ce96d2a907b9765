"""One case after the other: collect the rows once, judge every model on them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.quality.cases import Case, judged_from
from bench.quality.conclusion import Bound, conclusion
from bench.quality.models import NAMES, TRUE_NAMES, Judged, evaluate, judge_derived
from bench.quality.relation import Departures, departures
from bench.quality.rows import DAILY, Floats, Progress, Rows, collect
from touchstream.agents.settings import TickSettings
from touchstream.streams.learn.snapshot import CHURN

OPEN = "/open"
"""Ends the id of a measurement on open rows."""


class NothingToJudge(ValueError):
    """No row of a case is both judged and matured; says why."""


@dataclass(frozen=True)
class Outcome:
    """The result of one case."""

    case: str
    open: Sequence[Judged]
    """On open rows: of customers not known to have left. Of another target than churn, all."""
    judged: Sequence[Judged]
    """On all rows; empty if all are open."""
    conclusion: Sequence[Bound]
    """On open rows."""

    def rows(self) -> dict[str, Judged]:
        """Permanent id -> what was measured.

        ``cdnow-sample/28d/touchstream/open`` on open rows, without ``/open`` on all rows.
        """
        mark = OPEN if self.judged else ""
        leading = {f"{self.case}/{one.model}{mark}": one for one in self.open}
        return leading | {f"{self.case}/{one.model}": one for one in self.judged}


def run(
    case: Case,
    models: Collection[str] = NAMES,
    ticks: TickSettings = DAILY,
    progress: Progress | None = None,
    *,
    derived: bool = False,
) -> Outcome:
    """Judge the models named on one case, in the order of the table.

    ``derived`` adds batch training on every column that the served model derives; slow.

    Raises
    ------
    NothingToJudge
        If no row scored at the case's first moment or later has its label.
    """
    rows = collect(case.events(), case.rules, ticks, progress, case.target)
    if not len(rows):
        raise NothingToJudge(f"{case.id}: no label has matured; are horizon_days too many?")
    since_ms = judged_from(case, int(rows.matured_ms.min()))
    if not (rows.at_ms >= since_ms).any():
        raise NothingToJudge(f"{case.id}: no row from --from on has its label")
    if case.target != CHURN:
        shown = _judged(rows, since_ms, models)
        shown += judge_derived(rows, since_ms, case.horizon_days) if derived else []
        return Outcome(case.id, shown, [], conclusion(shown, case.least_auc))
    return _churn(case, rows, since_ms, models, derived=derived)


def _churn(
    case: Case, rows: Rows, since_ms: int, models: Collection[str], *, derived: bool
) -> Outcome:
    """Open rows alone, every model trained on them alone; then all rows, trained on all."""
    is_open = rows.open
    wanted = is_open & (rows.at_ms >= since_ms)
    if not wanted.any():
        raise NothingToJudge(f"{case.id}: no row of an open customer has its label")
    some = rows.take(is_open)
    known = {}
    if case.truth is not None and set(TRUE_NAMES) & set(models):
        known = {name: risk[is_open] for name, risk in case.truth(rows, wanted).items()}
    ends = departures(case.events(), case.rules, rows)
    leading = _judged(some, since_ms, models, known, ends)
    shown = _judged(rows, since_ms, models)
    if derived:
        leading += judge_derived(some, since_ms, case.horizon_days)
        shown += judge_derived(rows, since_ms, case.horizon_days)
    return Outcome(case.id, leading, shown, conclusion(leading, case.least_auc))


def _judged(
    rows: Rows,
    since_ms: int,
    models: Collection[str],
    known: Mapping[str, Floats] | None = None,
    ends: Departures | None = None,
) -> list[Judged]:
    found = {one.model: one for one in evaluate(rows, since_ms, models, known, ends)}
    return [found[name] for name in (*NAMES, *TRUE_NAMES) if name in found]


def asked(cases: Iterable[Case], only: Sequence[str]) -> list[tuple[Case, list[str]]]:
    """The cases and models named by ids or their beginnings (``cdnow``, ``cdnow-sample/28d``)."""
    found: list[tuple[Case, list[str]]] = []
    for case in cases:
        names = NAMES if case.truth is None else (*NAMES, *TRUE_NAMES)
        models = [name for name in names if _named(f"{case.id}/{name}", only)]
        if models:
            found.append((case, models))
    return found


def _named(row: str, only: Sequence[str]) -> bool:
    return not only or any(row.startswith(beginning) for beginning in only)
