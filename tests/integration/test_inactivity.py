"""Silence alone makes a customer a risk: ticks re-score one who sends nothing any more."""

from pathlib import Path
from typing import Any

import pytest

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from tests.integration.deployment import Deployment, Sent
from tests.make import days
from tests.story.town import MIRA_FALLS_SILENT, RULES, Town
from touchstream.schemas.emissions.envelope import decode_emission
from touchstream.schemas.emissions.risk import RiskChanged
from touchstream.schemas.registry import TICK_TYPE
from touchstream.schemas.topics import CHURN_RISK_TOPIC


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_customer_who_simply_stops_crosses_into_high_at_a_tick(
    kafka_server: KafkaServer, redis_server: RedisServer, tmp_path: Path
) -> None:
    """The town of the story, day by day, through Kafka, worker, Redis and learner."""
    town = Town()
    rules: dict[str, Any] = {
        "LEARNING__MINIMUM_EXAMPLES": "100",
        "LEARNING__MINIMUM_OF_EACH": "10",
        "LEARNING__WIDEST": "1",
        "BANDS__MEDIUM_ENTER": "0.6",
        "BANDS__HIGH_ENTER": "0.6",
        "BANDS__HIGH_LEAVE": "0.6",
    }
    with Deployment(kafka_server, redis_server, tmp_path, **rules) as deployment:
        assert deployment.settings.rules == RULES
        deployment.wait_started()
        deployment.tick(days(0))
        for day in range(90):
            town.day = day
            deployment.publish([Sent(r.value, r.key, r.received_ms) for r in town.todays()])
            deployment.wait_learnt(deployment.tick(days(day + 1)))
        deployment.wait_durable()
        output = deployment.read(CHURN_RISK_TOPIC)
    shown = [decode_emission(one.value)[0] for records in output.values() for one in records]
    [crossing] = [one for one in shown if one.subject == "mira"]
    assert isinstance(crossing.data, RiskChanged)
    assert crossing.data.band == "high"
    assert crossing.data.cause.type == TICK_TYPE
    assert crossing.time_ms == days(84)
    assert crossing.time_ms > days(MIRA_FALLS_SILENT)
