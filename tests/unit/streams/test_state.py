from math import log

import msgspec
import pytest

from tests.make import arrival, fired, last_state, live, models, moment, state_of
from touchstream.streams import state as states
from touchstream.streams.decide.bands import Crossing
from touchstream.streams.features.groups import FeatureGroups
from touchstream.streams.profiles.decay import Counter, Lately
from touchstream.streams.profiles.profile import Fact, Money, Profile, Subscription, Ticket
from touchstream.streams.profiles.rhythm import Rhythm
from touchstream.streams.projections.read import churn_of, relation_of, targets_of
from touchstream.streams.projections.relation import RelationState
from touchstream.streams.state import State, StateError, decode, encode


def test_the_first_byte_is_the_version() -> None:
    assert encode(State())[0] == states.FORMAT == 6


def test_a_state_without_field_names_costs_few_bytes() -> None:
    assert len(encode(State())) < 32


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "an empty state"),
        (b"\x03", "format 3 cannot be read"),
        (b"\x03\xc1", "format 3 cannot be read"),
        (b"\x03\x91\x91\xa1\xff", "format 3 cannot be read"),
        (b"\x02", "format 2 cannot be read"),
        (b"\x02\x97\xc0", "format 2 cannot be read"),
        (b"\x01", "format 1 cannot be read"),
        (b"\x01\xc1", "format 1 cannot be read"),
        (b"\x01\x91\x91\xa1\xff", "format 1 cannot be read"),
        (b"\x01\x91\x92\x01\x02\x03", "format 1 cannot be read"),
        (b"\x01\x91\x01", "format 1 cannot be read"),
        (b"\x04", "format 4 cannot be read"),
        (b"\x04\x09\x90", "dictionary 9"),
        (b"\x04\x01\x90", "not a frame of dictionary 1"),
        (b"\x05", "format 5 cannot be read"),
        (b"\x05\x09\x90", "dictionary 9"),
        (b"\x05\x01\x90", "not a frame of dictionary 1"),
        (b"\x05\x00\x92\xc0\xc4\x01\x00", "format 5 cannot be read: a memory of 1 bytes"),
        (b"\x06", "format 6 cannot be read"),
        (b"\x06\x09\x90", "dictionary 9"),
        (b"\x06\x01\x90", "not a frame of dictionary 1"),
        (b"\x07\x90", "format 7, this build reads up to 6"),
        (b"\x00\x90", "format 0 cannot be read"),
    ],
)
def test_what_no_version_has_written_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(StateError, match=complaint):
        decode(data)


def test_an_earlier_version_is_brought_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    profile_last = msgspec.msgpack.encode([b"", None])
    monkeypatch.setitem(states.UPGRADES, 0, lambda fields: [fields[1], fields[0]])
    assert decode(b"\x00" + profile_last) == State()


def test_the_order_in_which_a_dict_grew_does_not_show() -> None:
    moments = {"b": moment("d1"), "a": moment("d2")}
    turned = dict(reversed(moments.items()))
    assert encode(state_of(recommended_ms=moments)) == encode(state_of(recommended_ms=turned))


def test_an_integer_stays_one_and_a_float_too() -> None:
    facts = {"a": Fact(moment("d1"), 3), "b": Fact(moment("d1"), 3.0)}
    read = decode(encode(State(profile=Profile(moment("d0"), moment("d1"), attributes=facts))))
    assert read.profile is not None
    assert [type(fact.value) for fact in read.profile.attributes.values()] == [int, float]


VERSION_1 = bytes.fromhex(
    "019e9ccf000000c663f31680cf000000c682a2500095cf000000c682a25000cb400dbb123a95b4b4cb4012816d6e2f"
    "8704cb401385e2bdaacad705cf000000c663f3168084a56f7264657295cf000000c66e08e000cb3ff0000000000000"
    "cb3ff0000000000000cb3ff000000000000001ac737562736372697074696f6e95cf000000c673662a80cb3ff00000"
    "00000000cb3ff0000000000000cb3ff000000000000001a67469636b657495cf000000c6732f3c00cb3ff000000000"
    "0000cb3ff0000000000000cb3ff000000000000001a377656295cf000000c682a25000cb3ff8de861ffb3fcfcb3ffd"
    "ce48c7f5516fcb3fff4a42840ec5de0281a345555294cd01f4010095cf000000c66e08e000cb407f400000000000cb"
    "407f400000000000cb407f4000000000000181a2743194cf000000c6732f3c0000cf000000c6732f3c00c397cf0000"
    "00c673662a8000a56261736963cd0384a3455552cf000000c70de4f280c280808080c45000d8b1fc91f5793e3f6ba8"
    "4c3b0f199200d8bd007e43ff96110ac840e7406ea900d8c2a097fa68736e96f1e9a2279d7200d8c2dcebfd488ded9d"
    "56a4cc6e7a8000d8d38014347365ef6b742ee490d4af9196cf000000c678559800cb3f1797cc39ffd60f03a8646665"
    "3534333435c4326039673e64a5703e003cd83d483e643e053ed2a63746344637460000003c8c397239000000002a39"
    "00000000007e003c434f03cb3ed92a737110e454a36c6f77c0c0c080cf000000c69c621c00cf000000c69c621c00c0"
    "c000"
)
"""Of a shopper with a subscription, an open ticket and a snapshot that waits for its label."""

