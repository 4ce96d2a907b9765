"""What follows from an attempt: delivered, tried again, given up, or a destination switched off."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from touchstream.agents.channels.attempts import next_attempt_ms
from touchstream.agents.channels.endpoint_health import EndpointHealth
from touchstream.agents.channels.message import Delivery as Outcome
from touchstream.agents.notifier.book import Book, Delivery
from touchstream.agents.notifier.compose import Composer
from touchstream.agents.notifier.directory import Directory
from touchstream.agents.notifier.hours import is_quiet
from touchstream.agents.notifier.rounds import operators_learn
from touchstream.schemas.units import Millis


class Destinations(NamedTuple):
    """Digest of each channel's settings, by name: a channel that was changed is on again."""

    digests: dict[str, str]
    by_mail: frozenset[str] = frozenset()
    """Channels with a destination of each address; of the others there is one."""

    def key(self, delivery: Delivery) -> str:
        """The destination, as the book names its health."""
        address = delivery.address if delivery.channel in self.by_mail else None
        return f"{delivery.channel}/{address or ''}/{self.digests[delivery.channel]}"


def due(
    book: Book, directory: Directory, now_ms: Millis, under_way: Collection[str]
) -> Sequence[Delivery]:
    """The deliveries to attempt now: the first due first, of one round the highest priority.

    What was not delivered before quiet hours waits for their end.
    """
    quiet = {one.id for one in directory.everybody() if is_quiet(one, now_ms)}
    found = [
        one
        for one in book.deliveries.values()
        if one.next_ms <= now_ms and one.key not in under_way and one.recipient not in quiet
    ]
    return sorted(found, key=lambda one: (one.next_ms, one.made_ms, -_priority(book, one), one.key))


def _priority(book: Book, delivery: Delivery) -> float:
    open_ones = (book.notices.get(alert) for alert in delivery.alerts)
    return max((one.score for one in open_ones if one is not None), default=0.0)


def is_off(book: Book, destinations: Destinations, delivery: Delivery) -> bool:
    """Whether nothing is sent there, because the channel is gone or its destination only fails."""
    if delivery.channel not in destinations.digests:
        return True
    health = book.health.get(destinations.key(delivery))
    return health is not None and health.disabled is not None


def ready_at(
    book: Book,
    composer: Composer,
    destinations: Destinations,
    now_ms: Millis,
    under_way: Collection[str] = (),
) -> Sequence[Delivery]:
    """The deliveries to attempt, with their messages; what cannot be sent is dropped.

    A message is written once and kept, so that every attempt carries the same one.
    """
    ready = []
    for delivery in due(book, composer.directory, now_ms, under_way):
        message = delivery.message or composer.message(book, delivery)
        if message is None or is_off(book, destinations, delivery):
            book.drop(delivery)
            continue
        whole = replace(delivery, message=message)
        book.put(whole)
        ready.append(whole)
    return ready


def after_attempt(
    book: Book,
    directory: Directory,
    destinations: Destinations,
    delivery: Delivery,
    outcome: Outcome,
    now_ms: Millis,
) -> None:
    """Enter what came of an attempt."""
    destination = destinations.key(delivery)
    before = book.health.get(destination) or EndpointHealth()
    health = before.after(outcome, now_ms)
    book.put_health(destination, None if health == EndpointHealth() else health)
    if before.disabled is None and health.disabled is not None:
        operators_learn(book, directory, delivery.channel, destination, now_ms)
    held = book.deliveries.get(delivery.key)
    if held is None:  # cleared meanwhile
        return
    made = held.attempts + 1
    next_ms = next_attempt_ms(held.id, made, outcome, now_ms)
    if outcome.well or next_ms is None or health.disabled is not None:
        book.drop(held)
    else:
        book.put(replace(held, attempts=made, next_ms=next_ms))
