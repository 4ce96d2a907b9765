"""Unknown fields have counters with names: few of them, chosen without regard to order."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.streams.intake.unknown_fields import (
    NAMES_PER_EVENT,
    NAMES_PER_TYPE,
    UnknownField,
    counters_of,
    keep_few,
    near,
    unknown_fields_in,
)

MANY = [f"extra_{letter}" for letter in "abcdefghijklmnopqrst"]
MISSPELT = "chanel"  # of channel, which order.placed may leave out


@pytest.mark.parametrize(
    ("kind", "field", "meant"),
    [
        ("order.placed", "chanel", "channel"),
        ("web.visit", "durationS", "duration_s"),
        ("web.visit", "DURATION", "duration_s"),
        ("action.outcome", "value_mnor", "value_minor"),
        ("order.placed", "colour", None),
        ("order.placed", "ordr", None),  # a required field: without it the event is rejected
        ("web.vist", "page", None),
    ],
)
def test_a_near_miss_of_an_optional_field_is_recognised(
    kind: str, field: str, meant: str | None
) -> None:
    assert near(kind, field) == meant


@pytest.mark.parametrize(
    "field",
    [
        "mira@example.com",
        "+372 5551234",
        "customer_4711",
        "4ever",
        "x" * 41,
        "",
        "a.b",
        "Õnne",
        "line\nbreak",
    ],
)
def test_a_key_that_may_hold_data_of_a_customer_is_not_named(field: str) -> None:
    assert counters_of("web.visit", [field]) == ["unknown_field.web.visit.other"]


def test_two_fields_without_a_name_count_one_event() -> None:
    assert counters_of("web.visit", ["a b", "b c", "colour"]) == [
        "unknown_field.web.visit.other",
        "unknown_field.web.visit.colour",
    ]


def test_of_an_event_with_thousands_of_fields_a_bounded_number_is_looked_at() -> None:
    fields = sorted("f" + "".join(chr(97 + int(d)) for d in f"{n:04}") for n in range(5_000))
    assert len(counters_of("web.visit", fields)) == NAMES_PER_EVENT + 1


def test_a_type_keeps_few_names_and_its_misspellings_among_them() -> None:
    counters = {f"unknown_field.order.placed.{name}": 5 for name in MANY}
    counters |= {f"unknown_field.order.placed.{MISSPELT}": 1, "applied": 9}
    keep_few(counters)
    kept = {name for name in counters if name.startswith("unknown_field.")}
    assert len(kept) == NAMES_PER_TYPE + 1
    assert counters[f"unknown_field.order.placed.{MISSPELT}"] == 1
    assert counters["unknown_field.order.placed.other"] == 5 * (len(MANY) - NAMES_PER_TYPE + 1)
    assert counters["applied"] == 9


def test_another_type_keeps_its_own_names() -> None:
    counters = {f"unknown_field.order.placed.{name}": 5 for name in MANY}
    counters["unknown_field.web.visit.colour"] = 1
    keep_few(counters)
    assert counters["unknown_field.web.visit.colour"] == 1


def test_they_are_listed_with_the_misspellings_first() -> None:
    counters = {
        "applied": 70,
        "with_unknown_fields": 60,
        "unknown_field.web.visit.colour": 50,
        "unknown_field.web.visit.other": 5,
        "unknown_field.order.placed.chanel": 5,
    }
    assert unknown_fields_in(counters) == [
        UnknownField("order.placed", "chanel", 5, "channel"),
        UnknownField("web.visit", "colour", 50, None),
        UnknownField("web.visit", "other", 5, None),
    ]


events = st.lists(
    st.lists(st.sampled_from([*MANY, MISSPELT, "a b"]), min_size=1, max_size=6, unique=True),
    max_size=60,
)


@given(events, st.integers(1, 9), st.integers(1, 4), st.integers(0, 2**32))
def test_neither_order_batches_nor_shards_show(
    them: list[list[str]], batch: int, shards: int, seed: int
) -> None:
    shuffled = list(them)
    random.Random(seed).shuffle(shuffled)
    once = counted([them])[0]
    parts = counted([shuffled[number::shards] for number in range(shards)], batch)
    assert all(len(part) <= NAMES_PER_TYPE + 1 for part in parts)
    total: dict[str, int] = {}
    for part in parts:
        for name, count in part.items():
            total[name] = total.get(name, 0) + count
    assert unknown_fields_in(total) == unknown_fields_in(once)


def counted(shards: list[list[list[str]]], batch: int = 1_000) -> list[dict[str, int]]:
    """The counters of each shard, cut after every batch of events."""
    found = []
    for them in shards:
        counters: dict[str, int] = {}
        for number, fields in enumerate(them, 1):
            for name in counters_of("order.placed", sorted(fields)):
                counters[name] = counters.get(name, 0) + 1
            if number % batch == 0:
                keep_few(counters)
        keep_few(counters)
        found.append(counters)
    return found
