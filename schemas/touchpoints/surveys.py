"""Surveys: satisfaction, recommendation, effort, profile."""

from typing import Literal

from msgspec import Struct

from touchstream.schemas.touchpoints.fields import Answers, FreeText, Label, Score, ScoreMax

SurveyKind = Literal["csat", "nps", "ces", "profile"]


class SurveySent(Struct, frozen=True, kw_only=True, gc=False):
    """The customer was asked."""

    survey: Label
    """The survey's name."""
    kind: SurveyKind
    """What it measures."""


class SurveyAnswered(Struct, frozen=True, kw_only=True, gc=False):
    """The customer answered."""

    survey: Label
    """The survey's name."""
    kind: SurveyKind
    """What it measures."""
    score: Score | None = None
    """The mark given; higher is better (for ces: easier)."""
    score_max: ScoreMax | None = None
    """The best mark there is: 5 for csat, 10 for nps ..."""
    text: FreeText | None = None
    """The customer's words."""
    answers: Answers | None = None
    """Further answers by question, at most 64."""
