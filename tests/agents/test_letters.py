"""Dead letters on their way back into the log."""

import orjson
import pytest

from tests.agents.cli.command import order
from tests.make import OWN_TYPES
from touchstream.agents.letters import Keep, Redrive, letter_as_json, send_again
from touchstream.schemas.dead_letter import Cut, DeadLetter, Header, RejectReason, StoredLetter
from touchstream.schemas.event_types import own_types
from touchstream.schemas.units import Millis

NOW_MS = Millis(1_767_225_600_000)
EVENT = order("ada", 1, "2026-01-01T00:00:00Z")


def letter(
    original: bytes = EVENT,
    key: bytes | None = b"ada",
    reason: RejectReason = "bad_data",
    headers: tuple[Header, ...] = (),
    truncated: frozenset[Cut] = frozenset(),
) -> StoredLetter:
    found = DeadLetter(
        original=original,
        key=key,
        original_headers=headers,
        topic="touchpoints",
        partition=3,
        offset=7,
        step="intake",
        reason=reason,
        detail="want better",
    )
    return StoredLetter(found, truncated, None)


def test_a_letter_that_is_sound_now_is_sent_as_it_was() -> None:
    assert send_again(letter(), NOW_MS) == Redrive(b"ada", EVENT, ())


@pytest.mark.parametrize("key", [None, b"bob"])
def test_a_wrong_key_gives_way_to_the_subject(key: bytes | None) -> None:
    found = send_again(letter(key=key, reason="key_not_subject"), NOW_MS)
    assert found == Redrive(b"ada", EVENT, ())


def test_a_conflicting_id_stays() -> None:
    assert send_again(letter(reason="conflicting_id"), NOW_MS) == Keep("conflicting_id")


def test_as_a_new_event_it_has_an_id_that_follows_from_its_content() -> None:
    once = send_again(letter(reason="conflicting_id"), NOW_MS, as_new_event=True)
    again = send_again(letter(reason="conflicting_id"), Millis(NOW_MS + 1), as_new_event=True)
    assert isinstance(once, Redrive)
    assert once == again
    assert orjson.loads(once.value) == {**orjson.loads(EVENT), "id": "ada-1~792a256f610e0fd5"}


def test_two_spellings_of_a_conflict_become_one_new_event() -> None:
    event = orjson.loads(EVENT)
    spelt = orjson.dumps({**event, "data": {**event["data"], "sent_at": 7}})
    once = send_again(letter(reason="conflicting_id"), NOW_MS, as_new_event=True)
    again = send_again(letter(spelt, reason="conflicting_id"), NOW_MS, as_new_event=True)
    assert isinstance(once, Redrive)
    assert isinstance(again, Redrive)
    assert orjson.loads(once.value)["id"] == orjson.loads(again.value)["id"]


def test_only_a_conflicting_id_is_replaced() -> None:
    assert send_again(letter(), NOW_MS, as_new_event=True) == Redrive(b"ada", EVENT, ())


def test_in_binary_mode_the_new_id_stands_in_its_header() -> None:
    event = orjson.loads(EVENT)
    headers = tuple(
        (f"ce_{name}", str(event[name]).encode())
        for name in ("specversion", "id", "source", "type", "subject", "time")
    )
    body = orjson.dumps(event["data"])
    conflict = letter(body, b"ada", "conflicting_id", headers)
    found = send_again(conflict, NOW_MS, as_new_event=True)
    assert isinstance(found, Redrive)
    assert found.value == body
    assert dict(found.headers)["ce_id"].startswith(b"ada-1~")  # type: ignore[union-attr]


def test_a_long_id_is_cut_so_that_the_new_one_fits() -> None:
    long = order("ada", 1, "2026-01-01T00:00:00Z", id="x" * 256)
    conflict = letter(long, reason="conflicting_id")
    assert isinstance(send_again(conflict, NOW_MS, as_new_event=True), Redrive)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (letter(truncated=frozenset(["body"])), "cut"),
        (letter(b"nonsense"), "not_json"),
        (letter(order("ada", 1, "soon")), "bad_time"),
        (letter(order("ada", 1, "2026-01-01T00:00:00Z", type="moon.seen")), "not_wanted"),
        (
            letter(order("ada", 1, "2026-01-01T00:00:00Z", type="web.vist")),
            "type web.vist: did you mean web.visit?",
        ),
    ],
)
def test_what_would_die_again_stays(found: StoredLetter, why: str) -> None:
    assert send_again(found, NOW_MS) == Keep(why)


def test_a_letter_is_told_by_names() -> None:
    assert letter_as_json(letter(b"\xff", key=None, truncated=frozenset(["body"]))) == {
        "topic": "touchpoints",
        "partition": 3,
        "offset": 7,
        "step": "intake",
        "reason": "bad_data",
        "detail": "want better",
        "cut": ["body"],
        "key": None,
        "value_base64": "/w==",
    }


def test_a_letter_of_an_own_type_is_sent_again_where_the_settings_have_the_type() -> None:
    found = letter(order("ada", 1, "2026-01-01T00:00:00Z", type="meter.read", data={"kwh": 7}))
    assert isinstance(send_again(found, NOW_MS, own_types(OWN_TYPES)), Redrive)
    assert send_again(found, NOW_MS) == Keep("not_wanted")
