import pytest

from touchstream.streams.intake.limits import MAX_DEPTH, are_plain, is_name, too_deep


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def test_32_levels_are_not_too_deep() -> None:
    assert not too_deep(nested(MAX_DEPTH))


def test_33_levels_are_too_deep() -> None:
    assert too_deep(nested(MAX_DEPTH + 1))


def test_objects_and_arrays_count_alike() -> None:
    assert too_deep(b'{"a":[' * 17 + b"]}" * 17)


def test_100_000_brackets_that_never_close_are_too_deep() -> None:
    assert too_deep(b"[" * 100_000)


def test_an_order_of_a_hundred_items_is_not_too_deep() -> None:
    assert not too_deep(b'{"items":[' + b'{"sku":"a"},' * 100 + b"{}]}")


def test_brackets_in_a_string_do_not_nest() -> None:
    assert not too_deep(b'{"text":"' + b"[" * 100 + b'"}')


def test_an_escaped_quote_does_not_end_its_string() -> None:
    assert not too_deep(rb'{"text":"\"' + b"[" * 100 + b'"}')


def test_an_escaped_backslash_does_not_hide_the_end_of_its_string() -> None:
    assert too_deep(rb'{"text":"\\","more":' + nested(40) + b"}")


@pytest.mark.parametrize("name", ["a", "zoë", "a b", "x" * 256, "é" * 128, "\u200d", "😀" * 64])
def test_a_name_of_1_to_256_bytes_serves(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "x" * 257, "é" * 129, "a\x00b", "a\nb", "\x7f", "a\u0085", "\u009f", 7, None, True, ["a"]],
)
def test_what_is_empty_long_or_has_control_characters_is_no_name(name: object) -> None:
    assert not is_name(name)


def test_ascii_is_plain() -> None:
    assert are_plain(("ada", "https://shop.example/a b~"))


@pytest.mark.parametrize("name", ["zoë", "a\x00b", "a\x7f", "a\tb"])
def test_what_needs_a_closer_look_is_not_plain(name: str) -> None:
    assert not are_plain(("ada", name))
