"""The learner's gauges."""

import msgspec

from touchstream.agents.active_config import LEARNER, about_id
from touchstream.agents.checkpoint import About, Checkpoint
from touchstream.agents.metrics import DurableCounts, Metrics
from touchstream.agents.stores.base import Read, Store
from touchstream.streams.learn.knowledge import Knowledge

SCORES = ("log_loss", "roc_auc", "average_precision", "brier", "ece")


def show_signals(metrics: Metrics, checkpoint: Checkpoint) -> None:
    """Show the signals emitted so far, as the checkpoint counts them."""
    if checkpoint.signals:
        counts: DurableCounts = {("emissions", "customer.signal"): checkpoint.signals}
        metrics.show_durable(LEARNER, counts)


def show_knowledge(metrics: Metrics, knowledge: Knowledge) -> None:
    """Show version, examples and scores of the models."""
    metrics.set("model_version", knowledge.version)
    metrics.set("model_examples", knowledge.churn.model.examples)
    for model, tally in knowledge.tallies().items():
        measures = tally.measures()
        for score in SCORES:
            value = getattr(measures, score)
            if value is not None:
                metrics.set("model_score", value, model=model, score=score)


async def show_version(metrics: Metrics, store: Store, version: int) -> None:
    """Show the digest that the store holds for a version, if it holds one."""
    [[about]] = await store.load([Read(LEARNER, [about_id(version)])])
    if about is not None:
        digest = msgspec.json.decode(about, type=About).digest
        metrics.show_info("model_info", {(str(version), digest)})
