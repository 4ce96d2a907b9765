import msgspec
import pytest

from streams import state as states
from streams.profiles.profile import Fact, Profile
from streams.state import State, StateError, decode, encode
from tests.make import moment


def test_the_first_byte_is_the_version() -> None:
    assert encode(State())[0] == states.VERSION == 1


def test_who_has_no_name_for_his_fields_costs_few_bytes() -> None:
    assert len(encode(State())) < 32


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "no bytes"),
        (b"\x01", "version 1 cannot be read"),
        (b"\x01\xc1", "version 1 cannot be read"),
        (b"\x01\x91\x91\xa1\xff", "version 1 cannot be read"),
        (b"\x02\x90", "version 2, this build reads up to 1"),
        (b"\x00\x90", "version 0 cannot be read"),
    ],
)
def test_what_no_version_has_written_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(StateError, match=complaint):
        decode(data)


def test_a_state_without_the_newest_fields_is_read_with_their_defaults() -> None:
    fields = msgspec.msgpack.decode(encode(State(risk=0.25, erased_ms=moment("d1")))[1:])
    earlier = encode(State())[:1] + msgspec.msgpack.encode(fields[:-2])
    assert decode(earlier) == State(risk=0.25, erased_ms=moment("d1"))


def test_an_earlier_version_is_brought_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    profile_last = msgspec.msgpack.encode([b"", None])
    monkeypatch.setitem(states.UPGRADES, 0, lambda fields: [fields[1], fields[0]])
    assert decode(b"\x00" + profile_last) == State()


def test_the_order_in_which_a_dict_grew_does_not_show() -> None:
    moments = {"b": moment("d1"), "a": moment("d2")}
    turned = dict(reversed(moments.items()))
    assert encode(State(recommended_ms=moments)) == encode(State(recommended_ms=turned))


def test_an_integer_stays_one_and_a_float_too() -> None:
    facts = {"a": Fact(moment("d1"), 3), "b": Fact(moment("d1"), 3.0)}
    read = decode(encode(State(profile=Profile(moment("d0"), moment("d1"), attributes=facts))))
    assert read.profile is not None
    assert [type(fact.value) for fact in read.profile.attributes.values()] == [int, float]
