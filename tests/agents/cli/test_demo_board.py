"""The demo's table of customers at risk follows the emissions."""

import orjson
from rich.console import Console

from tests.make import moment
from touchstream.agents.cli.demo import Board
from touchstream.schemas.documents.sources import example
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import encode_emission
from touchstream.schemas.units import CustomerId
from touchstream.simulator import World
from touchstream.streams.emit.customer_risk import withdrawn

CUSTOMER = CustomerId("customer-4711")


def crossing(band: str) -> bytes:
    event = example("churn.risk_changed")
    return orjson.dumps({**event, "data": {**event["data"], "band": band}})


def board() -> Board:
    return Board(World(1, 1, 1), Console())


def test_a_rise_shows_the_customer_and_a_fall_hides_them() -> None:
    shown = board()
    shown.on_record("churn-risk", crossing("high"))
    assert list(shown.at_risk) == [CUSTOMER]
    shown.on_record("churn-risk", crossing("low"))
    assert shown.at_risk == {}


def test_a_customer_who_has_left_is_shown_no_more() -> None:
    shown = board()
    shown.on_record("churn-risk", crossing("high"))
    gone = withdrawn(CUSTOMER, Cause(type="web.visit", source="shop", id="1"), moment("d1"))
    shown.on_record("customer-risk", encode_emission(gone, "p0:1"))
    assert shown.at_risk == {}
