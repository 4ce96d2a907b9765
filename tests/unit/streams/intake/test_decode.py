import base64

import orjson
import pytest

from tests.unit.streams.intake.records import NOON_MS, VISIT, arrive, at_home, record, refuse, visit
from touchstream.schemas.envelope import Event
from touchstream.schemas.tick import ActiveConfig, Tick, encode_tick
from touchstream.schemas.touchpoints.customers import CustomerErased
from touchstream.schemas.touchpoints.web import WebVisit
from touchstream.schemas.units import MAX_EVENT_BYTES, CustomerId, Millis
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.intake.fingerprint import content_of, identity_of
from touchstream.streams.outcome import Drop, Reject

TICK = Tick(
    number=7,
    time_ms=NOON_MS,
    active_config=ActiveConfig(
        model_version=3, rules="0123456789abcdef", features="fedcba9876543210"
    ),
)
NO_NAME = "want a string of 1 to 256 UTF-8 bytes without control characters"


def test_a_structured_visit_arrives_whole() -> None:
    event = Event(
        id="e1",
        source="https://shop.example",
        type="web.visit",
        subject=CustomerId("ada"),
        time_ms=NOON_MS,
        data=WebVisit(page="/pricing", duration_s=34.5),
        family="web",
        by_customer=True,
    )
    assert arrive(record(visit())) == Arrival(
        event,
        content_of(event.type, "ada", NOON_MS, event.data),
        identity_of("https://shop.example", "e1"),
        clamped=False,
        unknown_fields=(),
    )


def test_an_event_dated_2099_is_clamped_and_flagged() -> None:
    arrival = arrive(record(visit(time="2099-01-01T00:00:00Z")))
    assert (arrival.event.time_ms, arrival.clamped) == (NOON_MS + 300_000, True)


def test_an_event_dated_2099_is_the_same_content_whenever_it_is_received() -> None:
    value = visit(time="2099-01-01T00:00:00Z")
    today, tomorrow = record(value), record(value, received_ms=Millis(NOON_MS + 86_400_000))
    assert arrive(tomorrow).content == arrive(today).content


def test_unknown_fields_of_data_are_named() -> None:
    arrival = arrive(record(visit(data={"page": "/", "colour": "red", "mood": None})))
    assert arrival.unknown_fields == ("colour", "mood")


def test_extension_attributes_and_data_schema_are_ignored_and_not_counted() -> None:
    plain = arrive(record(visit()))
    extended = visit(traceparent="00-1", dataschema="https://x.example", datacontenttype="x/y")
    assert arrive(record(extended)) == plain


def test_an_event_sent_again_under_another_id_is_the_same_content_of_another_identity() -> None:
    first, second = arrive(record(visit(id="e1"))), arrive(record(visit(id="e2")))
    assert second.content == first.content
    assert second.identity != first.identity


@pytest.mark.parametrize("data", [None, {}])
def test_an_event_that_requires_no_data_may_come_without(data: object) -> None:
    arrival = arrive(record(visit(type="customer.erased", data=data)))
    assert arrival.event.data == CustomerErased()


def test_null_data_serves_where_none_is_required() -> None:
    value = orjson.dumps({**VISIT, "type": "customer.erased", "data": None})
    assert arrive(record(value)).event.data == CustomerErased()


def in_base64(data: bytes, **attributes: object) -> bytes:
    return visit(data=None, data_base64=base64.b64encode(data).decode(), **attributes)


@pytest.mark.parametrize(
    "content_type", [None, "application/json", "Application/JSON; charset=utf-8", "text/x+json"]
)
def test_json_in_base64_is_the_same_event(content_type: str | None) -> None:
    value = in_base64(orjson.dumps(VISIT["data"]), datacontenttype=content_type)
    assert arrive(record(value)) == arrive(record(visit()))


def test_unknown_fields_in_base64_are_named() -> None:
    value = in_base64(b'{"page": "/", "colour": "red"}')
    assert arrive(record(value)).unknown_fields == ("colour",)


def test_nothing_in_base64_is_no_data() -> None:
    assert arrive(record(in_base64(b"", type="customer.erased"))).event.data == CustomerErased()


@pytest.mark.parametrize("text", ["e30", "e30=\n", "{}", "\u20ac", 7, {}, ["e30="]])
def test_data_that_is_not_base64_is_refused(text: object) -> None:
    value = visit(type="customer.erased", data=None, data_base64=text)
    assert refuse(record(value)) == Reject("bad_data", "data_base64: want JSON in base64")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "not_json"),
        (b"[" * 33, "too_deep"),
        (b'{"page": "\xff"}', "bad_string"),
        (b'{"page": "\\ud83d"}', "bad_string"),
        (b'{"page": "/", "duration_s": NaN}', "bad_number"),
    ],
)
def test_what_is_wrong_with_json_in_base64_is_told(data: bytes, reason: str) -> None:
    letter = refuse(record(in_base64(data)))
    assert letter.reason == reason
    assert letter.detail.startswith("data_base64: want ")


