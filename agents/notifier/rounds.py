"""The passage of time: pushes under capacity, summaries after quiet hours, digests, escalations."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from touchstream.agents.channels.message import message_id
from touchstream.agents.notifier.book import Book, Delivery, DeliveryKind, Notice, RecipientState
from touchstream.agents.notifier.capacity import chosen
from touchstream.agents.notifier.directory import Directory
from touchstream.agents.notifier.events import assign, given_to
from touchstream.agents.notifier.hours import is_quiet, local, quiet_since
from touchstream.agents.settings_reps import Recipient
from touchstream.schemas.units import DAY_MS, Millis


def pass_time(book: Book, directory: Directory, now_ms: Millis, *, reassign: bool = True) -> None:
    """Decide what is to be sent now; repeated at the same moment it adds nothing.

    Without ``reassign`` every alert stays with whom it is: who is away changes at midnights.
    """
    if reassign:
        _reassign(book, directory, now_ms)
    by_recipient: dict[str, list[Notice]] = {}
    for notice in book.notices.values():
        if notice.recipient is not None and notice.expires_ms > now_ms:
            by_recipient.setdefault(notice.recipient, []).append(notice)
    for recipient in directory.everybody():
        _pass_for(book, recipient, by_recipient.get(recipient.id, []), now_ms)
    # Last: an alert that was held through the night is not late before the day begins.
    _escalate(book, directory, now_ms)


def _reassign(book: Book, directory: Directory, now_ms: Millis) -> None:
    """Hand over what belongs to a rep who is away, or is back."""
    for notice in list(book.notices.values()):
        if not notice.is_quiet and not notice.escalated_from:
            assign(book, directory, notice, now_ms)


def _pass_for(book: Book, recipient: Recipient, notices: Sequence[Notice], now_ms: Millis) -> None:
    state = book.recipient(recipient.id)
    if is_quiet(recipient, now_ms):
        if state.quiet_since_ms is None:
            book.put(replace(state, quiet_since_ms=now_ms))
        return
    if state.quiet_since_ms is not None:
        _summarise(book, recipient, state, notices, now_ms)
    # As they are after the summary.
    _push(book, recipient, [book.notices[one.alert] for one in notices], now_ms)
    _digest(book, recipient, notices, now_ms)


def _summarise(
    book: Book,
    recipient: Recipient,
    state: RecipientState,
    notices: Sequence[Notice],
    now_ms: Millis,
) -> None:
    """One message at the end of quiet hours, instead of many in them."""
    # The notifier may have started after they began, and run again after they ended.
    since_ms = min(state.quiet_since_ms or now_ms, quiet_since(recipient, now_ms))
    held = [one for one in notices if one.push is not None]
    cleared = tuple(one for one in state.cleared if one.at_ms >= since_ms)
    book.put(
        replace(
            state,
            quiet_since_ms=None,
            cleared=(),
            summarised_ms=now_ms,
            summary_hour=_hour(recipient, now_ms) if held or cleared else state.summary_hour,
            raised=0 if held or cleared else state.raised,
        )
    )
    if not held and not cleared:
        return
    for notice in held:
        book.put(replace(book.notices[notice.alert], push=None))
    _send(
        book,
        recipient,
        "quiet",
        (_hour(recipient, now_ms),),
        now_ms,
        alerts=tuple(one.alert for one in held),
        cleared=cleared,
        since_ms=since_ms,
    )


def _push(book: Book, recipient: Recipient, notices: Sequence[Notice], now_ms: Millis) -> None:
    """Send single alerts, the highest priority first, as far as the day's capacity goes."""
    waiting = [one for one in notices if one.push is not None]
    if not waiting:
        return
    escalated = [one for one in waiting if one.escalated_from]
    for notice in escalated:
        _send_one(book, recipient, notice, "escalated", now_ms)
    state, today = book.recipient(recipient.id), local(recipient, now_ms).date().isoformat()
    pushed = state.pushed if state.day == today else 0
    others = sorted(
        (one for one in waiting if not one.escalated_from),
        key=lambda one: (-one.score, one.raised_ms, one.alert),
    )
    scores, left = [one.score for one in others], recipient.capacity_per_day - pushed
    count = chosen(scores, state.recent, now_ms, left, recipient.capacity_per_day)
    for notice in others[:count]:
        _send_one(book, recipient, notice, "raised", now_ms)
    if count:
        book.put(replace(state, day=today, pushed=pushed + count))


