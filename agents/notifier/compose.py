"""The messages of deliveries: texts in the recipient's language from what the book holds now."""

from typing import NamedTuple

from touchstream.agents.channels.message import Message, one_line
from touchstream.agents.languages import messages
from touchstream.agents.languages.layout import Message as Written
from touchstream.agents.languages.message_data import (
    AlertLine,
    ChannelOff,
    ClearedLine,
    Digest,
    Escalation,
    QuietHours,
)
from touchstream.agents.languages.texts import Texts
from touchstream.agents.notifier.book import Book, Delivery, Notice
from touchstream.agents.notifier.directory import Directory
from touchstream.agents.settings_reps import Recipient

TYPES = {
    "raised": "alert.raised",
    "escalated": "alert.escalated",
    "quiet": "alert.summary",
    "digest": "alert.digest",
    "channel_off": "channel.disabled",
}


class Composer(NamedTuple):
    """Writes messages."""

    directory: Directory
    console: str
    """Address of the console, without a slash at the end."""

    def message(self, book: Book, delivery: Delivery) -> Message | None:
        """The message; None if there is nothing left to say, or nobody to say it to."""
        recipient = self.directory.get(delivery.recipient)
        if recipient is None:
            return None
        notices = [book.notices[name] for name in delivery.alerts if name in book.notices]
        if delivery.kind != "channel_off" and not notices and not delivery.cleared:
            return None
        texts = Texts(recipient.language)
        written = self._written(texts, recipient, delivery, notices)
        return Message(
            id=delivery.id,
            type=TYPES[delivery.kind],
            subject=one_line(written.subject),
            text=written.text,
            html=written.html,
            payload=self._payload(delivery, notices),
            language=recipient.language,
            time_ms=delivery.made_ms,
            details={"text": written.chat, "alerts": [_details(one) for one in notices]},
        )

    def _written(
        self, texts: Texts, recipient: Recipient, delivery: Delivery, notices: list[Notice]
    ) -> Written:
        lines = [self._line(one) for one in notices]
        at_ms, queue = delivery.made_ms, f"{self.console}/"
        since_ms = delivery.since_ms or at_ms
        cleared = [ClearedLine(one.customer, one.why) for one in delivery.cleared]
        match delivery.kind:
            case "raised":
                return messages.raised(texts, lines[0], at_ms)
            case "escalated":
                return self._escalated(texts, delivery, notices[0])
            case "quiet":
                quiet = QuietHours(since_ms, at_ms, recipient.time_zone, lines, cleared, queue)
                return messages.quiet_summary(texts, quiet)
            case "digest":
                digest = Digest(
                    since_ms,
                    at_ms,
                    recipient.time_zone,
                    delivery.raised,
                    len(cleared),
                    lines,
                    len(lines) + delivery.unlisted,
                    queue,
                )
                return messages.digest(texts, digest)
            case "channel_off":
                off = ChannelOff(delivery.about, "", since_ms, at_ms, recipient.time_zone, queue)
                return messages.channel_off(texts, off)

    def _escalated(self, texts: Texts, delivery: Delivery, notice: Notice) -> Written:
        before = self.directory.get(delivery.about)
        minutes = 0 if before is None else before.answer_within_minutes or 0
        name = delivery.about if before is None else before.shown
        return messages.escalation(
            texts, Escalation(self._line(notice), name, 60.0 * minutes, delivery.made_ms)
        )

    def _line(self, notice: Notice) -> AlertLine:
        return AlertLine(
            customer=notice.customer,
            kind=notice.kind,
            risk=notice.risk,
            band=notice.band,
            reasons=notice.reasons,
            scored_ms=notice.scored_ms,
            action=notice.action,
            since_ms=notice.raised_ms,
            link=f"{self.console}/alerts/{notice.alert}",
            priority=notice.score,
        )

    def _payload(self, delivery: Delivery, notices: list[Notice]) -> dict[str, object]:
        """Ids and links alone."""
        return {
            "alerts": [one.alert for one in notices],
            "recipient": delivery.recipient,
            "links": [f"{self.console}/alerts/{one.alert}" for one in notices],
        }


def _details(notice: Notice) -> dict[str, object]:
    return {
        "alert": notice.alert,
        "customer": notice.customer,
        "kind": notice.kind,
        "owner": notice.owner,
        "queue": notice.queue,
        "band": notice.band,
        "risk": notice.risk,
        "priority": notice.score,
        "reasons": [reason.text for reason in notice.reasons],
        "action": notice.action,
    }