@pytest.mark.parametrize("content_type", ["application/avro", "", 7])
def test_something_else_in_base64_is_refused(content_type: object) -> None:
    letter = refuse(record(in_base64(b"{}", datacontenttype=content_type)))
    assert letter == Reject("bad_content_type", "datacontenttype: want application/json")


def test_256_kib_are_taken() -> None:
    value = visit()
    assert isinstance(arrive(record(value + b" " * (MAX_EVENT_BYTES - len(value)))), Arrival)


def test_a_byte_more_than_256_kib_is_refused() -> None:
    value = visit()
    letter = refuse(record(value + b" " * (MAX_EVENT_BYTES - len(value) + 1)))
    assert letter == Reject("too_large", "want at most 262144 bytes, got 262145")


def test_100_000_brackets_are_refused_before_they_are_parsed() -> None:
    letter = refuse(record(b"[" * 100_000))
    assert letter == Reject("too_deep", "want at most 32 levels of objects and arrays")


@pytest.mark.parametrize(
    ("value", "position"),
    [
        (b"", 0),
        (b'{"a":', 5),
        (b"{} {}", 3),
        (b"{'a':1}", 1),
        (b'\xef\xbb\xbf{"a":NaN}', 0),
    ],
)
def test_what_is_not_json_is_refused_with_the_place_where_it_breaks(
    value: bytes, position: int
) -> None:
    detail = f"want one JSON value; this one breaks at character {position}"
    assert refuse(record(value)) == Reject("not_json", detail)


@pytest.mark.parametrize(
    "number", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e999", b"9" * 400, b"9" * 5_000]
)
def test_a_number_that_is_not_finite_is_refused_as_such(number: bytes) -> None:
    letter = refuse(record(b'{"a":' + number + b"}"))
    assert letter.reason == "bad_number"
    assert letter.detail.startswith("want finite numbers, NaN and Infinity are none in JSON; this")


@pytest.mark.parametrize("text", [rb"\ud83d", rb"\ude00", rb"cut \ud83d", rb"\ud83d\ud83d"])
def test_half_an_emoji_is_refused_as_such(text: bytes) -> None:
    letter = refuse(record(visit().replace(b"/pricing", text)))
    assert letter.reason == "bad_string"
    assert letter.detail.startswith("want whole characters, not half of a surrogate pair; this")


def test_a_whole_emoji_arrives_however_it_is_written() -> None:
    escaped = visit().replace(b"/pricing", rb"\ud83d\ude00")
    assert arrive(record(escaped)) == arrive(
        record(visit(data={"page": "\U0001f600", "duration_s": 34.5}))
    )


def test_latin_1_is_refused_as_such() -> None:
    value = visit(data={"page": "/zo"}).replace(b"/zo", b"/zo\xeb")
    letter = refuse(record(value))
    assert letter == Reject(
        "bad_string", f"want UTF-8; the value breaks at byte {value.index(0xEB)}"
    )


@pytest.mark.parametrize("value", [b"[]", b"null", b'"text"', b"1", b"[{}]"])
def test_json_that_is_no_object_is_refused(value: bytes) -> None:
    assert refuse(record(value)).reason == "not_an_object"


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "subject", "time"])
def test_an_attribute_that_is_missing_is_named(name: str) -> None:
    letter = refuse(record(visit(**{name: None})))
    assert letter == Reject("missing_attribute", f"{name}: want it in every event")


@pytest.mark.parametrize("name", ["id", "source", "type", "subject"])
@pytest.mark.parametrize("value", ["", 7, ["a"], {}, False, "x" * 257, "é" * 129, "a\x00b"])
def test_an_attribute_that_is_no_name_is_named(name: str, value: object) -> None:
    assert refuse(record(visit(**{name: value}))) == Reject("bad_attribute", f"{name}: {NO_NAME}")


@pytest.mark.parametrize("specversion", ["0.3", "1", 1.0, "", {}])
def test_another_specversion_is_refused(specversion: object) -> None:
    letter = refuse(record(visit(specversion=specversion)))
    assert letter == Reject("bad_specversion", "specversion: want '1.0'")


@pytest.mark.parametrize(
    "time", ["yesterday", "2026-01-02", "2026-01-02T12:00:00", 1_767_355_200, "", [], "9" * 10_000]
)
def test_a_time_that_is_not_rfc_3339_is_refused(time: object) -> None:
    letter = refuse(record(visit(time=time)))
    assert letter == Reject("bad_time", "time: want RFC 3339 with an offset, years 1 to 9999")