VERSION_1_ERASED = bytes.fromhex(
    "019ec0c41000d8cde00dae51cad7d493ce6266e3fe90c0c0c0c0c080c0cf000000c6a1887801cf000000c67d7bf400"
    "c000"
)
VERSION_1_NEVER_ACTIVE = bytes.fromhex(
    "019e9ccf000000c663f31680cf000000c663f31680c0c081a5656d61696c95cf000000c663f31680cb3ff000000000"
    "0000cb3ff0000000000000cb3ff0000000000000018080c080808080c41000d8b1fc59358eeb8b1ad6c29e084f1f90"
    "cb3ed92a737110e454a36c6f77c0c0c080cf000000c678559800cf000000c678559800c0c000"
)


def test_a_profile_of_version_1_is_read_with_the_years_counter_begun_at_the_quarters() -> None:
    profile = decode(VERSION_1).profile
    assert profile is not None
    assert profile.activity == Counter(
        moment("d6"), 3.7163433625160796, 4.6263940063961435, 4.88074776034292, 4.88074776034292, 5
    )
    assert profile.families["web"] == Lately(moment("d6"), 1.8628623782033988, 2)
    assert profile.money == {"EUR": Money(500, 1, 0, Lately(moment("d2"), 500.0, 1))}


def test_what_version_1_had_in_common_is_read_as_it_was() -> None:
    state = decode(VERSION_1)
    assert state.profile is not None
    assert (state.profile.first_seen_ms, state.profile.last_seen_ms) == (
        moment("d0 1:00"),
        moment("d6"),
    )
    assert state.profile.tickets == {"t1": Ticket(moment("d3"), 0, moment("d3"), open=True)}
    assert state.profile.subscription == Subscription(
        moment("d3 1:00"), 0, "basic", 900, "EUR", moment("d33 1:00"), cancelled=False
    )
    assert (churn_of(state).risk, churn_of(state).band, len(state.memory)) == (6e-06, "low", 40)
    relation = relation_of(state)
    assert relation == RelationState(moment("d11"))
    assert state.next_timer_ms == moment("d11")


def test_a_snapshot_that_waited_in_version_1_still_waits() -> None:
    (row,) = churn_of(decode(VERSION_1)).ledger
    assert (row.at_ms, row.risk, row.model_version, row.outcome_flags) == (
        moment("d4"),
        9e-05,
        3,
        3,
    )
    assert (row.features, len(row.vector), row.offer_probability) == ("dfe54345", 50, 0.0)


def test_what_version_1_did_not_know_is_not_known() -> None:
    state = decode(VERSION_1)
    assert state.profile is not None
    known = (state.profile.rhythm, state.profile.friction, state.profile.call)
    assert known == (None, None, None)
    assert (targets_of(state).ledgers, targets_of(state).raised) == ({}, ())


def test_who_was_never_active_in_version_1_is_read() -> None:
    profile = decode(VERSION_1_NEVER_ACTIVE).profile
    assert profile == Profile(
        moment("d0 1:00"),
        moment("d0 1:00"),
        families={"email": Lately(moment("d0 1:00"), 1.0, 1)},
    )


def test_a_tombstone_of_version_1_is_read() -> None:
    state = decode(VERSION_1_ERASED)
    assert (state.profile, state.erased_ms, len(state.memory)) == (None, moment("d5"), 8)


@pytest.mark.parametrize("written", [VERSION_1, VERSION_1_ERASED, VERSION_1_NEVER_ACTIVE])
def test_a_state_of_version_1_is_written_back_in_the_format_of_today(written: bytes) -> None:
    again = encode(decode(written))
    assert again[0] == states.FORMAT
    assert encode(decode(again)) == again


def test_a_customer_of_version_1_lives_on() -> None:
    state = decode(VERSION_1)
    steps = live([arrival("web.visit", "d9"), fired("d11")], models("d6"), state)
    profile = last_state(steps).profile
    assert profile is not None
    assert profile.activity is not None
    assert (profile.activity.count, profile.rhythm) == (6, Rhythm(1, log(3), 0.0, log(3)))


@pytest.mark.parametrize("cut", [3, 40, 200, 500])
def test_half_a_state_of_version_1_is_refused(cut: int) -> None:
    with pytest.raises(StateError, match="format 1 cannot be read"):
        decode(VERSION_1[:cut])


VERSION_2 = b"\x02" + msgspec.msgpack.encode(
    [None, b"", [], 0.25, "low", [moment("d1"), True], b"\x00" * 62, 0.5]
)
"""Told of a crossing with the features of the time."""


def test_what_version_2_had_told_compares_with_nothing() -> None:
    state = decode(VERSION_2)
    assert (churn_of(state).last_emitted_contributions, churn_of(state).last_emitted_risk) == (
        None,
        0.5,
    )
    assert (churn_of(state).risk, churn_of(state).band, churn_of(state).crossing) == (
        0.25,
        "low",
        Crossing(moment("d1"), True),
    )


def test_what_was_told_is_read_by_the_topics_that_were_told() -> None:
    topics, others = (
        FeatureGroups([("a", ("x",)), ("b", ("y",))]),
        FeatureGroups([("b", ("y",)), ("a", ("x",))]),
    )
    state = state_of(last_emitted_contributions=topics.pack([0.5, -2.0]))
    assert (churn_of(state).last_emitted_by(topics), churn_of(state).last_emitted_by(others)) == (
        (0.5, -2.0),
        None,
    )


def test_who_was_never_told_of_has_nothing_to_compare_with() -> None:
    assert churn_of(State()).last_emitted_by(FeatureGroups([("a", ())])) is None
