"""No wheel brings the official AsyncAPI schema: what it demands of this document is said here."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from touchstream.schemas.documents.sources import ASYNCAPI, PROJECT
from touchstream.schemas.emissions.registry import EMITTED
from touchstream.schemas.registry import TOUCHPOINTS

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Json:
    loaded: Json = yaml.safe_load((PROJECT / ASYNCAPI).read_text(encoding="utf-8"))
    return loaded


def references(node: object) -> Iterator[str]:
    match node:
        case {"$ref": str(reference)}:
            yield reference
        case dict():
            for child in node.values():
                yield from references(child)
        case list():
            for child in node:
                yield from references(child)
        case _:
            pass


def resolve(reference: str, document: Json) -> object:
    file, _, pointer = reference.partition("#")
    if file:
        document = orjson.loads((PROJECT / ASYNCAPI).parent.joinpath(Path(file)).read_bytes())
    node: Any = document
    for step in pointer.split("/")[1:]:
        node = node[step]
    return node


def test_every_reference_leads_somewhere(document: Json) -> None:
    assert [ref for ref in references(document) if not resolve(ref, document)] == []


def test_the_document_has_what_asyncapi_3_requires(document: Json) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= document["info"].keys()
    for operation in document["operations"].values():
        assert operation["action"] in {"send", "receive"}
        assert operation["channel"]["$ref"].startswith("#/channels/")


def test_every_topic_is_described(document: Json) -> None:
    assert {name: channel["address"] for name, channel in document["channels"].items()} == {
        name: name
        for name in (
            "touchpoints",
            "churn-risk",
            "customer-risk",
            "next-best-action",
            "alerts",
            "customer-signals",
            "touchstream.examples",
            "dead-letters",
        )
    }


def test_touchpoints_are_received_and_all_but_them_sent(document: Json) -> None:
    assert set(document["operations"]) == {
        "receive-touchpoints",
        "receive-touchstream.examples",
        "send-touchpoints",
        "send-churn-risk",
        "send-customer-risk",
        "send-next-best-action",
        "send-alerts",
        "send-customer-signals",
        "send-touchstream.examples",
        "send-dead-letters",
    }
    assert document["operations"]["send-touchpoints"]["messages"] == [
        {"$ref": "#/channels/touchpoints/messages/touchstream.tick"}
    ]


def test_every_type_is_a_message_of_its_topic_by_its_json_schema(document: Json) -> None:
    topic = dict.fromkeys(TOUCHPOINTS, "touchpoints")
    topic |= {kind.name: kind.topic for kind in EMITTED.values()}
    for name in topic:
        message = resolve(document["channels"][topic[name]]["messages"][name]["$ref"], document)
        assert isinstance(message, dict)
        assert message["payload"]["schema"] == {"$ref": f"./json/{name}.schema.json"}


def test_a_compacted_topic_says_so_and_that_it_carries_tombstones(document: Json) -> None:
    channel = document["channels"]["customer-risk"]
    assert channel["bindings"]["kafka"]["topicConfiguration"] == {"cleanup.policy": ["compact"]}
    tombstone = resolve(channel["messages"]["Tombstone"]["$ref"], document)
    assert isinstance(tombstone, dict)
    assert tombstone["payload"] == {"type": "null"}
    assert {"ce_subject", "ce_sequence"} <= set(tombstone["headers"]["required"])


def test_the_customer_key_says_how_its_partition_is_found(document: Json) -> None:
    key = document["components"]["messageBindings"]["byCustomer"]["kafka"]["key"]
    assert "murmur2" in key["description"]