def test_a_subject_beyond_ascii_is_its_own_key() -> None:
    assert arrive(record(visit(subject="zoë"), key="zoë".encode())).event.subject == "zoë"


@pytest.mark.parametrize("key", [None, b"", b"Ada", b"ada ", b"\xff"])
def test_a_key_that_is_not_the_subject_is_refused(key: bytes | None) -> None:
    letter = refuse(record(visit(), key=key))
    assert letter == Reject("key_not_subject", "key: want the UTF-8 bytes of subject")


def test_a_record_on_a_partition_that_murmur2_would_not_choose_is_refused() -> None:
    home = at_home(b"ada")
    elsewhere = home._replace(partition=(home.partition + 1) % 4)
    detail = f"want partition {home.partition} of 4 by murmur2, found on {elsewhere.partition}"
    assert decode(record(visit()), elsewhere) == Reject("wrong_partition", detail)


def test_an_unknown_type_is_dropped_whatever_its_data() -> None:
    value = visit(type="weather.changed", data="rain")
    assert decode(record(value), at_home(b"ada")) == Drop("unknown_type")


def test_an_unknown_type_under_a_foreign_key_is_a_dead_letter() -> None:
    assert refuse(record(visit(type="weather.changed"), key=b"bea")).reason == "key_not_subject"


def test_a_broken_envelope_is_told_before_a_foreign_key() -> None:
    assert refuse(record(visit(time="soon"), key=b"bea")).reason == "bad_time"


def test_a_foreign_key_is_told_before_bad_data() -> None:
    assert refuse(record(visit(data={}), key=b"bea")).reason == "key_not_subject"


@pytest.mark.parametrize(
    ("kind", "data", "detail"),
    [
        ("web.visit", None, "Object missing required field `page`"),
        ("web.visit", [], "Expected `object`, got `array`"),
        ("web.visit", {"page": 1}, "Expected `str`, got `int` - at `$.page`"),
        (
            "web.form_submitted",
            {"form": "f", "intent": "ada@example.org"},
            "want one of the values in the schema - at `$.intent`",
        ),
        (
            "customer.updated",
            {"attributes": {"ada@example.org": []}},
            "Expected `bool | int | float | str | null`, got `array` - at `$.attributes[...]`",
        ),
    ],
)
def test_bad_data_is_refused_with_the_field_and_without_its_value(
    kind: str, data: object, detail: str
) -> None:
    value = orjson.dumps({**VISIT, "type": kind, "data": data})
    assert refuse(record(value)) == Reject("bad_data", detail)


def test_money_beyond_64_bits_is_refused_rather_than_rounded() -> None:
    value = visit(type="deal.won", data={"amount_minor": 0, "currency": "EUR"})
    huge = value.replace(b'"amount_minor":0', b'"amount_minor":18446744073709551616')
    assert refuse(record(huge)) == Reject(
        "bad_data", "Expected `int`, got `float` - at `$.amount_minor`"
    )


def test_a_tick_without_a_key_is_a_tick() -> None:
    assert decode(record(encode_tick(TICK, None), key=None), at_home(None)) == TICK


def test_a_signed_tick_is_taken_where_the_secret_is_set() -> None:
    origin = Origin(0, 4, tick_secret=b"secret")
    assert decode(record(encode_tick(TICK, b"secret"), key=None), origin) == TICK


@pytest.mark.parametrize("signed_with", [None, b"guess"])
def test_a_tick_without_the_secrets_signature_is_forged(signed_with: bytes | None) -> None:
    origin = Origin(0, 4, tick_secret=b"secret")
    letter = decode(record(encode_tick(TICK, signed_with), key=None), origin)
    assert letter == Reject(
        "forged_tick", "hmac: want a signature with this deployment's tick secret"
    )


def test_a_tick_with_bad_data_is_refused_even_if_it_is_not_signed() -> None:
    origin = Origin(0, 4, tick_secret=b"secret")
    value = encode_tick(TICK, None).replace(b'"number":7', b'"number":"7"')
    letter = decode(record(value, key=None), origin)
    assert letter == Reject("bad_data", "want a tick as touchstream writes it")


@pytest.mark.parametrize("key", [b"", b"ada"])
def test_a_tick_under_a_key_is_refused(key: bytes) -> None:
    assert refuse(record(encode_tick(TICK, None), key=key)).reason == "reserved_type"


@pytest.mark.parametrize("kind", ["touchstream.merge", "touchstream.", "touchstream.tick2"])
def test_other_types_of_ours_are_refused(kind: str) -> None:
    letter = refuse(record(visit(type=kind), key=None))
    assert letter == Reject("reserved_type", "type: touchstream.* is written by touchstream alone")
