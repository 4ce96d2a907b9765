"""One case after the other: collect the rows once, judge every model on them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from bench.quality.cases import Case, judged_from
from bench.quality.conclusion import Bound, conclusion
from bench.quality.models import NAMES, Judged, evaluate, judge_derived
from bench.quality.rows import DAILY, Progress, collect
from touchstream.agents.settings import TickSettings


class NothingToJudge(ValueError):
    """No row of a case is both judged and matured; says why."""


@dataclass(frozen=True)
class Outcome:
    """The result of one case."""

    case: str
    judged: Sequence[Judged]
    conclusion: Sequence[Bound]

    def rows(self) -> dict[str, Judged]:
        """Permanent id, such as ``cdnow-sample/28d/touchstream`` -> what was measured."""
        return {f"{self.case}/{one.model}": one for one in self.judged}


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
    found = {one.model: one for one in evaluate(rows, since_ms, models)}
    shown = [found[name] for name in NAMES if name in found]
    if derived:
        shown += judge_derived(rows, since_ms, case.horizon_days)
    return Outcome(case.id, shown, conclusion(shown, case.least_auc))


def asked(cases: Iterable[Case], only: Sequence[str]) -> list[tuple[Case, list[str]]]:
    """The cases and models named by ids or their beginnings (``cdnow``, ``cdnow-sample/28d``)."""
    found: list[tuple[Case, list[str]]] = []
    for case in cases:
        models = [name for name in NAMES if _named(f"{case.id}/{name}", only)]
        if models:
            found.append((case, models))
    return found


def _named(row: str, only: Sequence[str]) -> bool:
    return not only or any(row.startswith(beginning) for beginning in only)
