"""Survey scores."""

from touchstream.schemas.touchpoints.surveys import SurveyAnswered
from touchstream.schemas.units import Millis
from touchstream.streams.profiles.facts.facts import Changes, Facts, newest
from touchstream.streams.profiles.profile import Answer, Profile

SCORE_MAX = {"nps": 10.0, "csat": 5.0, "ces": 7.0}  # used where the event names no maximum


def _answered(profile: Profile, at_ms: Millis, data: SurveyAnswered) -> Changes:
    best = data.score_max or SCORE_MAX.get(data.kind)
    if data.score is None or not best:
        return {}
    answer = Answer(at_ms, min(1.0, max(0.0, data.score / best)))
    return {"surveys": newest(profile.surveys, data.kind, answer, len(SCORE_MAX) + 1)}


FACTS: Facts = {
    SurveyAnswered: _answered,
}
