from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from bench.datasets.__main__ import main
from bench.datasets.bank_calls import MONTHS, call_events
from bench.datasets.cdnow import Part, cdnow_events
from bench.datasets.folder import FOLDER_VARIABLE, DataMissing, data_folder
from touchstream.schemas.envelope import decode_data, parse_time


def require(*names: str) -> None:
    for name in names:
        if not (data_folder() / name).is_file():
            pytest.skip(f"{data_folder() / name} is missing; set {FOLDER_VARIABLE}")


@cache
def cdnow(part: Part) -> list[dict[str, Any]]:
    require(f"cdnow/CDNOW_{part}.txt.gz")
    return cdnow_events(part)


@cache
def bank_calls() -> tuple[list[dict[str, Any]], Counter[str]]:
    require("bank_calls/january.txt.gz", "bank_calls/february.txt.gz")
    return call_events(MONTHS)


def call(events: Sequence[dict[str, Any]], number: str) -> dict[str, Any]:
    return next(event for event in events if event["data"]["call"] == number)


def amount_minor(events: Sequence[dict[str, Any]]) -> int:
    return sum(event["data"]["amount_minor"] for event in events)


def test_the_sample_has_6919_orders_of_2357_customers_worth_244091_dollars_94() -> None:
    orders = cdnow("sample")
    assert len(orders) == 6_919
    assert len({order["subject"] for order in orders}) == 2_357
    assert amount_minor(orders) == 24_409_194


def test_the_master_has_69659_orders_of_23570_customers_worth_2500315_dollars_63() -> None:
    orders = cdnow("master")
    assert len(orders) == 69_659
    assert len({order["subject"] for order in orders}) == 23_570
    assert amount_minor(orders) == 250_031_563


def test_the_first_row_of_the_sample_is_this_event() -> None:
    assert cdnow("sample")[0] == {
        "specversion": "1.0",
        "id": "sample-1",
        "source": "cdnow",
        "type": "order.placed",
        "subject": "00004",
        "time": "1997-01-01T12:00:00Z",
        "data": {
            "order": "sample-1",
            "amount_minor": 2933,
            "currency": "USD",
            "channel": "online",
            "items": [{"sku": "cd", "quantity": 2}],
        },
    }


def test_orders_without_cost_are_kept() -> None:
    assert sum(order["data"]["amount_minor"] == 0 for order in cdnow("master")) == 80


def test_a_customer_of_the_sample_is_the_one_of_the_master() -> None:
    def bought(part: Part) -> list[tuple[str, int]]:
        orders = (order for order in cdnow(part) if order["subject"] == "00004")
        return [(order["time"], order["data"]["amount_minor"]) for order in orders]

    assert bought("sample") == bought("master")
    assert len(bought("sample")) == 4


def test_every_row_of_the_calls_is_a_call_or_counted_as_left_out() -> None:
    events, seen = bank_calls()
    assert len(events) == 27_165
    assert seen == {
        "rows": 64_943,
        "events": 27_165,
        "unknown_customer": 37_733,
        "rounded_customer": 45,
        "past_midnight": 12,
        "clock_set_back": 58,
        "agent_without_service": 47,
        "service_without_agent": 531,
    }


def test_a_call_ends_when_the_agent_is_through() -> None:
    assert call(bank_calls()[0], "AA0101-33118") == {
        "specversion": "1.0",
        "id": "january-3",
        "source": "bank-calls",
        "type": "call.ended",
        "subject": "27997683",
        "time": "1999-01-01T06:56:37Z",
        "data": {
            "call": "AA0101-33118",
            "direction": "inbound",
            "duration_s": 54,
            "queue_s": 17,
            "topic": "PS",
            "outcome": "agent",
        },
    }


def test_a_call_given_up_in_the_queue_ends_there() -> None:
    events, _ = bank_calls()
    assert call(events, "AA0101-33116")["time"] == "1999-01-01T00:03:09Z"


def test_a_call_over_midnight_ends_on_the_next_day() -> None:
    events, _ = bank_calls()
    assert call(events, "AA0103-24076")["time"] == "1999-01-03T00:01:08Z"


@pytest.mark.parametrize("dataset", ["cdnow", "bank_calls"])
def test_events_come_in_order_of_time_with_ids_of_their_own_and_decode(dataset: str) -> None:
    events = cdnow("sample") if dataset == "cdnow" else bank_calls()[0]
    times = [parse_time(event["time"]) for event in events]
    assert times == sorted(times)
    assert len({event["id"] for event in events}) == len(events)
    for event in events:
        decode_data(event["type"], event["data"])


def test_the_command_writes_one_line_an_event_and_the_counts_beside(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    require("bank_calls/january.txt.gz")
    assert main(["bank_calls", "--month", "january"]) == 0
    written = capfdbinary.readouterr()
    assert written.out.count(b"\n") == orjson.loads(written.err)["events"] == 13_400


def test_missing_data_is_named_with_its_origin_and_the_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(DataMissing, match=r"CDNOW_sample.*Fader and Hardie.*TOUCHSTREAM_DATA"):
        cdnow_events("sample")
    assert main(["cdnow"]) == 2
