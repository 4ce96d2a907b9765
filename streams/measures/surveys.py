"""Surveys: sent, answered, and their scores."""

from collections.abc import Callable
from typing import Any, get_args

from touchstream.schemas.touchpoints.surveys import SurveyAnswered, SurveyKind, SurveySent
from touchstream.schemas.units import Millis
from touchstream.streams.measures.metric import Dimension, Measure, Metric, Ratio

_KIND = (Dimension("kind", get_args(SurveyKind)),)
NPS_GROUPS = ("promoter", "passive", "detractor")

METRICS = (
    Metric("surveys_sent", "counter", "surveys", "Surveys that customers were asked.", _KIND),
    Metric(
        "surveys_answered",
        "counter",
        "surveys",
        "Surveys that customers answered, with a score or without.",
        _KIND,
    ),
    Metric(
        "survey_score",
        "mean",
        "thousandths of the best mark",
        "Mean score of the answers that give one: 1000 is the best mark of the survey's scale, "
        "0 none of it (csat is out of 5, nps 10, ces 7, unless the event names another maximum).",
        (Dimension("kind", get_args(SurveyKind), adds_up=False),),
    ),
    Metric(
        "nps",
        "mean",
        "points, -100 to 100",
        "Net promoter score: per cent of promoters (9 and 10 of 10) less per cent of detractors "
        "(below 7). Each answer adds 100, 0 or -100.",
        (Dimension("group", NPS_GROUPS),),
    ),
)
RATIOS = (
    Ratio(
        "survey_response",
        "surveys_answered",
        "surveys_sent",
        "Surveys answered in the period, as a share of those sent in it.",
    ),
)

_USUAL_MAXIMUM = {"nps": 10.0, "csat": 5.0, "ces": 7.0}
_THOUSANDTHS = 1_000
_PROMOTER, _PASSIVE = 900, 700  # thousandths: 9 and 7 of 10
_POINTS = {"promoter": 100, "passive": 0, "detractor": -100}


def survey_sent(at_ms: Millis, data: SurveySent) -> tuple[Measure, ...]:
    return (Measure("surveys_sent", (data.kind,), 1, at_ms),)


def survey_answered(at_ms: Millis, data: SurveyAnswered) -> tuple[Measure, ...]:
    answered = Measure("surveys_answered", (data.kind,), 1, at_ms)
    score = _thousandths(data)
    if score is None:
        return (answered,)
    scored = Measure("survey_score", (data.kind,), score, at_ms)
    if data.kind != "nps":
        return answered, scored
    group = _group(score)
    return answered, scored, Measure("nps", (group,), _POINTS[group], at_ms)


def _thousandths(data: SurveyAnswered) -> int | None:
    """The score as a share of the best mark, 0 to 1000; None if either is unknown."""
    best = data.score_max or _USUAL_MAXIMUM.get(data.kind)
    if data.score is None or best is None:
        return None
    return min(_THOUSANDTHS, max(0, round(data.score / best * _THOUSANDTHS)))


def _group(thousandths: int) -> str:
    if thousandths >= _PROMOTER:
        return "promoter"
    return "passive" if thousandths >= _PASSIVE else "detractor"


BY_DATA: dict[type, Callable[[Millis, Any], tuple[Measure, ...]]] = {
    SurveySent: survey_sent,
    SurveyAnswered: survey_answered,
}
"""Type of an event's data -> its measures."""
