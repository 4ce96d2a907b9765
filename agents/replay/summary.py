"""The summary of a replay: its counts, every model beside both baselines, and the alarms.

Churn's measures are of open customers. Beside them stand those of all customers together, marked.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from touchstream.agents.checkpoint import Checkpoint
from touchstream.agents.replay.collector import score_files
from touchstream.agents.report.alarms import read_told, worth
from touchstream.agents.report.scores import read_rows
from touchstream.schemas.rules import Rules
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.intake.misspelt import misspelt_in
from touchstream.streams.intake.unknown_fields import unknown_fields_in
from touchstream.streams.learn.progress import Measures
from touchstream.streams.learn.snapshot import CHURN
from touchstream.streams.outcome import Oddity

OUTCOMES = ("applied", "duplicate", "dead", "dropped")


def summary(
    checkpoints: Sequence[ShardCheckpoint],
    checkpoint: Checkpoint | None,
    *,
    seconds: float,
    ticks: int,
    customers: int,
    emissions: Mapping[str, int],
    alarms: Mapping[str, object] | None,
) -> dict[str, object]:
    """The content of ``summary.json``."""
    counters = added(checkpoints)
    records = by_outcome(checkpoints)
    models = None if checkpoint is None else model_measures(checkpoint)
    return {
        "records": records,
        "dropped_by_reason": _by_reason(counters, "dropped."),
        "unknown_types": [*map(str, misspelt_in(each.misspelt_types for each in checkpoints))],
        "dead_by_reason": _by_reason(counters, "dead."),
        "odd_events": {name: counters.get(name, 0) for name in get_args(Oddity)},
        "unknown_fields": [found._asdict() for found in unknown_fields_in(counters)],
        "outcome_faults": _by_reason(counters, "outcome."),
        "customers": customers,
        "ticks": ticks,
        "emissions": dict(emissions),
        "alarms": alarms,
        "models": models,
        "all_customers": None if checkpoint is None else all_customers(checkpoint),
        "model_beats_recency": None if models is None else beats_recency(models),
        "served": None if checkpoint is None else served_names(checkpoint),
        "reliability": None if checkpoint is None else reliability(checkpoint),
        "treatment": None if checkpoint is None else treatment(checkpoint),
        "seconds": round(seconds, 3),
        "events_per_second": round(records["in"] / seconds, 1) if seconds else None,
    }


def by_outcome(checkpoints: Sequence[ShardCheckpoint]) -> dict[str, int]:
    """The records of all shards together, and how many of them came to what."""
    counters = added(checkpoints)
    records = {"in": sum(checkpoint.taken for checkpoint in checkpoints)}
    return records | {outcome: counters.get(outcome, 0) for outcome in OUTCOMES}


def added(checkpoints: Sequence[ShardCheckpoint]) -> dict[str, int]:
    """The counters of all shards together."""
    total: dict[str, int] = {}
    for checkpoint in checkpoints:
        for name, count in checkpoint.counters.items():
            total[name] = total.get(name, 0) + count
    return total


def model_measures(checkpoint: Checkpoint) -> dict[str, dict[str, float | None]]:
    """Progressive measures of the model and of both baselines, on the same labels."""
    tallies = checkpoint.knowledge.tallies()
    return {name: _rounded(tally.measures()) for name, tally in tallies.items()}


def all_customers(checkpoint: Checkpoint) -> dict[str, str | float | None]:
    """Measures over open customers and those who had left, with a note that they flatter."""
    knowledge = checkpoint.knowledge
    together = knowledge.tally_of_everybody()
    gone = together.n - knowledge.churn.model_tally.n
    note = (
        f"flattered: {gone:,} of {together.n:,} labels are of customers who had left already and "
        "count as churn unless they came back"
    )
    return {"note": note, **_rounded(together.measures())}


def served_names(checkpoint: Checkpoint) -> dict[str, str]:
    """The model served for each target at the end."""
    return {
        name: "recency" if learnt.fallen_back else learnt.name
        for name, learnt in checkpoint.knowledge.targets.items()
    }


def treatment(checkpoint: Checkpoint) -> dict[str, dict[str, float | None]]:
    """Churn rate and mean predicted risk of treated and untreated customers."""
    done = checkpoint.knowledge.churn.treatment
    groups = {
        "untreated": (done.untreated, done.untreated_churned, done.untreated_risk),
        "treated": (done.treated, done.treated_churned, done.treated_risk),
    }
    return {
        name: {
            "n": n,
            "churned": round(churned / n, 5) if n else None,
            "mean_risk": round(risk / n, 5) if n else None,
        }
        for name, (n, churned, risk) in groups.items()
    }


def reliability(checkpoint: Checkpoint) -> list[dict[str, float]]:
    """Mean predicted risk and churn rate in ten bins of risk."""
    tally = checkpoint.knowledge.churn.model_tally
    rows = zip(tally.n_by_tenth, tally.risk_by_tenth, tally.churned_by_tenth, strict=True)
    return [
        {"n": n, "mean_risk": round(risk / n, 5), "churned": round(churned / n, 5)}
        for n, risk, churned in rows
        if n
    ]


def alarms_summary(folder: Path, rules: Rules) -> dict[str, object] | None:
    """What the alarms in the outputs of a replay were worth; None if nobody entered a band."""
    index: dict[str, int] = {}
    rows = read_rows(folder / score_files([])[CHURN], index)
    found = worth(read_told(folder, index, rules.churn.horizon_days), rows, rules)
    if found is None:
        return None
    judged = found.found
    return {
        "from": found.first_day.isoformat(),
        "until": found.last_day.isoformat(),
        "capacity_per_day": _round(found.capacity),
        "alarms": judged.alarms,
        "alarms_per_day": _round(judged.alarms_per_day),
        "after_the_end": found.after_end,
        "precision": _round(judged.precision),
        "outcome_not_known": found.open,
        "leavers": judged.leavers,
        "warned": found.leavers_warned,
        "warned_share": _round(judged.warned),
        "median_days_before": _round(judged.lead_days),
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


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
