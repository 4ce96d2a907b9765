"""A customer falls silent; a person hears of it, answers from the command line, and is heard."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from tests.agents.cli.command import touchstream
from tests.integration.deployment import Deployment, Sent, wait_until
from tests.make import days
from tests.story.town import Town
from touchstream.schemas.emissions.alerts import AlertCleared, AlertRaised
from touchstream.schemas.emissions.envelope import decode_emission
from touchstream.schemas.topics import ALERTS_TOPIC

LAST_DAY = 90
RULES: dict[str, Any] = {
    "LEARNING__MINIMUM_EXAMPLES": "100",
    "LEARNING__MINIMUM_OF_EACH": "10",
    "LEARNING__WIDEST": "1",
    "BANDS__MEDIUM_ENTER": "0.6",
    "BANDS__HIGH_ENTER": "0.6",
    "BANDS__HIGH_LEAVE": "0.6",
    "DECIDING__HOLDOUT": "0",
}


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_an_alert_is_raised_listed_answered_and_cleared(
    kafka_server: KafkaServer, redis_server: RedisServer, tmp_path: Path
) -> None:
    with Deployment(kafka_server, redis_server, tmp_path, **RULES) as deployment:
        deployment.wait_started()
        raised = live_until_raised(deployment)
        alert, settings = raised.data.alert, settings_of(deployment)

        listed = touchstream("alerts", "list", "--json", cwd=tmp_path, settings=settings)
        found = {row["alert"]: row for row in map(json.loads, listed.out.splitlines())}
        assert found[alert]["customer"] == "mira"
        assert found[alert]["risk"] == raised.data.risk
        assert found[alert]["reasons"] == [reason.text for reason in raised.data.reasons]
        assert found[alert]["owner"] is None
        assert found[alert]["queue"] == "support"

        done = touchstream("alerts", "done", *found, cwd=tmp_path, settings=settings)
        assert (done.code, done.err) == (0, "")
        assert f"{alert}  mira  resolved: sent\n" in done.out
        wait_until(
            lambda: {one.data.alert for one in cleared(deployment)} >= set(found),
            "the answers to clear the alerts",
            where=deployment.where,
        )
        assert {one.data.why for one in cleared(deployment) if one.data.alert in found} == {
            "resolved"
        }
        after = touchstream("alerts", "list", cwd=tmp_path, settings=settings)
        assert after.code == 0
        assert after.out.startswith("no alert is open (as of tick ")


def live_until_raised(deployment: Deployment) -> Any:  # noqa: ANN401 - an emission that is narrowed
    """The town of the story, day by day; the alert about Mira."""
    town = Town()
    deployment.tick(days(0))
    for day in range(LAST_DAY):
        town.day = day
        deployment.publish([Sent(one.value, one.key, one.received_ms) for one in town.todays()])
        number = deployment.tick(days(day + 1))
        # A tick names the newest version that is known: one of two weeks before is old enough.
        if day % 14 == 0:
            deployment.wait_learnt(number)
    deployment.wait_durable()
    [raised] = [
        one
        for one in alerts(deployment)
        if one.subject == "mira" and isinstance(one.data, AlertRaised)
    ]
    return raised


def alerts(deployment: Deployment) -> Iterator[Any]:
    """Every emission on topic ``alerts``."""
    for records in deployment.read(ALERTS_TOPIC).values():
        yield from (decode_emission(record.value)[0] for record in records)


def cleared(deployment: Deployment) -> list[Any]:
    return [one for one in alerts(deployment) if isinstance(one.data, AlertCleared)]


def settings_of(deployment: Deployment) -> dict[str, str]:
    """The deployment's settings, as an operator's environment has them."""
    return {name.removeprefix("TOUCHSTREAM_"): value for name, value in deployment._changes.items()}
