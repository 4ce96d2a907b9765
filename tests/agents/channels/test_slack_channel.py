"""Slack-compatible messages: nobody is mentioned by a customer's text, nothing is too long."""

import html

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.agents.channels.receivers import MESSAGE, Receiver, status
from touchstream.agents.channels.message import Delivery
from touchstream.agents.channels.safe_http import SafeHttp
from touchstream.agents.channels.slack import LONGEST_SECTION, SlackChannel, body


async def sent(url: str) -> Delivery:
    channel = SlackChannel(
        "chat", url, SafeHttp(allow_http=True, allow_private=True), timeout_s=10.0
    )
    delivery = await channel.send(MESSAGE)
    await channel.close()
    return structs.replace(delivery, duration_ms=0)


async def test_title_and_text_arrive_as_blocks_and_as_text(receiver: Receiver) -> None:
    assert await sent(receiver.url) == Delivery("delivered", 200)
    assert receiver.requests[0].json == {
        "text": "*Ada is likely to leave*\nRisk 81 %.\nCall them.",
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": "*Ada is likely to leave*"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "Risk 81 %.\nCall them."}},
        ],
    }


async def test_a_channel_that_is_gone_is_gone(receiver: Receiver) -> None:
    receiver.answer = status(410)
    assert (await sent(receiver.url)).status == "gone"


async def test_too_many_messages_wait(receiver: Receiver) -> None:
    receiver.answer = status(429, Retry_After="30")
    assert (await sent(receiver.url)).retry_after_s == 30.0


def test_what_slack_reads_as_a_mention_or_a_link_is_escaped() -> None:
    message = structs.replace(MESSAGE, subject="<!channel> R&D", text="<https://evil.example|bank>")
    assert body(message)["text"] == (
        "*&lt;!channel&gt; R&amp;D*\n&lt;https://evil.example|bank&gt;"
    )


@given(st.text(max_size=9_000), st.sampled_from(["Ada", "&" * 2_000, "x" * 4_000]))
def test_no_section_is_too_long_and_none_ends_within_an_escape(text: str, subject: str) -> None:
    blocks = body(structs.replace(MESSAGE, subject=subject, text=text))["blocks"]
    sections = [block["text"]["text"] for block in blocks]
    assert len(sections) <= 10
    for section in sections:
        assert 0 < len(section) <= LONGEST_SECTION
        assert not set("<>") & set(section)
        assert section.count("&") == sum(section.count(f"&{name};") for name in ("amp", "lt", "gt"))


def test_a_long_text_is_split_between_lines_and_loses_none() -> None:
    lines = [f"{number} & {'x' * 990}" for number in range(9)]
    blocks = body(structs.replace(MESSAGE, text="\n".join(lines)))["blocks"]
    shown = [line for block in blocks[1:] for line in block["text"]["text"].split("\n")]
    assert [html.unescape(line) for line in shown] == lines


def test_a_line_that_is_too_long_is_cut() -> None:
    [_, block] = body(structs.replace(MESSAGE, text="&" * 5_000))["blocks"]
    assert block["text"]["text"] == "&amp;" * 599 + "…"


def test_a_text_that_is_too_long_says_so() -> None:
    blocks = body(structs.replace(MESSAGE, text="\n".join(["x" * 2_999] * 20)))["blocks"]
    assert len(blocks) == 10
    assert blocks[-1]["text"]["text"] == "…"
