"""The log of a customer, read when asked: events, recommendations and what came of them."""

import asyncio
from collections.abc import Mapping
from itertools import count

import orjson
import pytest

from bench.services.kafka import KafkaServer
from bench.services.ports import free_port
from tests.agents.decided import decided
from tests.web.console_client import (
    ADA_KEY,
    LALE_KEY,
    WrittenLog,
    browser,
    ports,
    settings_with_reps,
    sign_in,
)
from tests.web.test_console_customer import store_with
from touchstream.agents import clients
from touchstream.agents.settings import Settings
from touchstream.agents.topics import make_topics
from touchstream.agents.views import event_log
from touchstream.agents.views.event_log import Found, KafkaLog, LogReading, LogUnavailable
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission, encode_emission
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.units import CustomerId
from touchstream.streams.records import Record
from touchstream.web.console.app import console_app

_PREFIXES = (f"log-{number}." for number in count())
NOON = "2026-11-28T12:00:00Z"


def touchpoint(kind: str, at: str = NOON, /, **data: object) -> bytes:
    event = {
        "specversion": "1.0",
        "id": f"{kind}-{at}",
        "source": "/crm",
        "type": kind,
        "subject": "cy",
        "time": at,
        "data": data,
    }
    return orjson.dumps(event)


def record(value: bytes) -> Record:
    return Record(0, parse_time(NOON), b"cy", value)


def recommendation(decision: str) -> bytes:
    choice = ActionRecommended(
        decision=decision,
        action="send_offer",
        channel="email",
        propensity=1.0,
        probabilities={"send_offer": 1.0},
        values_minor={"send_offer": 100.0},
        currency="EUR",
        left_out=(),
        risk=0.5,
        band="high",
        epsilon=0.0,
        seed=1,
        rules="r",
        model_version=1,
        cause=Cause(type="touchstream.tick", source="t", id="1"),
    )
    at_ms = parse_time("2026-11-28T09:00:00Z")
    kind, topic = "action.recommended", "next-best-action"
    who = CustomerId("cy")
    emission = Emission(type=kind, topic=topic, id="e1", subject=who, time_ms=at_ms, data=choice)
    return encode_emission(emission, "1")


def reading(*touchpoints: bytes, actions: tuple[bytes, ...] = (), cut: bool = False) -> LogReading:
    return LogReading(
        Found([record(one) for one in touchpoints], 20, is_cut=cut),
        Found([record(one) for one in actions], 5),
    )


async def page_of(log: WrittenLog, key: str = ADA_KEY, owner: str = "ada") -> str:
    app = console_app(settings_with_reps(), ports(await store_with(owner), log=log))
    async with browser(app) as client:
        await sign_in(client, key)
        page = await client.get("/customers/cy/log")
    assert page.status_code == 200
    return page.text


async def test_the_page_of_a_customer_reads_no_log() -> None:
    log = WrittenLog(reading())
    app = console_app(settings_with_reps(), ports(await store_with("ada"), log=log))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        page = await client.get("/customers/cy")
    assert 'hx-get="/customers/cy/log"' in page.text
    assert log.readings == 0


async def test_an_outcome_stands_beside_its_recommendation() -> None:
    outcome = {"decision": "d1", "action": "send_offer", "outcome": "accepted"}
    unknown = {"decision": "d0", "action": "call_by_owner", "outcome": "failed"}
    log = WrittenLog(
        reading(
            touchpoint("action.outcome", "2026-11-28T10:00:00Z", **unknown),
            touchpoint("action.outcome", **outcome),
            actions=(recommendation("d1"), recommendation("d1"), b"", b"{}"),
        )
    )
    page = await page_of(log)
    assert (
        '<td>28 Nov 2026, 09:00</td><th scope="row">Send an offer</th><td>email</td>'
        "<td>Accepted <small>28 Nov 2026, 12:00</small></td>"
    ) in page
    assert '<td>earlier</td><th scope="row">Call the customer</th><td>-</td><td>Failed' in page


async def test_a_decision_shows_every_arm_and_why_others_were_left_out() -> None:
    outcome = {"decision": "d1", "action": "call_by_owner", "outcome": "accepted"}
    made = (decided("d1", "cy"), decided("d0", "cy", "2026-11-27T09:00:00Z"))
    page = await page_of(WrittenLog(reading(touchpoint("action.outcome", **outcome), actions=made)))
    assert page.index("28 Nov 2026, 09:00: <strong>Call the customer") < page.index(
        "27 Nov 2026, 09:00: <strong>Call the customer"
    )
    first = page[page.index("<details open>") :]
    first = first[: first.index("</details>")]
    assert (
        '<tr><th scope="row">Call the customer <small>chosen</small></th><td class="n">90.0%</td>'
        '<td class="n">12.50 EUR</td></tr>'
    ) in first
    assert '<tr><th scope="row">Do nothing</th><td class="n">10.0%</td>' in first
    assert "<li>Send an offer: recommended a short time ago</li>" in first
    assert "So far: Accepted <small>28 Nov 2026, 12:00</small>" in first
    assert "at a risk of 50%" in first


async def test_a_decision_is_told_in_turkish() -> None:
    settings = settings_with_reps()
    ada = settings.reps[0].model_copy(update={"language": "tr"})
    settings = settings.model_copy(update={"reps": (ada, *settings.reps[1:])})
    log = WrittenLog(reading(actions=(decided("d1", "cy"),)))
    async with browser(console_app(settings, ports(await store_with("ada"), log=log))) as client:
        await sign_in(client, ADA_KEY)
        page = (await client.get("/customers/cy/log")).text
    assert "<h2>Son kararlar</h2>" in page
    assert ": kısa süre önce önerildi</li>" in page


