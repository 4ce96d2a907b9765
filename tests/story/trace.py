"""One event followed through every stage; :mod:`tests.pages` writes it in docs/walkthrough.md."""

from functools import cache
from typing import Any

import orjson

from tests.make import record
from tests.story.town import COMES_BACK, RULES, town_on
from touchstream.agents.state_view import as_json
from touchstream.schemas.topics import CHURN_RISK_TOPIC
from touchstream.streams.context import ServingContext
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.learn.ledger import is_activity
from touchstream.streams.profiles.fold import fold
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.read import churn_of
from touchstream.streams.scoring import Scored, score
from touchstream.streams.state import State

SHOWN_FEATURES = ("silence_days", "gap_usual", "activity_week", "web_month")
SHOWN_FIELDS = ("last_seen", "activity", "families")


@cache
def stops() -> dict[str, Any]:
    """Stop -> what is there, ready for JSON."""
    town = town_on(97)
    shard = town.stream.shards[0]
    models = town.stream.models(shard.checkpoint)
    published = record(COMES_BACK)
    arrival = decode(published, Origin(partition=0, partitions=1, tick_secret=None))
    before = town.state("mira")
    assert isinstance(arrival, Arrival)
    assert before is not None
    assert before.profile is not None
    after = fold(before.profile, arrival.event, is_activity(arrival.event, True, RULES.churn))
    scored_before, scored = score(before.profile, models), score(after, models)
    assert scored_before is not None
    assert scored is not None
    town.stream.feed(0, [published])
    [emitted] = [entry.event for entry in shard.outbox if entry.topic == CHURN_RISK_TOPIC]
    return {
        "published": orjson.loads(published.value),
        "arrival": _arrival(arrival),
        "profile-before": _profile(before.profile),
        "profile-after": _profile(after),
        "features-before": _features(scored_before, models),
        "features-after": _features(scored, models),
        "risk": {
            "before": churn_of(before).risk,
            "after": scored.risk,
            "model_version": models.version,
        },
        "emitted": orjson.loads(emitted),
    }


def _arrival(arrival: Arrival) -> dict[str, object]:
    return {
        "identity": f"{arrival.identity:016x}",
        "content": f"{arrival.content:016x}",
        "clamped": arrival.clamped,
        "unknown_fields": arrival.unknown_fields,
    }


def _profile(profile: Profile) -> dict[str, object]:
    whole = as_json("mira", State(profile=profile))["profile"]
    return {name: _rounded(whole[name]) for name in SHOWN_FIELDS}


def _features(scored: Scored, models: ServingContext) -> dict[str, float]:
    values = dict(zip(FEATURES.names, models.features.unpack(scored.vector), strict=True))
    return {name: round(values[name], 4) for name in SHOWN_FEATURES}


def _rounded(value: Any) -> Any:  # noqa: ANN401 - any part of a profile
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return round(value, 4) if isinstance(value, float) else value
