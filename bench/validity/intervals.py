"""Coverage of the 90 % intervals."""

from collections.abc import Sequence

import numpy as np

from bench.validity.finding import Finding
from bench.validity.life import Life, Row
from bench.validity.measures import coverage
from touchstream.simulator import Outlook

NOMINAL = 0.90
ALLOWED = 0.03
ALIKE = 100
"""Groups of similar risk, in which variation between customers averages out."""


def intervals(life: Life, rows: Sequence[Row], observed: Sequence[Outlook]) -> Finding:
    """Share of intervals that held the truth, over the open rows.

    There are three truths. The best possible prediction from touchpoints (``observer``) decides.
    The customer's own probability, given the hidden state (``own``), is reported beside it. No
    interval can promise to hold that one: a world in which it equals the observer's for every
    customer, and one in which it is 0 or 1, send the same touchpoints and labels. The mean of
    ``own`` over rows of similar risk (``alike``) lies closest.

    Parameters
    ----------
    observed
        Of each row that is open, in their order.
    """
    judged = [row for row in rows if row.open]
    bounds = [life.score(row, row.example.model_version).interval() for row in judged]
    low, high = [bound[0] for bound in bounds], [bound[1] for bound in bounds]
    served = [row.example.probability for row in judged]
    own = [row.oracle.labelled for row in judged]
    held = coverage(low, high, [outlook.labelled for outlook in observed])
    return Finding(
        "intervals",
        met=abs(held - NOMINAL) <= ALLOWED,
        wanted=f"coverage of the best possible model's probability {NOMINAL} +- {ALLOWED}",
        numbers={
            "rows": len(judged),
            "observer": held,
            "own": coverage(low, high, own),
            "own_below": sum(p < bound for p, bound in zip(own, low, strict=True)) / len(own),
            "alike": coverage(low, high, mean_of_alike(served, own)),
            "mean_low": sum(low) / len(low),
            "mean_served": sum(served) / len(served),
            "mean_high": sum(high) / len(high),
            "mean_true": sum(own) / len(own),
        },
    )


def mean_of_alike(
    risks: Sequence[float], truth: Sequence[float], groups: int = ALIKE
) -> list[float]:
    """For each row the mean truth among rows of similar risk: ``groups`` of equal size, by rank."""
    means = np.empty(len(truth))
    for group in np.array_split(np.argsort(risks, kind="stable"), groups):
        if len(group):
            means[group] = np.asarray(truth)[group].mean()
    found: list[float] = means.tolist()
    return found