async def test_events_are_listed_from_the_newest_each_once() -> None:
    older = touchpoint("order.placed", order="o1", amount_minor=1_250, currency="EUR")
    newer = touchpoint("ticket.opened", "2026-11-28T13:00:00Z", ticket="t-9")
    page = await page_of(WrittenLog(reading(older, older, newer, b"broken")))
    assert page.index("ticket.opened") < page.index("order.placed")
    assert page.count("order.placed") == 1
    assert "12.50" in page
    assert "The log holds 25 records" in page


@pytest.mark.parametrize(
    ("key", "owner", "is_shown"),
    [(ADA_KEY, "ada", True), (ADA_KEY, "bob", False), (LALE_KEY, "bob", True)],
    ids=["own", "of_another", "lead"],
)
async def test_personal_fields_are_masked_like_attributes(
    key: str, owner: str, *, is_shown: bool
) -> None:
    attributes = {"email": "cy@example.com", "plan": "large-plan"}
    log = WrittenLog(
        reading(
            touchpoint("customer.updated", attributes=attributes),
            touchpoint("survey.answered", kind="nps", score=3, text="my name is Cy"),
        )
    )
    page = await page_of(log, key, owner)
    assert ("cy@example.com" in page, "my name is Cy" in page) == (is_shown, is_shown)
    assert "large-plan" in page
    assert ("masked" in page) is not is_shown


async def test_nothing_from_before_an_erasure_is_shown() -> None:
    log = WrittenLog(
        reading(
            touchpoint("order.placed", "2026-11-28T11:00:00Z", order="old"),
            touchpoint("customer.erased"),
            touchpoint("store.visited", "2026-11-28T13:00:00Z", store="s1"),
            actions=(recommendation("d1"),),
        )
    )
    page = await page_of(log)
    assert "store.visited" in page
    assert "order.placed" not in page
    assert "Send an offer" not in page


async def test_a_cut_is_said() -> None:
    page = await page_of(WrittenLog(reading(touchpoint("store.visited"), cut=True)))
    assert "Only the newest 25 records" in page


async def test_without_a_broker_a_sentence_says_so() -> None:
    assert "The log cannot be read: the broker does not answer." in await page_of(WrittenLog())


async def test_a_customer_whose_id_ends_like_the_log_has_a_page() -> None:
    log = WrittenLog(reading())
    app = console_app(settings_with_reps(), ports(await store_with("ada", "a/log"), log=log))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        page = await client.get("/customers/a%2Flog")
        assert "<h1>a/log" in page.text
        assert (await client.get("/customers/a%2Flog/log")).status_code == 200
        assert (await client.get("/customers/nobody/log")).status_code == 404
    assert log.readings == 1


def filled(kafka: KafkaServer, records: Mapping[str, int]) -> Settings:
    """Topics with so many touchpoints of each customer, in turn."""
    kafka_settings = {
        "bootstrap": kafka.bootstrap,
        "partitions": 2,
        "topic_prefix": next(_PREFIXES),
    }
    settings = Settings.model_validate({"kafka": kafka_settings})
    make_topics(settings)
    topic = settings.kafka.topic_prefix + "touchpoints"
    with clients.producer(settings.kafka, topic) as producer:
        for number in range(max(records.values())):
            for customer, most in records.items():
                if number < most:
                    value = touchpoint(f"own.{number}")
                    producer.send(topic, value, key=customer.encode())
        producer.flush()
    return settings


def numbers(found: Found) -> list[int]:
    return [int(orjson.loads(one.value)["type"].removeprefix("own.")) for one in found.records]


async def test_only_the_customers_records_are_found_in_their_partition(
    kafka_server: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "STRIDE", 7)
    records = {"cy": 30, **{f"c{number}": 10 for number in range(4)}}
    settings = await asyncio.to_thread(filled, kafka_server, records)
    log = KafkaLog(settings)
    found = await log.read("cy")
    assert numbers(found.touchpoints) == list(range(30))
    assert (found.is_cut, found.actions.records) == (False, [])
    assert sum((await log.ends()).values()) == 70


async def test_a_cut_keeps_the_newest(
    kafka_server: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "STRIDE", 7)
    monkeypatch.setattr(event_log, "MOST_SCANNED", 10)
    settings = await asyncio.to_thread(filled, kafka_server, {"cy": 30})
    found = await KafkaLog(settings).read("cy")
    assert numbers(found.touchpoints) == list(range(20, 30))
    assert (found.is_cut, found.scanned) == (True, 10)


async def test_no_time_reads_nothing_and_says_so(
    kafka_server: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "SCAN_S", -1.0)
    settings = await asyncio.to_thread(filled, kafka_server, {"cy": 3})
    found = await KafkaLog(settings).read("cy")
    assert (found.touchpoints, found.is_cut) == (Found([], is_cut=True), True)


async def test_a_broker_that_does_not_answer_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_log, "PATIENCE_S", 0.3)
    bootstrap = f"127.0.0.1:{free_port()}"
    log = KafkaLog(Settings.model_validate({"kafka": {"bootstrap": bootstrap}}))
    with pytest.raises(LogUnavailable):
        await log.read("cy")
    with pytest.raises(LogUnavailable):
        await log.ends()
