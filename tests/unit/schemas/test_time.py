from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.schemas.envelope import format_time, parse_time

EARLIEST_MS = -62_135_596_800_000
LATEST_MS = 253_402_300_799_999


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.001Z", 1),
        ("2026-01-02T03:04:05.678Z", 1_767_323_045_678),
        ("2026-01-02t03:04:05.678z", 1_767_323_045_678),
        ("2026-01-02t03:04:05.678Z", 1_767_323_045_678),
        ("2026-01-02T05:04:05.678+02:00", 1_767_323_045_678),
        ("2026-01-01T21:34:05.678-05:30", 1_767_323_045_678),
        ("2026-01-02T03:04:05.678999999Z", 1_767_323_045_678),
        ("2026-01-02T03:04:05.6789999999Z", 1_767_323_045_678),
        ("2026-01-02T03:04:05.6789999999+00:00", 1_767_323_045_678),
        ("2026-01-02T03:04:05." + "9" * 1_000 + "Z", 1_767_323_045_999),
        ("2026-01-02T03:04:05.6Z", 1_767_323_045_600),
        ("1970-01-01T00:00:00-00:00", 0),
        ("1969-12-31T23:59:59.9999Z", -1),
        ("1996-02-29T00:00:00Z", 825_552_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("2016-12-31T15:59:60.5-08:00", 1_483_228_800_500),
        ("0001-01-01T00:00:00Z", EARLIEST_MS),
        ("9999-12-31T23:59:59.999Z", LATEST_MS),
    ],
)
def test_an_rfc_3339_time_is_read(text: str, time_ms: int) -> None:
    assert parse_time(text) == time_ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0001-01-01T00:Z\x00:00Z",
        "now",
        "1767323045678",
        "2026-01-02",
        "2026-01-02T03:04Z",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05Z",
        "2026-01-02T03:04:05,678Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05.123456789x0Z",
        "2026-01-02T03:04:05+0200",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+02:60",
        "2026-01-02T24:00:00Z",
        "2026-01-02T03:60:00Z",
        "2026-01-02T03:04:61Z",
        "2026-01-02T03:04:60Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-W01-5T03:04:05Z",
        "20260102T030405.000000Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
        "2026-01-02T03:04:05Z\n",
        "٢٠٢٦-01-02T03:04:05Z",
        "2026-01-02T03:04:0\ud800Z",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the datetime module words some of them
        parse_time(text)


def test_a_time_is_written_with_its_milliseconds_even_if_there_are_none() -> None:
    assert format_time(1_767_323_045_000) == "2026-01-02T03:04:05.000Z"


@pytest.mark.parametrize("time_ms", [EARLIEST_MS - 1, LATEST_MS + 1, 10**30])
def test_a_moment_outside_the_years_1_to_9999_is_not_written(time_ms: int) -> None:
    with pytest.raises(ValueError, match="years 1 to 9999"):
        format_time(time_ms)


@given(st.integers(EARLIEST_MS, LATEST_MS))
def test_what_is_written_is_read_back(time_ms: int) -> None:
    assert parse_time(format_time(time_ms)) == time_ms


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)),
    st.integers(-1439, 1439),
)
def test_any_offset_names_the_same_moment_as_datetime_does(moment: datetime, offset: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    expected = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert parse_time(aware.isoformat()) == expected


@given(st.from_regex(r"[0-9]{4}.[0-9]{2}.[0-9]{2}.[0-9]{2}.[0-9]{2}.[0-9]{2}(\.[0-9]{3})?Z"))
def test_what_is_read_has_the_form_of_rfc_3339(text: str) -> None:
    try:
        time_ms = parse_time(text)
    except ValueError:
        return
    written = format_time(time_ms)
    assert written == (text if len(text) == 24 else text[:-1] + ".000Z")
