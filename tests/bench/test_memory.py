from pathlib import Path

import pytest

from bench.memory import FULL_ROWS, MOST_BYTES, full_states, redis_bytes
from bench.services.redis import RedisServer
from tests.services import require
from touchstream.streams.projections.read import churn_of
from touchstream.streams.state import decode


@pytest.fixture
def own_redis(tmp_path: Path) -> RedisServer:
    require("redis")
    return RedisServer(tmp_path)


def test_a_customer_with_a_full_ledger_takes_at_most_a_kibibyte(
    own_redis: RedisServer,
) -> None:
    kept = full_states(customers=400, days=36)
    assert {len(churn_of(decode(one.state)).ledger) for one in kept.values()} == {FULL_ROWS}
    with own_redis:
        used = redis_bytes(own_redis, kept)
    assert 900 < used / len(kept) <= MOST_BYTES
