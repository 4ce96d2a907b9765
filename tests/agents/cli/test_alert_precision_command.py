"""`touchstream alerts precision`: the tallies of a notifier, from Redis."""

import asyncio
import json
import time
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from bench.services.redis import RedisServer
from tests.agents.cli.command import touchstream
from touchstream.agents.notifier.book import Tally, tally_day
from touchstream.agents.notifier.record import NOTIFIER
from touchstream.agents.stores.base import Holding
from touchstream.agents.stores.redis import connect
from touchstream.schemas.units import DAY_MS, Millis

TALLIES = {
    1: {"churn|support|useful": 3, "churn|support|noise": 1, "churn|support|unrated": 1_000},
    3: {"return|vip|unrated": 2, "churn|support|unrated": 4},
    40: {"churn|support|noise": 9},
}
"""Days ago -> counts."""


@pytest.fixture
def settings(redis_server: RedisServer) -> dict[str, str]:
    return {"NAMESPACE": f"tally-{uuid4().hex[:8]}", "REDIS__URL": redis_server.url}


def tally(settings: dict[str, str]) -> None:
    now_ms = time.time_ns() // 1_000_000
    holdings = []
    for ago, counts in TALLIES.items():
        day = tally_day(Millis(now_ms - ago * DAY_MS))
        holdings.append(Holding(f"tally/{day}", msgspec.json.encode(Tally(day, counts)), 0, {}))

    async def put() -> None:
        store = connect(settings["REDIS__URL"], settings["NAMESPACE"])
        await store.put_holdings(NOTIFIER, holdings)
        await store.close()

    asyncio.run(put())


def test_precision_stands_beside_the_number_and_the_share_of_rated_alerts(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    tally(settings)
    shown = touchstream("alerts", "precision", cwd=tmp_path, settings=settings)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.splitlines() == [
        "kind    queue    ended  rated  share rated  useful  precision",
        "churn   support  1,008      4         0.4%       3      75.0%",
        "return  vip          2      0         0.0%       0    unknown",
        "all              1,010      4         0.4%       3      75.0%",
    ]


def test_programs_read_a_line_a_row_with_null_for_what_is_unknown(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    tally(settings)
    asked = ("alerts", "precision", "--json", "--days", "90")
    shown = touchstream(*asked, cwd=tmp_path, settings=settings)
    assert [json.loads(line) for line in shown.out.splitlines()] == [
        {
            "kind": "churn",
            "queue": "support",
            "ended": 1_017,
            "rated": 13,
            "useful": 3,
            "share_rated": 13 / 1_017,
            "precision": 3 / 13,
        },
        {
            "kind": "return",
            "queue": "vip",
            "ended": 2,
            "rated": 0,
            "useful": 0,
            "share_rated": 0.0,
            "precision": None,
        },
    ]


def test_without_a_notifier_the_command_says_what_is_missing(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    shown = touchstream("alerts", "precision", "--days", "7", cwd=tmp_path, settings=settings)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == (
        f"no alert ended in the last 7 days in namespace {settings['NAMESPACE']!r}, or no notifier "
        "has run (`touchstream up` runs one)\n"
    )
