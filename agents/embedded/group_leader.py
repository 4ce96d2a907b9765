"""Workaround for the embedded broker's race in groups of several members.

librdkafka's mock counts assignments instead of SyncGroup requests: when the leader's request comes
first, the group is complete for it, and a follower's request is answered with InvalidRequest, which
ends an aiokafka consumer (seen with confluent-kafka 2.16.1 and aiokafka 0.14.0; two members, nearly
every time).
"""

import asyncio
from typing import Any

from aiokafka.consumer.group_coordinator import CoordinatorGroupRebalance

FOLLOWERS_FIRST_S = 0.3
"""A follower needs one round trip on this machine; a busy machine needs some patience."""

_lead = CoordinatorGroupRebalance._on_join_leader


async def _lead_patiently(rebalance: Any, response: Any) -> bytes | None:  # noqa: ANN401
    await asyncio.sleep(FOLLOWERS_FIRST_S)
    assignment: bytes | None = await _lead(rebalance, response)
    return assignment


def let_followers_sync_first() -> None:
    """Make every aiokafka consumer of this process wait before it hands out a group's assignment.

    For the embedded broker only; a real one needs no workaround. Safe to repeat.
    """
    CoordinatorGroupRebalance._on_join_leader = _lead_patiently
