import orjson
import pytest

from touchstream.schemas.tick import ActiveConfig, Tick, decode_tick, encode_tick
from touchstream.schemas.units import Millis

TICK = Tick(
    number=3,
    time_ms=Millis(1_767_312_000_000),
    active_config=ActiveConfig(model_version=2, rules="86c104854dbad526", features="f1"),
)
SECRET = b"a secret of this deployment"


def decoded(tick: Tick, secret: bytes | None) -> dict[str, object]:
    record: dict[str, object] = orjson.loads(encode_tick(tick, secret))
    return record


def with_data(record: dict[str, object], **changed: object) -> dict[str, object]:
    data = record["data"]
    assert isinstance(data, dict)
    return {**record, "data": {**data, **changed}}


def test_a_tick_is_a_structured_cloudevent_without_subject() -> None:
    assert decoded(TICK, None) == {
        "specversion": "1.0",
        "id": "3",
        "source": "touchstream",
        "type": "touchstream.tick",
        "time": "2026-01-02T00:00:00.000Z",
        "datacontenttype": "application/json",
        "data": {
            "number": 3,
            "model_version": 2,
            "rules": "86c104854dbad526",
            "features": "f1",
            "hmac": None,
        },
    }


@pytest.mark.parametrize("secret", [None, SECRET])
def test_a_tick_is_read_back(secret: bytes | None) -> None:
    assert decode_tick(decoded(TICK, secret), secret) == TICK


def test_a_signed_tick_is_read_where_no_secret_is_set() -> None:
    assert decode_tick(decoded(TICK, SECRET), None) == TICK


def test_an_unsigned_tick_is_refused_where_a_secret_is_set() -> None:
    with pytest.raises(ValueError, match="tick 3 is not signed"):
        decode_tick(decoded(TICK, None), SECRET)


def test_a_tick_signed_with_another_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="not signed with this deployment"):
        decode_tick(decoded(TICK, b"another"), SECRET)


def test_a_signature_beyond_ascii_is_refused() -> None:
    with pytest.raises(ValueError, match="not signed with this deployment"):
        decode_tick(with_data(decoded(TICK, SECRET), hmac="ü"), SECRET)


@pytest.mark.parametrize(
    "forged",
    [
        {**with_data(decoded(TICK, SECRET), number=4), "id": "4"},
        with_data(decoded(TICK, SECRET), model_version=3),
        with_data(decoded(TICK, SECRET), rules="other"),
        with_data(decoded(TICK, SECRET), features="f2"),
        {**decoded(TICK, SECRET), "time": "2026-01-02T00:00:00.001Z"},
    ],
)
def test_a_signature_covers_all_that_a_tick_says(forged: dict[str, object]) -> None:
    decode_tick(forged, None)
    with pytest.raises(ValueError, match="not signed with this deployment"):
        decode_tick(forged, SECRET)


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ({**decoded(TICK, None), "id": "4"}, "want its number"),
        ({**decoded(TICK, None), "subject": "customer-1"}, "subject"),
        ({**decoded(TICK, None), "source": "elsewhere"}, "source"),
        ({**decoded(TICK, None), "type": "touchstream.other"}, "type"),
        ({**decoded(TICK, None), "time": "yesterday"}, "RFC 3339"),
        ({**decoded(TICK, None), "data": None}, "data"),
        ({**with_data(decoded(TICK, None), number=0), "id": "0"}, "number"),
        (with_data(decoded(TICK, None), number="3"), "number"),
        (with_data(decoded(TICK, None), model_version=-1), "model_version"),
    ],
)
def test_a_tick_of_wrong_shape_is_refused(broken: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        decode_tick(broken, None)


def test_a_tick_that_an_earlier_build_has_signed_still_proves_itself() -> None:
    # Written by the build of commit 97de66c, whose name for the active configuration was another.
    written = (
        b'{"specversion":"1.0","id":"7","source":"touchstream","type":"touchstream.tick",'
        b'"time":"1997-01-01T00:00:00.000Z","datacontenttype":"application/json","data":{'
        b'"model_version":3,"rules":"91d81d9e9d64124f","features":"AbCd","number":7,'
        b'"hmac":"c3f52ff4d6ab9dc003dcaf34d9041efea2f167de27a152d47bf2c191f905ac8b"}}'
    )
    config = ActiveConfig(model_version=3, rules="91d81d9e9d64124f", features="AbCd")
    tick = Tick(number=7, time_ms=Millis(852_076_800_000), active_config=config)
    assert decode_tick(orjson.loads(written), b"s" * 32) == tick
    assert encode_tick(tick, b"s" * 32) == written
