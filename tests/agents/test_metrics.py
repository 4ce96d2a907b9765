"""The catalogue is closed, documented, and what a shard counted is shown as it stands."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from touchstream.agents.metrics import CATALOGUE, MetricError, Metrics
from touchstream.agents.shard_metrics import durable_counts
from touchstream.streams.checkpoint import ShardCheckpoint

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"


def exposed(registry: CollectorRegistry) -> dict[str, float]:
    """Sample -> value, without what Prometheus adds on its own."""
    lines = [line for line in generate_latest(registry).decode().splitlines() if line[0] != "#"]
    samples = dict(line.rsplit(" ", 1) for line in lines)
    return {name: float(value) for name, value in samples.items() if "_created" not in name}


def test_docs_and_catalogue_say_the_same() -> None:
    rows = re.findall(
        r"^\| `(touchstream_\w+)` \| (\w+) \| (.+?) \| (.+?) \| (.+) \|$",
        DOCUMENT.read_text(),
        re.MULTILINE,
    )
    assert rows == [
        (entry.name, entry.kind, entry.unit, ", ".join(entry.labels) or "none", entry.description)
        for entry in CATALOGUE
    ]


def test_every_metric_of_the_catalogue_is_exposed() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    text = generate_latest(registry).decode()
    names = set(re.findall(r"^# HELP (\w+) ", text, re.MULTILINE))
    assert {name for name in names if not name.endswith("_created")} == {
        entry.name for entry in CATALOGUE
    }


def test_a_shard_shows_what_it_has_counted() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.show_durable("p3", {("records", "applied"): 41, ("dropped", "too_late"): 2})
    assert {name: n for name, n in exposed(registry).items() if 'shard="p3"' in name} == {
        'touchstream_records_total{outcome="applied",shard="p3"}': 41,
        'touchstream_dropped_total{reason="too_late",shard="p3"}': 2,
    }


def test_a_shard_shows_every_kind_of_odd_event() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    counters = {"late": 1, "late_for_label": 2, "clamped": 3, "with_unknown_fields": 4}
    metrics.show_durable(
        "p3", durable_counts(ShardCheckpoint(counters={**counters, "memory_full": 5}))
    )
    assert {name: n for name, n in exposed(registry).items() if 'shard="p3"' in name} == {
        f'touchstream_odd_events_total{{reason="{reason}",shard="p3"}}': n
        for reason, n in {**counters, "memory_full": 5}.items()
    }


def test_an_unknown_field_is_shown_by_its_type_and_name() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.show_durable("p3", {("unknown_fields", "order.placed", "amout"): 5})
    shown = 'touchstream_unknown_fields_total{field="amout",shard="p3",type="order.placed"}'
    assert exposed(registry)[shown] == 5
    with pytest.raises(MetricError, match="want the labels shard, type, field"):
        metrics.show_durable("p3", {("unknown_fields", "order.placed"): 5})


def test_showing_a_shard_again_replaces_and_does_not_add() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.show_durable("p3", {("records", "applied"): 41})
    metrics.show_durable("p3", {("records", "applied"): 43})
    assert exposed(registry)['touchstream_records_total{outcome="applied",shard="p3"}'] == 43


def test_a_shard_given_away_is_shown_no_more() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    for shard in ("p3", "p4"):
        metrics.show_durable(shard, {("records", "applied"): 41})
        metrics.set("lag_records", 7, shard=shard)
    metrics.forget("p3")
    shown = exposed(registry)
    assert not [name for name in shown if 'shard="p3"' in name]
    assert shown['touchstream_lag_records{shard="p4"}'] == 7
    assert shown['touchstream_records_total{outcome="applied",shard="p4"}'] == 41


def test_a_shard_never_shown_can_be_forgotten() -> None:
    Metrics(CollectorRegistry()).forget("p9")


def test_process_counters_gauges_and_histograms_are_set() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.count("batches")
    metrics.count("fence_refusals", 2)
    metrics.set("parked_partitions", 1)
    metrics.set("model_score", 0.31, model="recency", score="log_loss")
    metrics.observe("commit_seconds", 0.02)
    samples = exposed(registry)
    assert samples["touchstream_batches_total"] == 1
    assert samples["touchstream_fence_refusals_total"] == 2
    assert samples["touchstream_parked_partitions"] == 1
    assert samples['touchstream_model_score{model="recency",score="log_loss"}'] == 0.31
    assert samples['touchstream_commit_seconds_bucket{le="0.01"}'] == 0
    assert samples['touchstream_commit_seconds_bucket{le="0.025"}'] == 1


def test_a_label_value_outside_the_catalogue_is_refused() -> None:
    metrics = Metrics(CollectorRegistry())
    with pytest.raises(MetricError, match="outcome='lost' is not in the catalogue"):
        metrics.show_durable("p3", {("records", "lost"): 1})
    with pytest.raises(MetricError, match="score='elegance' is not in the catalogue"):
        metrics.set("model_score", 0.5, model="churn", score="elegance")


def test_a_target_of_the_settings_has_its_scores_shown() -> None:
    registry = CollectorRegistry()
    Metrics(registry).set("model_score", 0.31, model="repeat_contact", score="brier")
    assert (
        exposed(registry)['touchstream_model_score{model="repeat_contact",score="brier"}'] == 0.31
    )


def test_only_the_version_in_force_is_shown() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.show_info("model_info", [("7", "aa")])
    metrics.show_info("model_info", [("8", "bb")])
    shown = [name for name in exposed(registry) if name.startswith("touchstream_model_info")]
    assert shown == ['touchstream_model_info{digest="bb",version="8"}']


def test_a_missing_label_is_refused() -> None:
    with pytest.raises(MetricError, match="touchstream_lag_records: want the labels shard"):
        Metrics(CollectorRegistry()).set("lag_records", 3)


def test_a_metric_outside_the_catalogue_is_refused() -> None:
    metrics = Metrics(CollectorRegistry())
    with pytest.raises(MetricError, match="touchstream_lost_total: no such durable"):
        metrics.show_durable("p3", {("lost", "applied"): 1})
    with pytest.raises(MetricError, match="touchstream_records_total: no such counter"):
        metrics.count("records")
