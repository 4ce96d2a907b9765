from itertools import islice

from bench.alone import core_alone
from bench.latency import ticket_events, ticket_model
from bench.throughput import PARTITIONS
from bench.workload import first_tick, hand_made_model, world_events
from touchstream.schemas.rules import BandRules, Rules
from touchstream.schemas.units import Millis
from touchstream.streams.context import ServingContext
from touchstream.streams.customer import advance
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.learn.scorer import Scorer
from touchstream.streams.learn.snapshot import CHURN, Version, seal, unseal
from touchstream.streams.records import Record
from touchstream.streams.state import State

NOW = Millis(1_800_000_000_000)


def test_events_lie_where_murmur2_puts_their_customer() -> None:
    pieces = world_events(customers=50, count=400, partitions=8)
    keyed = [piece for piece in pieces if piece.key is not None]
    assert len(pieces) == 400
    assert all(piece.partition == partition_of(piece.key or b"", 8) for piece in keyed)


def test_the_hand_made_model_can_be_published() -> None:
    version = Version(models={CHURN: hand_made_model()})
    assert unseal(seal(version)) == version


def test_the_core_alone_scores_every_customer() -> None:
    _, fetches = core_alone(world_events(20, 200, 4), Rules(), 4)
    shards = {done.shard: done.work.checkpoint for fetch in fetches for done in fetch}
    assert sum(checkpoint.taken for checkpoint in shards.values()) == 200
    assert sum(checkpoint.counters["applied"] for checkpoint in shards.values()) > 150
    assert all(checkpoint.active_config is not None for checkpoint in shards.values())


def test_every_event_of_the_latency_run_emits() -> None:
    rules = Rules(bands=BandRules(cooldown_days=0, high_enter=0.72))
    scorers, watermark_ms = {CHURN: Scorer(ticket_model())}, first_tick(rules).time_ms
    models = ServingContext(rules, rules.digest(), FEATURES, 1, scorers, watermark_ms)
    customers: dict[str, State | None] = {}
    for number, (_, piece) in enumerate(islice(ticket_events(), 6_000)):
        record = Record(number, NOW, piece.key, piece.value)
        arrival = decode(record, Origin(piece.partition, PARTITIONS, None))
        assert isinstance(arrival, Arrival)
        subject = arrival.event.subject
        step = advance(customers.get(subject), arrival, models, NOW)
        customers[subject] = step.state
        assert "churn.risk_changed" in [emission.type for emission in step.emissions]
