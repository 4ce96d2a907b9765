"""Every reason of a dead letter that the documents name is given by some record, and no other."""

import re
from pathlib import Path
from typing import get_args

import orjson
import pytest

from tests.make import arrival, live, models
from tests.unit.streams.intake.records import VISIT, VISIT_HEADERS, at_home, record, visit
from touchstream.schemas.dead_letter import Header, RejectReason
from touchstream.schemas.tick import ActiveConfig, Tick, encode_tick
from touchstream.schemas.units import MAX_EVENT_BYTES, Millis
from touchstream.streams.intake.decode import Origin, decode
from touchstream.streams.outcome import Reject
from touchstream.streams.records import Record

DELIVERY = Path(__file__).parents[2] / "docs" / "delivery.md"
DICTIONARY = Path(__file__).parents[2] / "docs" / "events.md"
DATA = orjson.dumps(VISIT["data"])
TICK = encode_tick(
    Tick(
        number=1,
        time_ms=Millis(0),
        active_config=ActiveConfig(model_version=0, rules="r", features="f"),
    ),
    b"guess",
)
ELSEWHERE = at_home(b"ada")._replace(partition=(at_home(b"ada").partition + 1) % 4)
SIGNED = Origin(0, 4, tick_secret=b"secret")


def changed(name: str, value: bytes | None) -> tuple[Header, ...]:
    """The headers of a visit in binary mode with another value for one."""
    return tuple((each, value if each == name else held) for each, held in VISIT_HEADERS)


def binary(value: bytes = DATA, headers: tuple[Header, ...] = VISIT_HEADERS) -> Record:
    return record(value, headers=headers)


STRUCTURED: dict[RejectReason, Record] = {
    "too_large": record(visit() + b" " * MAX_EVENT_BYTES),
    "not_json": record(b"nonsense"),
    "not_an_object": record(b"[]"),
    "too_deep": record(b"[" * 33),
    "bad_string": record(visit().replace(b"/pricing", rb"\ud83d")),
    "bad_number": record(visit().replace(b"34.5", b"1e400")),
    "missing_attribute": record(visit(id=None)),
    "bad_attribute": record(visit(id="")),
    "bad_specversion": record(visit(specversion="0.3")),
    "bad_time": record(visit(time="2026-01-02")),
    "bad_content_type": record(visit(data=None, data_base64="e30=", datacontenttype="image/png")),
    "bad_data": record(visit(data={"page": 7})),
    "key_not_subject": record(visit(), key=b"bea"),
    "reserved_type": record(visit(type="touchstream.merge"), key=None),
    "forged_tick": record(TICK, key=None),
    "wrong_partition": record(visit()),
}
BINARY: dict[RejectReason, Record] = {
    "too_large": binary(DATA + b" " * MAX_EVENT_BYTES),
    "not_json": binary(b"nonsense"),
    "too_deep": binary(b"[" * 33),
    "bad_string": binary(b'"\xff"'),
    "bad_number": binary(b'{"page": "/", "duration_s": NaN}'),
    "missing_attribute": binary(headers=changed("ce_id", None)),
    "bad_attribute": binary(headers=changed("ce_id", b"")),
    "bad_specversion": binary(headers=changed("ce_specversion", b"0.3")),
    "bad_time": binary(headers=changed("ce_time", b"2026-01-02")),
    "bad_content_type": binary(headers=changed("content-type", b"image/png")),
    "bad_data": binary(b"[]"),
    "key_not_subject": binary()._replace(key=b"bea"),
    "reserved_type": binary(headers=changed("ce_type", b"touchstream.merge")),
    "wrong_partition": binary(),
}
ORIGINS: dict[RejectReason, Origin] = {"wrong_partition": ELSEWHERE, "forged_tick": SIGNED}
EACH = [(*each, "structured") for each in STRUCTURED.items()] + [
    (*each, "binary") for each in BINARY.items()
]


@pytest.mark.parametrize(("reason", "found", "mode"), EACH)
def test_a_record_has_the_reason(reason: RejectReason, found: Record, mode: str) -> None:
    letter = decode(found, ORIGINS.get(reason, at_home(found.key)))
    assert isinstance(letter, Reject), mode
    assert letter.reason == reason


def test_a_known_id_with_other_content_has_the_reason() -> None:
    step = live([arrival("web.visit", id="e"), arrival("web.visit", id="e", page="/x")], models())[
        -1
    ]
    assert step.refused is not None
    assert step.refused.reason == "conflicting_id"


def test_the_documents_name_exactly_these() -> None:
    given = {*STRUCTURED, *BINARY, "conflicting_id"}
    table = DELIVERY.read_text().partition("| dead letter of reason |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == given
    [listed] = re.findall(r"^Reasons of dead letters: (.*)\.$", DICTIONARY.read_text(), re.M)
    assert set(re.findall(r"`(\w+)`", listed)) == given
    assert set(get_args(RejectReason)) == given
