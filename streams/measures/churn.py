"""Churn: entries into each band, and the labels of scored customers."""

from typing import get_args

from touchstream.schemas.emissions.relation import Relation
from touchstream.schemas.rules import Band
from touchstream.schemas.units import Millis
from touchstream.streams.measures.metric import Dimension, Measure, Metric, Ratio

METRICS = (
    Metric(
        "band_entries",
        "counter",
        "entries",
        "Customers who entered a risk band, every time; the first band counts too.",
        (Dimension("band", get_args(Band)),),
    ),
    Metric(
        "relation_changes",
        "counter",
        "changes",
        "Customers whose relation ended, lapsed or came back, every time.",
        (Dimension("relation", get_args(Relation)),),
    ),
    Metric(
        "churn_labels",
        "counter",
        "labels",
        "Customers whose churn label became final on that day, by label and by whether an action "
        "reached them in the window. One customer has a label for every snapshot.",
        (Dimension("outcome", ("churned", "kept")), Dimension("treated", ("yes", "no"))),
    ),
)
RATIOS = (
    Ratio(
        "churn_rate",
        "churn_labels",
        "churn_labels",
        "Churned customers as a share of those whose label became final.",
        where=("outcome", "churned"),
    ),
)


def band_entered(before: Band | None, after: Band | None, at_ms: Millis) -> tuple[Measure, ...]:
    """The measure of a change of band; none if it is unchanged. ``at_ms`` is the step's time.

    >>> band_entered("low", "high", Millis(0))[0].dimensions, band_entered("low", "low", Millis(0))
    (('high',), ())
    """
    if after is None or after == before:
        return ()
    return (Measure("band_entries", (after,), 1, at_ms),)


def relation_entered(relation: Relation, at_ms: Millis) -> Measure:
    """The measure of a change of the relation; ``at_ms`` is the step's time."""
    return Measure("relation_changes", (relation,), 1, at_ms)


def label_matured(label: int, *, treated: bool, matured_ms: Millis) -> Measure:
    """The measure of a churn label (1 churned, 0 kept) that became final at ``matured_ms``."""
    outcome = "churned" if label else "kept"
    return Measure("churn_labels", (outcome, "yes" if treated else "no"), 1, matured_ms)
