"""The id of a message, and a line of a text that somebody else wrote."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.agents.channels.receivers import MESSAGE
from touchstream.agents.channels.message import message_id, one_line

PARTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), max_size=4)


@given(PARTS, PARTS)
def test_the_same_parts_have_the_same_id_and_others_another(one: list[str], two: list[str]) -> None:
    assert (message_id(*one) == message_id(*two)) == (one == two)


def test_parts_that_read_the_same_in_a_row_are_kept_apart() -> None:
    assert message_id("ab", "c") != message_id("a", "bc")


@given(PARTS)
def test_every_id_is_one_that_a_message_may_have(parts: list[str]) -> None:
    assert structs.replace(MESSAGE, id=message_id(*parts)).id == message_id(*parts)


@given(st.text())
def test_every_text_in_one_line_is_one_that_a_subject_may_have(text: str) -> None:
    assert structs.replace(MESSAGE, subject=one_line(text)).subject == one_line(text)
