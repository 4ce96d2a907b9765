"""The ranking of leavers and stayers by the served risk, against the best possible one."""

from collections.abc import Sequence

from bench.validity.finding import Finding
from bench.validity.life import Row
from bench.validity.measures import auc, share_of_the_way
from touchstream.simulator import Outlook

WAY = 0.95
"""Goal: share of the way from chance to the best."""


def ranking(rows: Sequence[Row], observed: Sequence[Outlook]) -> Finding:
    """ROC AUC of the served risk, of the best possible model, and of the oracle.

    Judged twice on the same rows: by the ledger's label, against P(label), and by actual departure,
    against P(leaves). The model learns the label, so the label decides. ``observed`` is the best
    possible prediction from touchpoints alone; the oracle, which reads the hidden state, is
    reported beside it. Only open rows are ranked; ``present_...`` are those of them whose customer
    had in truth not left, and ``all_...`` are all rows.

    Parameters
    ----------
    observed
        Of each row that is open, in their order.
    """
    judged = [row for row in rows if row.open]
    labels, left = [row.example.label for row in judged], [int(row.left) for row in judged]
    served = [row.example.probability for row in judged]
    by_ledger = _compared(
        labels,
        served,
        [outlook.labelled for outlook in observed],
        [row.oracle.labelled for row in judged],
    )
    by_truth = _compared(
        left,
        served,
        [outlook.leaves for outlook in observed],
        [row.oracle.leaves for row in judged],
    )
    return Finding(
        "ranking",
        met=by_ledger["of_observer"] >= WAY,
        wanted=f">= {WAY} of the way from 0.5 to the AUC of the best possible model",
        numbers={
            "rows": len(judged),
            "churned": sum(labels),
            "left": sum(left),
            **{f"ledger_{name}": value for name, value in by_ledger.items()},
            **{f"truth_{name}": value for name, value in by_truth.items()},
            **{f"present_{name}": value for name, value in _of_present(judged, observed).items()},
            "all_rows": len(rows),
            "all_auc": _auc(rows),
        },
    )


def _of_present(judged: Sequence[Row], observed: Sequence[Outlook]) -> dict[str, float]:
    both = [(row, outlook) for row, outlook in zip(judged, observed, strict=True) if row.present]
    return _compared(
        [row.example.label for row, _ in both],
        [row.example.probability for row, _ in both],
        [outlook.labelled for _, outlook in both],
        [row.oracle.labelled for row, _ in both],
    )


def _auc(rows: Sequence[Row]) -> float:
    return auc([row.example.probability for row in rows], [row.example.label for row in rows])


def _compared(
    labels: Sequence[int],
    served: Sequence[float],
    observer: Sequence[float],
    oracle: Sequence[float],
) -> dict[str, float]:
    achieved, best, all_seeing = (auc(scores, labels) for scores in (served, observer, oracle))
    return {
        "auc": achieved,
        "observer": best,
        "oracle": all_seeing,
        "of_observer": share_of_the_way(achieved, best),
        "of_oracle": share_of_the_way(achieved, all_seeing),
        "observer_of_oracle": share_of_the_way(best, all_seeing),
    }
