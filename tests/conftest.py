"""Fixtures of every test: real servers, and Hypothesis profiles."""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.services import kafka_server, redis_server

__all__ = ["kafka_server", "redis_server"]

settings.register_profile(
    "ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("dev", deadline=None, max_examples=50)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")

INTEGRATION_FIXTURES = {"kafka_server", "own_redis", "redis_server"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that takes a real server as an integration test."""
    for item in items:
        if INTEGRATION_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.integration)