def _send_one(
    book: Book, recipient: Recipient, notice: Notice, kind: DeliveryKind, now_ms: Millis
) -> None:
    book.put(replace(notice, push=None))
    parts = (notice.alert, notice.push or "")
    about = notice.escalated_from[-1] if notice.escalated_from else ""
    _send(book, recipient, kind, parts, now_ms, alerts=(notice.alert,), about=about)


def _digest(book: Book, recipient: Recipient, notices: Sequence[Notice], now_ms: Millis) -> None:
    """The open alerts, at most once in a local hour; the summary of a night is one, too."""
    state, hour = book.recipient(recipient.id), _hour(recipient, now_ms)
    if local(recipient, now_ms).hour not in recipient.digest_hours or state.summary_hour == hour:
        return
    cleared, since_ms = state.cleared, state.summarised_ms or Millis(now_ms - DAY_MS)
    book.put(replace(state, summary_hour=hour, summarised_ms=now_ms, cleared=(), raised=0))
    waiting = [one for one in notices if not one.is_quiet]
    if not waiting and not cleared:
        return
    _send(
        book,
        recipient,
        "digest",
        (hour,),
        now_ms,
        alerts=tuple(one.alert for one in waiting),
        cleared=cleared,
        since_ms=since_ms,
        raised=state.raised,
    )


def _escalate(book: Book, directory: Directory, now_ms: Millis) -> None:
    """Pass on what was not answered within the working time that was agreed."""
    for notice in list(book.notices.values()):
        if notice.due_ms is None or notice.due_ms > now_ms or notice.is_quiet:
            continue
        recipient = directory.get(notice.recipient)
        to = None if recipient is None else directory.standing_in(recipient.escalate_to, now_ms)
        known = (*notice.escalated_from, notice.recipient or "")
        if to is None or to in known:
            book.put(replace(notice, due_ms=None))
            continue
        passed_on = given_to(directory, replace(notice, escalated_from=known), to, now_ms)
        book.put(replace(passed_on, push=f"escalated:{len(known)}"))
        state = book.recipient(to)
        # New to them, and their digest counts it.
        book.put(replace(state, raised=state.raised + 1))


def operators_learn(
    book: Book, directory: Directory, channel: str, destination: str, now_ms: Millis
) -> None:
    """Send word of a channel that was switched off, over the other ones."""
    for rep in directory.operators():
        _send(
            book,
            rep,
            "channel_off",
            (destination, str(now_ms)),
            now_ms,
            about=channel,
            since_ms=now_ms,
        )


def _send(
    book: Book,
    recipient: Recipient,
    kind: DeliveryKind,
    parts: Sequence[str],
    now_ms: Millis,
    **content: object,
) -> None:
    name = message_id(f"alert.{kind}", recipient.id, *parts)
    for channel in _channels(recipient, kind, content):
        delivery = Delivery(
            name,
            kind,
            recipient.id,
            channel,
            recipient.address,
            now_ms,
            now_ms,
            **content,  # type: ignore[arg-type]
        )
        book.put(delivery)


def _channels(
    recipient: Recipient, kind: DeliveryKind, content: dict[str, object]
) -> Iterator[str]:
    for channel in recipient.channels:
        if kind != "channel_off" or channel != content["about"]:
            yield channel


def _hour(recipient: Recipient, now_ms: Millis) -> str:
    return local(recipient, now_ms).strftime("%Y-%m-%dT%H")
