"""Laws of intake: any bytes end somewhere, memory knows no order, depth is what a parser finds."""

from typing import Any

import msgspec
import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.streams.intake.records import (
    VISIT,
    VISIT_HEADERS,
    arrive,
    at_home,
    record,
    visit,
)
from touchstream.schemas.dead_letter import Header
from touchstream.schemas.tick import Tick
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.intake.clock import FUTURE_TOLERANCE_MS, clamp
from touchstream.streams.intake.decode import MAX_DETAIL_CHARS, Arrival, Origin, decode
from touchstream.streams.intake.fingerprint import identity_of
from touchstream.streams.intake.limits import MAX_DEPTH, too_deep
from touchstream.streams.intake.memory import (
    NOTHING_REMEMBERED,
    Memory,
    forget_before,
    recall,
    remember,
)
from touchstream.streams.outcome import Drop, Reject
from touchstream.streams.records import Record

SECRETS = st.none() | st.binary(max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)
TYPES = st.sampled_from(
    ["web.visit", "order.placed", "customer.updated", "survey.answered", "touchstream.tick"]
)
ATTRIBUTE_NAMES = [*VISIT, "data_base64", "datacontenttype", "traceparent"]
HEADER_NAMES = [name for name, _ in VISIT_HEADERS] + ["ce_", "ce_tenant", "Content-Type"]
HEADERS: st.SearchStrategy[tuple[Header, ...]] = st.lists(
    st.tuples(
        st.sampled_from(HEADER_NAMES) | st.text(max_size=20), st.none() | st.binary(max_size=40)
    ),
    max_size=8,
).map(tuple)
IDENTITIES = st.integers(0, 2**34 - 1).map(lambda bits: bits << 30)
"""Those that are different in a memory; two of 2**64 that agree in 34 bits look the same."""
LAST_MS = 60 * DAY_MS
EVENTS = st.lists(
    st.tuples(IDENTITIES, st.integers(0, 2**64 - 1), st.integers(0, LAST_MS)),
    unique_by=lambda event: event[0],
    max_size=30,
)


def ends_somewhere(found: Record, secret: bytes | None = None) -> bool:
    """Check that a record becomes one of the four, whatever its content and position."""
    origin = at_home(found.key)._replace(tick_secret=secret)
    outcome = decode(found, origin)
    if isinstance(outcome, Reject):
        assert 0 < len(outcome.detail) <= MAX_DETAIL_CHARS
    return isinstance(outcome, Arrival | Tick | Reject | Drop)


@given(st.binary(), st.none() | st.binary(), HEADERS, SECRETS, st.integers(-(2**62), 2**62))
def test_any_bytes_headers_and_key_end_in_exactly_one_place(
    value: bytes, key: bytes | None, headers: tuple[Header, ...], secret: bytes | None, stamp: int
) -> None:
    assert ends_somewhere(record(value, key, headers, Millis(stamp)), secret)


@given(st.dictionaries(st.sampled_from(ATTRIBUTE_NAMES), JSON), TYPES, SECRETS)
@example({"time": "0001-01-01T00:00:00+23:59"}, "web.visit", None)
@example({"time": "9999-12-31T23:59:60-23:59"}, "web.visit", None)
@example({"time": "2026-01-02T12:00:00.000\uff3a"}, "web.visit", None)
@example({"time": "\uff12026-01-02T12:00:00.000Z"}, "web.visit", None)
@example({"subject": "\ufeff\u202e\U0010ffff"}, "web.visit", None)
def test_any_json_in_any_attribute_ends_in_exactly_one_place(
    changed: dict[str, Any], kind: str, secret: bytes | None
) -> None:
    attributes = {**VISIT, "type": kind, **changed}
    subject = attributes["subject"]
    key = subject.encode() if isinstance(subject, str) else b"ada"
    value = orjson.dumps(attributes)
    assert ends_somewhere(record(value, key), secret)
    assert ends_somewhere(record(value, None), secret)


@given(st.data())
def test_a_visit_with_some_bytes_changed_ends_in_exactly_one_place(data: st.DataObject) -> None:
    value = bytearray(visit())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(value) - 1))
        value[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    assert ends_somewhere(record(bytes(value)))


@given(JSON)
def test_any_data_of_a_survey_ends_in_exactly_one_place(answers: object) -> None:
    data = {"survey": "s", "kind": "csat", "answers": answers}
    assert ends_somewhere(record(visit(type="survey.answered", data=data)))


@given(st.integers(1, 100_000), st.sampled_from([b"[", b'{"a":', b"[{", b'"[']))
def test_any_nesting_ends_in_exactly_one_place(levels: int, opening: bytes) -> None:
    assert ends_somewhere(record(opening * levels))


@given(st.integers(1, 400), st.sampled_from(["", "-", "0.", "1e"]))
def test_any_number_ends_in_exactly_one_place(digits: int, before: str) -> None:
    huge = visit().replace(b"34.5", before.encode() + b"9" * digits)
    assert ends_somewhere(record(huge))


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, max_size=5))
def test_what_arrives_in_binary_mode_is_what_arrives_in_structured_mode(
    data: dict[str, Any],
) -> None:
    data = {**data, "page": "/"}
    structured = decode(record(visit(data=data)), at_home(b"ada"))
    binary = decode(record(orjson.dumps(data), headers=VISIT_HEADERS), at_home(b"ada"))
    assert binary == structured


