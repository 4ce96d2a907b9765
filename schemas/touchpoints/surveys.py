"""Surveys: satisfaction, recommendation, effort, profile."""

from typing import Literal

from msgspec import Struct

from touchstream.schemas.touchpoints.fields import Answers, FreeText, Label, Score, ScoreMax

SurveyKind = Literal["csat", "nps", "ces", "profile"]


class SurveySent(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The customer was asked."""

    survey: Label
    """The survey's name."""
    kind: SurveyKind
    """Kind of survey."""


class SurveyAnswered(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The customer answered."""

    survey: Label
    """The survey's name."""
    kind: SurveyKind
    """Kind of survey."""
    score: Score | None = None
    """The score given; higher is better (for ces: easier)."""
    score_max: ScoreMax | None = None
    """The best possible score: 5 for csat, 10 for nps ..."""
    text: FreeText | None = None
    """The customer's words."""
    answers: Answers | None = None
    """Further answers by question, at most 64."""
