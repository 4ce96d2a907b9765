"""An event of topic ``alerts``, entered into the book."""

from msgspec.structs import replace

from touchstream.agents.notifier.book import Book, Cleared, Notice, Tally, tally_day
from touchstream.agents.notifier.capacity import remembered
from touchstream.agents.notifier.directory import Directory
from touchstream.agents.notifier.hours import after_working
from touchstream.schemas.emissions.alerts import AlertCleared, AlertRaised, AlertUpdated
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.rules import Band
from touchstream.schemas.units import MINUTE_MS, Millis

MOST_CLEARED = 200
"""Listed in a summary; more nobody reads."""
TALLY_DAYS = 90
_SINGLE = ("raised", "escalated")
_RANK: dict[Band, int] = {"low": 0, "medium": 1, "high": 2}


def apply(book: Book, directory: Directory, emission: Emission, now_ms: Millis) -> None:
    """Enter one event; of other types nothing is kept."""
    match emission.data:
        case AlertCleared() as cleared:
            _clear(book, cleared, emission)
        case AlertUpdated() as update:
            _update(book, directory, update, emission, now_ms)
        case AlertRaised() as raised:
            notice = replace(_notice(raised, emission), push=emission.id)
            assign(book, directory, notice, now_ms)
        case _:
            pass


def assign(book: Book, directory: Directory, notice: Notice, now_ms: Millis) -> None:
    """Keep an alert, with whoever is responsible now."""
    # Once escalated, it stays where it went until it is answered, or nobody is there.
    name = directory.standing_in(notice.recipient, now_ms) if notice.escalated_from else None
    if name is None:
        name = directory.responsible(notice.owner, notice.queue, now_ms)
    before = book.notices.get(notice.alert)
    if before is not None and (notice.is_quiet or before.recipient != name):
        _drop_single(book, notice.alert)
    if before is None or before.recipient != name:
        # What one rep has in hand is news to another.
        notice = replace(notice, answered=notice.answered and before is None)
        push = notice.push or f"{notice.alert}:{name}:{now_ms}"
        notice = given_to(directory, replace(notice, push=push), name, now_ms)
        _count(book, name, notice.score, now_ms)
    else:
        notice = replace(notice, recipient=name)
    if notice.is_quiet:
        notice = replace(notice, push=None)
    book.put(notice)


def _drop_single(book: Book, alert: str) -> None:
    """Stop messages about this alert alone that are not delivered yet."""
    for delivery in list(book.deliveries.values()):
        if delivery.alerts == (alert,) and delivery.kind in _SINGLE:
            book.drop(delivery)


def given_to(directory: Directory, notice: Notice, name: str | None, now_ms: Millis) -> Notice:
    """The alert in somebody's hands, with the time by which they are to answer."""
    recipient, due_ms = directory.get(name), None
    if recipient is not None and recipient.answer_within_minutes is not None:
        working_ms = recipient.answer_within_minutes * MINUTE_MS
        due_ms = after_working(recipient, now_ms, working_ms)
    return replace(notice, recipient=name, due_ms=due_ms)


def _count(book: Book, name: str | None, score: float, now_ms: Millis) -> None:
    if name is not None:
        state = book.recipient(name)
        recent = remembered(state.recent, now_ms, score)
        book.put(replace(state, recent=recent, raised=state.raised + 1))


def _update(
    book: Book, directory: Directory, update: AlertUpdated, emission: Emission, now_ms: Millis
) -> None:
    before, fresh = book.notices.get(update.alert), _notice(update, emission)
    changed, snoozed = frozenset(update.changed), update.snooze is not None
    if before is None:
        # Raised before this notifier read the topic, or during a backfill.
        before = replace(fresh, answered=update.acknowledged_by is not None)
    worse = "band" in changed and _RANK[update.band] > _RANK[before.band]
    # What is worse than a person thought, or was given back, needs another look.
    anew = worse or not changed.isdisjoint({"awake", "released"})
    answered = not anew and (before.answered or "acknowledged" in changed)
    push = emission.id if anew else before.push
    notice = replace(
        fresh,
        recipient=before.recipient,
        due_ms=before.due_ms,
        escalated_from=before.escalated_from,
        answered=answered,
        snoozed=snoozed,
        push=push,
    )
    if anew:
        notice = given_to(directory, notice, notice.recipient, now_ms)
    assign(book, directory, notice, now_ms)


def _clear(book: Book, cleared: AlertCleared, emission: Emission) -> None:
    erased = cleared.why == "erased"
    if erased:
        _forget(book, emission.subject)
    notice = book.notices.get(cleared.alert)
    if notice is None and erased:
        return  # retracted only: it had ended before
    _tally(book, cleared, emission.time_ms)
    if notice is None:
        return
    book.drop(notice)
    line = Cleared(notice.alert, notice.customer, cleared.why, emission.time_ms)
    # Of an erased customer nothing is said any more.
    lines = () if erased else (line,)
    if notice.recipient is not None:
        state = book.recipient(notice.recipient)
        book.put(replace(state, cleared=(*state.cleared, *lines)[-MOST_CLEARED:]))
    _cancel(book, notice, lines)


def _cancel(book: Book, notice: Notice, lines: tuple[Cleared, ...]) -> None:
    """Take an alert out of every message that is not delivered yet."""
    for delivery in list(book.deliveries.values()):
        if notice.alert not in delivery.alerts:
            continue
        if delivery.kind in _SINGLE:
            book.drop(delivery)
            continue
        kept = tuple(one for one in delivery.alerts if one != notice.alert)
        book.put(replace(delivery, alerts=kept, cleared=(*delivery.cleared, *lines), message=None))


def _forget(book: Book, customer: str) -> None:
    for state in list(book.recipients.values()):
        kept = tuple(one for one in state.cleared if one.customer != customer)
        book.put(replace(state, cleared=kept))
    for delivery in list(book.deliveries.values()):
        kept = tuple(one for one in delivery.cleared if one.customer != customer)
        if kept != delivery.cleared:
            book.put(replace(delivery, cleared=kept, message=None))


def _tally(book: Book, cleared: AlertCleared, at_ms: Millis) -> None:
    day = tally_day(at_ms)
    tally = book.tallies.get(day) or Tally(day)
    key = f"{cleared.kind}|{cleared.queue}|{cleared.rating or 'unrated'}"
    book.put(Tally(day, {**tally.counts, key: tally.counts.get(key, 0) + 1}))
    for old in [one for name, one in book.tallies.items() if int(name) <= int(day) - TALLY_DAYS]:
        book.drop(old)


def _notice(data: AlertRaised | AlertUpdated, emission: Emission) -> Notice:
    return Notice(
        alert=data.alert,
        customer=emission.subject,
        kind=data.kind,
        owner=data.owner,
        queue=data.queue,
        band=data.band,
        risk=data.risk,
        score=data.priority.score,
        reasons=data.reasons,
        scored_ms=emission.time_ms,
        action=None if data.action is None else data.action.action,
        raised_ms=Millis(round(data.raised.timestamp() * 1_000)),
        expires_ms=Millis(round(data.expires.timestamp() * 1_000)),
    )
