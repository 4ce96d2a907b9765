"""Incoming webhooks of Slack, and of what speaks the same: Mattermost, Rocket.Chat, Zulip."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from touchstream.agents.channels.http_delivery import deliver
from touchstream.agents.channels.message import Delivery, Kind, Message, within
from touchstream.agents.channels.safe_http import SafeHttp
from touchstream.agents.channels.webhook import USER_AGENT

LONGEST_SECTION = 3_000
"""Characters of a section of Slack, escaped."""
MOST_SECTIONS = 10
"""Slack takes 50 blocks; nobody reads that many."""
LEFT_OUT = "…"


class SlackChannel:
    """Posts a bold title and the text; what has no blocks shows the fallback, which is the same."""

    kind: Kind = "slack"

    def __init__(
        self,
        name: str,
        url: str,
        http: SafeHttp,
        *,
        timeout_s: float,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self._url = url
        self._http = http
        self._timeout_s = timeout_s
        self._now_s = now_s

    async def send(self, message: Message, address: str | None = None) -> Delivery:
        """POST once; the address is not used: the URL comes from the settings."""
        headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
        attempt = deliver(
            self._http, self._url, orjson.dumps(body(message)), headers, self._now_s()
        )
        return await within(self._timeout_s, attempt)

    async def close(self) -> None:
        self._http.close()


def body(message: Message) -> dict[str, Any]:
    """Compose what Slack reads."""
    title = _cut(message.subject, LONGEST_SECTION - len("**"))
    sections = [f"*{title}*", *_sections(message.text)]
    if len(sections) > MOST_SECTIONS:
        sections = [*sections[: MOST_SECTIONS - 1], LEFT_OUT]
    return {
        "text": "\n".join(sections),
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": section}} for section in sections
        ],
    }


def escaped(text: str) -> str:
    """Escape what Slack reads as a link or a mention.

    >>> escaped("<!channel> R&D")
    '&lt;!channel&gt; R&amp;D'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _sections(text: str) -> Iterator[str]:
    """Pack whole lines into sections that are short enough."""
    section = ""
    for line in map(_cut, text.strip().splitlines()):
        longer = f"{section}\n{line}" if section else line
        if len(longer) > LONGEST_SECTION:
            yield section
            longer = line
        section = longer
    if section.strip():
        yield section


def _cut(line: str, longest: int = LONGEST_SECTION) -> str:
    """Escape a line, and end it before the limit but never within an escape."""
    if len(escaped(line)) <= longest:
        return escaped(line)
    kept = line[: longest - len(LEFT_OUT)]
    while len(escaped(kept)) > longest - len(LEFT_OUT):
        kept = kept[:-1]
    return escaped(kept) + LEFT_OUT
