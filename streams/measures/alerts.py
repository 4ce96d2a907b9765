"""Alerts: how many are raised, how they end, and what people think of them."""

from typing import get_args

from touchstream.schemas.emissions.alerts import ClearedBecause
from touchstream.schemas.rules import ALERT_KINDS
from touchstream.schemas.touchpoints.actions import Rating
from touchstream.schemas.units import Millis
from touchstream.streams.measures.metric import OTHER, Dimension, Measure, Metric, Ratio

_KIND = Dimension("kind", (*ALERT_KINDS, OTHER))
"""``other``: the targets."""

METRICS = (
    Metric(
        "alerts_raised", "counter", "alerts", "Alerts raised, by what they are about.", (_KIND,)
    ),
    Metric(
        "alerts_cleared",
        "counter",
        "alerts",
        "Alerts that ended, by what they were about and why.",
        (_KIND, Dimension("why", get_args(ClearedBecause))),
    ),
    Metric(
        "alert_ratings",
        "counter",
        "ratings",
        "Alerts that a person called useful or noise, each once.",
        (_KIND, Dimension("rating", get_args(Rating))),
    ),
)
RATIOS = (
    Ratio(
        "alert_precision",
        "alert_ratings",
        "alert_ratings",
        "Useful alerts as a share of the rated ones.",
        where=("rating", "useful"),
    ),
    Ratio(
        "alerts_rated",
        "alert_ratings",
        "alerts_cleared",
        "Rated alerts as a share of those that ended.",
    ),
)


def alert_raised(kind: str, at_ms: Millis) -> Measure:
    return Measure("alerts_raised", (_shown(kind),), 1, at_ms)


def alert_cleared(kind: str, why: ClearedBecause, at_ms: Millis) -> Measure:
    return Measure("alerts_cleared", (_shown(kind), why), 1, at_ms)


def alert_rated(kind: str, rating: Rating, at_ms: Millis) -> Measure:
    return Measure("alert_ratings", (_shown(kind), rating), 1, at_ms)


def _shown(kind: str) -> str:
    return kind if kind in ALERT_KINDS else OTHER
