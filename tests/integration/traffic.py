"""A steady stream of touchpoints: customers of all kinds, and what producers do wrong."""

import random
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress

import orjson
from kafka.errors import KafkaError

from tests.integration.deployment import Deployment, Sent, numbers
from tests.make import DAY_ZERO_MS, REQUIRED
from touchstream.schemas.envelope import format_time
from touchstream.schemas.units import DAY_MS, HOUR_MS, Millis

KINDS = (
    *("web.visit",) * 6,
    *("order.placed",) * 2,
    "ticket.opened",
    "ticket.resolved",
    "email.opened",
    "call.ended",
    "subscription.started",
    "subscription.cancelled",
    "survey.sent",
)
BROKEN = (
    b'{"specversion":"1.0","id":"x","sou',
    b"[]",
    b'{"specversion":"1.0","id":"n","source":"shop","type":"web.visit","subject":"c1",'
    b'"time":"2026-01-01T00:00:00Z","data":{"page":"/","duration_s":NaN}}',
    b"\xff\xfe\x00",
)


def event(
    number: int, kind: str, customer: str, at_ms: int, received_ms: int, **data: object
) -> Sent:
    """One whole touchpoint, as a producer sends it."""
    value = {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "shop",
        "type": kind,
        "subject": customer,
        "time": format_time(Millis(at_ms)),
        "data": {**REQUIRED.get(kind, {}), **data},
    }
    if kind == "survey.sent":
        value["data"] = {"survey": "s1", "kind": "nps"}
    return Sent(orjson.dumps(value), customer.encode(), Millis(received_ms))


def visits(first: int, last: int) -> list[Sent]:
    """A visit an hour, by eleven customers in turn."""
    moments = [(n, DAY_ZERO_MS + n * HOUR_MS) for n in range(first, last)]
    return [event(n, "web.visit", f"c{n % 11}", at, at) for n, at in moments]


class Traffic:
    """Sends from a thread until it is told to stop; some records are sent twice."""

    def __init__(self, deployment: Deployment, seed: int, customers: int, per_s: int) -> None:
        self._deployment = deployment
        self._rng = random.Random(seed)
        self._customers = customers
        self._pause_s = 1.0 / per_s
        self._numbers = numbers()
        self._recent: deque[Sent] = deque(maxlen=2_000)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent = 0

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(60)

    def _run(self) -> None:
        producer = self._deployment.producer()
        pending = []
        started = time.monotonic()
        while not self._ending.is_set():
            for record in self._next():
                pending.append((record, self._deployment.send(producer, record)))
                self.sent += 1
            pending = [(r, f) for r, f in pending if not f.is_done]
            ahead_s = started + self.sent * self._pause_s - time.monotonic()
            if ahead_s > 0:
                time.sleep(ahead_s)
        with suppress(KafkaError):
            producer.flush(60)
        producer.close()

    def _next(self) -> Iterator[Sent]:
        rng, now_ms = self._rng, self._deployment.now_ms()
        number = next(self._numbers)
        # Few customers come often, many seldom: some fall silent for weeks of the fast clock.
        customer = f"c{int(self._customers * rng.random() ** 3)}"
        late_ms = rng.choice((0, 0, 0, 0, 0, 0, HOUR_MS, 2 * DAY_MS, 5 * DAY_MS))
        sent = event(number, rng.choice(KINDS), customer, now_ms - late_ms, now_ms)
        self._recent.append(sent)
        yield sent
        what = rng.random()
        if what < 0.03:
            yield rng.choice(self._recent)._replace(received_ms=now_ms)
        elif what < 0.05:
            yield self._wrong(rng, number, customer, now_ms)

    def _wrong(self, rng: random.Random, number: int, customer: str, now_ms: int) -> Sent:
        odd = event(number, "web.visit", customer, now_ms, now_ms, page="/other")
        return rng.choice(
            (
                Sent(rng.choice(BROKEN), customer.encode(), Millis(now_ms)),
                odd,  # the id of the event before with other content
                odd._replace(key=b"somebody-else"),
                event(number + 10**9, "loyalty.stamped", customer, now_ms, now_ms),
                event(number + 10**9, "web.visit", customer, now_ms - 90 * DAY_MS, now_ms),
                event(number + 10**9, "web.visit", customer, 4_073_000_000_000, now_ms),
                Sent(b'{"type":"touchstream.tick"}', None, Millis(now_ms), partition=0),
            )
        )
