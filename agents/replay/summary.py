"""The summary of a replay: counts that add up, and every model beside both baselines."""

from collections.abc import Mapping, Sequence

from agents.post import Post
from streams.learn.progress import Measures
from streams.shard import Standing

OUTCOMES = ("applied", "duplicate", "dead", "dropped")


def summary(
    standings: Sequence[Standing],
    post: Post | None,
    *,
    seconds: float,
    ticks: int,
    customers: int,
    emissions: Mapping[str, int],
) -> dict[str, object]:
    """Everything that ``summary.json`` has."""
    counters = added(standings)
    records = {"in": sum(standing.taken for standing in standings)}
    records |= {outcome: counters.get(outcome, 0) for outcome in OUTCOMES}
    models = None if post is None else model_measures(post)
    return {
        "records": records,
        "dropped_by_reason": _by_reason(counters, "dropped."),
        "dead_by_reason": _by_reason(counters, "dead."),
        "customers": customers,
        "ticks": ticks,
        "emissions": dict(emissions),
        "models": models,
        "model_beats_recency": None if models is None else beats_recency(models),
        "seconds": round(seconds, 3),
        "events_per_second": round(records["in"] / seconds, 1) if seconds else None,
    }


def added(standings: Sequence[Standing]) -> dict[str, int]:
    """The counters of all shards together."""
    total: dict[str, int] = {}
    for standing in standings:
        for name, count in standing.counters.items():
            total[name] = total.get(name, 0) + count
    return total


def model_measures(post: Post) -> dict[str, dict[str, float | None]]:
    """Progressive measures of the model and of both baselines, on the same labels."""
    knowledge = post.knowledge
    tallies = {
        "churn": knowledge.model_tally,
        "base_rate": knowledge.base_rate_tally,
        "recency": knowledge.recency_tally,
    }
    return {name: _rounded(tally.measures()) for name, tally in tallies.items()}


def beats_recency(models: Mapping[str, Mapping[str, float | None]]) -> bool | None:
    """Whether the model's log loss is below that of recency alone; None before any label."""
    model, recency = models["churn"]["log_loss"], models["recency"]["log_loss"]
    return None if model is None or recency is None else model < recency


def _rounded(measures: Measures) -> dict[str, float | None]:
    return {
        name: value if value is None or isinstance(value, int) else round(value, 5)
        for name, value in measures._asdict().items()
    }


def _by_reason(counters: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {
        name.removeprefix(prefix): count
        for name, count in sorted(counters.items())
        if name.startswith(prefix)
    }