@given(st.permutations(list(VISIT)))
def test_the_order_of_attributes_does_not_show(order: list[str]) -> None:
    turned = orjson.dumps({name: VISIT[name] for name in order})
    assert arrive(record(turned)) == arrive(record(visit()))


NAMES = st.text("ab/", min_size=1, max_size=4)


@given(NAMES, NAMES, NAMES, NAMES)
def test_two_names_share_an_identity_only_if_they_are_the_same(
    source: str, event_id: str, other_source: str, other_id: str
) -> None:
    same = (source, event_id) == (other_source, other_id)
    assert (identity_of(source, event_id) == identity_of(other_source, other_id)) == same


@given(st.integers(-(2**52), 2**52), st.integers(-(2**52), 2**52))
def test_clamping_twice_is_clamping_once(time: int, received: int) -> None:
    clamped_ms, _ = clamp(Millis(time), Millis(received))
    assert clamped_ms == min(time, received + FUTURE_TOLERANCE_MS)
    assert clamp(clamped_ms, Millis(received)) == (clamped_ms, False)


def depth_of(value: object) -> int:
    """Nesting as a parser finds it."""
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(JSON, st.integers(0, 40), st.booleans())
def test_json_is_too_deep_exactly_if_a_parser_finds_it_so(
    inner: object, levels: int, as_objects: bool
) -> None:
    value = inner
    for _ in range(levels):
        value = {'[{"\\': value} if as_objects else [value, "]"]
    assert too_deep(orjson.dumps(value)) == (depth_of(value) > MAX_DEPTH)


def remembering(events: list[tuple[int, int, int]], limit: int) -> Memory:
    memory = NOTHING_REMEMBERED
    for identity, content, time_ms in events:
        memory, _ = remember(memory, identity, content, Millis(time_ms), limit)
    return memory


@given(st.data(), EVENTS, st.integers(1, 40))
def test_the_order_in_which_events_came_does_not_show_in_memory(
    data: st.DataObject, events: list[tuple[int, int, int]], limit: int
) -> None:
    shuffled = data.draw(st.permutations(events))
    assert remembering(shuffled, limit) == remembering(events, limit)


@given(EVENTS, st.integers(1, 40))
def test_memory_knows_exactly_the_youngest_up_to_its_cap(
    events: list[tuple[int, int, int]], limit: int
) -> None:
    memory = remembering(events, limit)
    by_age = sorted(events, key=lambda event: (event[2] // DAY_MS, event[0]))
    forgotten, kept = by_age[:-limit], by_age[-limit:]
    assert {recall(memory, identity, content) for identity, content, _ in kept} <= {"duplicate"}
    assert {recall(memory, identity, content) for identity, content, _ in forgotten} <= {"new"}
    assert len(memory) == 8 * len(kept)


@given(EVENTS, st.integers(1, 40))
def test_the_cap_shows_exactly_when_there_is_one_id_too_many(
    events: list[tuple[int, int, int]], limit: int
) -> None:
    memory = NOTHING_REMEMBERED
    for count, (identity, content, time_ms) in enumerate(events, start=1):
        memory, capped = remember(memory, identity, content, Millis(time_ms), limit)
        assert capped == (count > limit)


@given(EVENTS, st.integers(50, 63))
def test_other_content_under_a_known_id_is_a_conflict(
    events: list[tuple[int, int, int]], bit: int
) -> None:
    memory = remembering(events, limit=40)
    for identity, content, _ in events:
        other = content ^ 1 << bit
        # Contents 0 and 1 look the same, because 0 is an unknown content.
        if {content >> 50, other >> 50} != {0, 1}:
            assert recall(memory, identity, other) == "conflict"


@given(EVENTS, st.lists(st.integers(0, LAST_MS + 2 * DAY_MS), max_size=4))
def test_forgetting_step_by_step_is_forgetting_at_once(
    events: list[tuple[int, int, int]], moments: list[int]
) -> None:
    memory = remembering(events, limit=40)
    stepwise = memory
    for moment in moments:
        stepwise = forget_before(stepwise, Millis(moment))
    assert stepwise == forget_before(memory, Millis(max(moments, default=0)))


@given(EVENTS, st.integers(0, LAST_MS + 2 * DAY_MS))
def test_forgetting_leaves_the_memory_of_what_is_not_older_to_the_day(
    events: list[tuple[int, int, int]], moment: int
) -> None:
    younger = [event for event in events if event[2] // DAY_MS >= moment // DAY_MS]
    after = forget_before(remembering(events, limit=40), Millis(moment))
    assert after == remembering(younger, limit=40)


@given(EVENTS)
def test_memory_read_back_is_the_memory_written(events: list[tuple[int, int, int]]) -> None:
    memory = remembering(events, limit=40)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(memory), type=Memory) == memory


@given(st.text("abcdefgh", min_size=1, max_size=12), st.integers(1, 8))
def test_a_subject_is_at_home_on_exactly_one_partition(subject: str, partitions: int) -> None:
    found = record(visit(subject=subject), subject.encode())
    origins = [Origin(partition, partitions, None) for partition in range(partitions)]
    assert [isinstance(decode(found, origin), Arrival) for origin in origins].count(True) == 1
