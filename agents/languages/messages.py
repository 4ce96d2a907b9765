"""Messages to reps from plain data: subject, text and HTML, in the rep's language.

They are pure functions. Links are the caller's, and are only ever read (GET): a mail scanner that
follows one changes nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

from touchstream.agents.languages.layout import Item, Message, Page, Section, rendered
from touchstream.agents.languages.message_data import (
    AlertLine,
    ChannelOff,
    ClearedLine,
    Digest,
    Escalation,
    QuietHours,
)
from touchstream.agents.languages.texts import Texts
from touchstream.schemas.units import Millis

LISTED = 20
"""Alerts in one message; a longer list is read in the console."""


def raised(texts: Texts, line: AlertLine, now_ms: Millis) -> Message:
    """A customer who needs the rep now."""
    title = _headline(texts, line)
    item = _item(texts, line, now_ms)._replace(title="")
    return _message(texts, title, "", [Section("", (item,))])


def digest(texts: Texts, given: Digest, listed: int = LISTED) -> Message:
    """The open alerts by priority, and what came and went since the last digest."""
    counts = _Counts(given.raised, given.cleared)
    when = texts.near(given.since_ms, given.now_ms, given.time_zone)
    intro = texts.text("digest-intro", when=when, **counts.shown(texts))
    if not given.open_count:
        intro = f"{intro}. {texts.text('digest-empty')}"
    return _message(
        texts,
        texts.text("digest-subject", **counts.shown(texts)),
        intro,
        [_alerts(texts, "", given.open, given.open_count, given.now_ms, listed)],
        _queue(texts, given.link),
    )


def quiet_summary(texts: Texts, given: QuietHours, listed: int = LISTED) -> Message:
    """One message at the end of quiet hours: what is still open, and what has cleared since."""
    counts = _Counts(len(given.raised), len(given.cleared))
    intro = texts.text(
        "quiet-intro",
        since=texts.near(given.since_ms, given.until_ms, given.time_zone),
        until=texts.near(given.until_ms, given.until_ms, given.time_zone),
        **counts.shown(texts),
    )
    still = texts.text("quiet-raised")
    sections = [
        _alerts(texts, still, given.raised, len(given.raised), given.until_ms, listed),
        _cleared(texts, given.cleared, listed),
    ]
    subject = texts.text("quiet-subject", **counts.shown(texts))
    return _message(texts, subject, intro, sections, _queue(texts, given.link))


def escalation(texts: Texts, given: Escalation) -> Message:
    """An alert passes to the next in charge."""
    waited = texts.lasting(given.waited_s)
    return _message(
        texts,
        texts.text("escalation-subject", customer=given.line.customer),
        texts.text("escalation-intro", rep=given.rep, waited=waited),
        [Section("", (_item(texts, given.line, given.now_ms),))],
    )


def channel_off(texts: Texts, given: ChannelOff) -> Message:
    """The owner of a channel learns that it was switched off, why, and what to do."""
    when = texts.near(given.since_ms, given.now_ms, given.time_zone)
    details = (
        texts.text("channel-off-reason", why=given.why),
        texts.text("channel-off-next"),
    )
    open_page = (texts.text("channel-off-open"), given.link)
    return _message(
        texts,
        texts.text("channel-off-subject", channel=given.channel),
        texts.text("channel-off-intro", channel=given.channel, when=when),
        [Section("", (Item("", details, *open_page),))],
    )


class _Counts(NamedTuple):
    raised: int
    cleared: int

    def shown(self, texts: Texts) -> dict[str, str]:
        return {"raised": texts.number(self.raised), "cleared": texts.number(self.cleared)}


def _headline(texts: Texts, line: AlertLine) -> str:
    return texts.headline(line.kind, line.customer, line.band, line.risk)


def _alerts(
    texts: Texts, title: str, lines: Sequence[AlertLine], count: int, now_ms: Millis, listed: int
) -> Section:
    first = sorted(lines, key=_by_priority)[:listed]
    items = tuple(_item(texts, line, now_ms) for line in first)
    return Section(title, items, _more(texts, count - len(items)))


def _by_priority(line: AlertLine) -> tuple[float, Millis, str]:
    return -line.priority, line.since_ms, line.customer


def _more(texts: Texts, count: int) -> str:
    return texts.text("message-more", number=texts.number(count)) if count > 0 else ""


def _item(texts: Texts, line: AlertLine, now_ms: Millis) -> Item:
    details = [texts.reason(reason, line.scored_ms) for reason in line.reasons]
    if not details:
        details.append(texts.text("message-why-unknown"))
    if line.action is not None:
        details.append(texts.text("message-do", action=texts.action(line.action)))
    details.append(texts.text("message-since", ago=texts.ago(line.since_ms, now_ms)))
    return Item(_headline(texts, line), tuple(details), texts.text("message-open"), line.link)


def _cleared(texts: Texts, lines: Sequence[ClearedLine], listed: int) -> Section:
    items = tuple(
        Item(f"{line.customer}: {texts.cleared(line.why)}", ()) for line in lines[:listed]
    )
    return Section(texts.text("quiet-cleared"), items, _more(texts, len(lines) - len(items)))


def _queue(texts: Texts, link: str) -> Item:
    return Item("", (), texts.text("message-open-queue"), link)


def _message(
    texts: Texts,
    subject: str,
    intro: str,
    sections: Sequence[Section],
    button: Item | None = None,
) -> Message:
    filled = tuple(section for section in sections if section.items or section.more)
    note = texts.text("message-links")
    return rendered(Page(texts.language, subject, intro, filled, button, note))
