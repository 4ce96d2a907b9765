"""What Hypothesis draws: events, one customer's life, logs of several, any state."""

import struct
from collections.abc import Mapping
from math import isinf

from hypothesis import strategies as st

from tests.make import DAY_ZERO_MS, Log, event, record, state_of
from touchstream.schemas.envelope import Event
from touchstream.schemas.rules import Band
from touchstream.schemas.units import DAY_MS, HOUR_MS, Millis
from touchstream.streams.decide.bands import Crossing
from touchstream.streams.decide.policy import Situation
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.intake.memory import Memory
from touchstream.streams.learn.ledger import Snapshot
from touchstream.streams.profiles.decay import Counter, Lately
from touchstream.streams.profiles.profile import (
    Answer,
    Call,
    Fact,
    Friction,
    Money,
    Profile,
    Subscription,
    Ticket,
)
from touchstream.streams.profiles.rhythm import Rhythm
from touchstream.streams.records import Record

LAST_DAY = 17
"""On which anything happens; two weeks and a half are a whole life under ``make.QUICK``."""

LATEST_DAYS = 3
"""Largest delay of an arrival: more than ``make.QUICK`` allows."""

END_DAY = LAST_DAY + LATEST_DAYS
"""Of the last tick of a log."""

PLAIN = st.characters(exclude_categories=["Cs"])
NAMES = st.text(PLAIN, min_size=1, max_size=12)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | FINITE | st.text(PLAIN)
PROBABILITIES = st.floats(0.0, 1.0)
MOMENTS = st.integers(DAY_ZERO_MS - 400 * DAY_MS, DAY_ZERO_MS + 400 * DAY_MS).map(Millis)
HOURS = st.integers(0, LAST_DAY * 24).map(lambda hour: Millis(DAY_ZERO_MS + hour * HOUR_MS))
"""Whole hours, so that some events fall together."""

Data = st.SearchStrategy[Mapping[str, object]]
NOTHING: Data = st.just({})
MONEY = st.fixed_dictionaries(
    {"amount_minor": st.integers(0, 100_000), "currency": st.sampled_from(["EUR", "USD"])}
)
TICKET = st.fixed_dictionaries({"ticket": st.sampled_from(["t1", "t2", "t3"])})
PLAN = st.fixed_dictionaries(
    {"plan": st.sampled_from(["basic", "large"]), "term_days": st.none() | st.integers(1, 30)}
)
ANSWER = st.fixed_dictionaries(
    {"kind": st.sampled_from(["nps", "csat"]), "score": st.integers(0, 10).map(float)}
)
CALL = st.fixed_dictionaries(
    {
        "direction": st.sampled_from(["inbound", "outbound"]),
        "duration_s": st.integers(0, 5_000).map(float),
        "queue_s": st.none() | st.integers(0, 900).map(float),
        "hold_s": st.none() | st.integers(0, 900).map(float),
        "transfers": st.none() | st.integers(0, 3),
    }
)
ATTRIBUTES = st.dictionaries(st.sampled_from("abc"), SCALARS, max_size=3)
VISIT = st.fixed_dictionaries(
    {
        "page": st.sampled_from(["/", "/Pricing", "/account/cancel?now", "/plants"]),
        "search": st.none() | st.sampled_from(["change plan", "planet"]),
    }
)
FORM = st.fixed_dictionaries({"form": st.sampled_from(["contact", "cancel-2026"])})
DATA: dict[str, Data] = {
    "web.visit": VISIT,
    "web.form_submitted": FORM,
    "content.streamed": NOTHING,
    "order.placed": MONEY,
    "order.returned": MONEY,
    "payment.failed": NOTHING,
    "subscription.started": PLAN,
    "subscription.renewed": PLAN,
    "subscription.changed": PLAN,
    "subscription.cancelled": NOTHING,
    "ticket.opened": TICKET,
    "ticket.resolved": TICKET,
    "ticket.reopened": TICKET,
    "call.ended": CALL,
    "email.delivered": NOTHING,
    "email.opened": NOTHING,
    "email.unsubscribed": NOTHING,
    "survey.answered": ANSWER,
    "customer.updated": st.fixed_dictionaries({"attributes": ATTRIBUTES}),
    "customer.identified": NOTHING,
    "customer.unlinked": NOTHING,
    "consent.changed": st.fixed_dictionaries({"granted": st.booleans()}),
    "action.outcome": NOTHING,
}
"""Data of the types that a profile, a label or a feature reads."""

OWN_DATA: dict[str, Data] = {
    "meter.read": st.fixed_dictionaries(
        {"kwh": st.integers(0, 9_000), "estimated": st.none() | st.booleans()}
    ),
    "contract.ended": NOTHING,
}
"""Data of ``make.OWN_TYPES``."""


@st.composite
def events(draw: st.DrawFn, customer: str = "ada", data: Mapping[str, Data] = DATA) -> Event:
    """Any event of a customer."""
    kind = draw(st.sampled_from(sorted(data)))
    return event(kind, draw(HOURS), customer, None, "shop", **draw(data[kind]))


LIVES = st.lists(events(), min_size=1, max_size=25, unique_by=lambda happened: happened.id)
"""Different events of one customer within three weeks, in any order."""

HISTORIES = st.lists(events(), min_size=1, max_size=25, unique_by=lambda happened: happened.time_ms)
"""The same, no two of one moment."""


@st.composite
def logs(draw: st.DrawFn, *, erasures: bool = True, data: Mapping[str, Data] = DATA) -> Log:
    """Records of three customers and a broken producer: late, too late, twice, in old words."""
    sent: list[Record] = []
    for customer in ("ada", "bob", "cy"):
        life = draw(st.lists(events(customer, data), max_size=12))
        for happened in life:
            sent.extend(draw(_sendings(happened)))
        if erasures and life and draw(st.booleans()):
            after_ms = Millis(draw(st.sampled_from(life)).time_ms + HOUR_MS)  # some are on the way
            sent.append(record(event("customer.erased", after_ms, customer)))
    sent.extend(draw(st.lists(_rubbish(), max_size=2)))
    sent.sort(key=lambda one: one.received_ms)
    return Log([one._replace(offset=place) for place, one in enumerate(sent)], END_DAY)


@st.composite
def _sendings(draw: st.DrawFn, happened: Event) -> list[Record]:
    """An event arrives once or twice, at times too late; its id may come back with a lie."""
    delays = st.sampled_from([0, 0, 0, 1, 30, LATEST_DAYS * 24])
    records = [
        record(happened, Millis(happened.time_ms + hours * HOUR_MS))
        for hours in draw(st.lists(delays, min_size=1, max_size=2))
    ]
    if draw(st.integers(0, 9)) == 0:
        lie = event("web.visit", happened.time_ms, happened.subject, id=happened.id, page="/lie")
        records.append(record(lie, records[-1].received_ms))
    return records


@st.composite
def _rubbish(draw: st.DrawFn) -> Record:
    value = draw(st.sampled_from([b"{", b'{"specversion": "1.0"}', b"[]"]))
    return Record(0, draw(HOURS), draw(st.sampled_from([b"ada", b"bob"])), value)


def _named(values: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    return st.dictionaries(NAMES, values, max_size=3)


AMOUNTS = st.floats(0.0, 1e18)
COUNTS = st.integers(min_value=1, max_value=10**9)
COUNTERS = st.builds(Counter, MOMENTS, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, COUNTS)
LATELY = st.builds(Lately, MOMENTS, AMOUNTS, COUNTS)
LN_DAYS = st.floats(-1.5, 12.0)
RHYTHMS = st.builds(Rhythm, COUNTS, LN_DAYS, AMOUNTS, LN_DAYS)
TICKETS = st.builds(Ticket, MOMENTS, st.integers(0, 2), MOMENTS, st.booleans())
CONSENTS = st.builds(Fact, MOMENTS, st.booleans())
PROFILES = st.builds(
    Profile,
    first_seen_ms=MOMENTS,
    last_seen_ms=MOMENTS,
    activity=st.none() | COUNTERS,
    first_active_ms=st.none() | MOMENTS,
    families=st.dictionaries(
        st.sampled_from(["web", "order", "ticket", "call", "payment", "email", "content"]), LATELY
    ),
    money=st.dictionaries(
        st.sampled_from(["EUR", "USD"]),
        st.builds(
            Money,
            st.integers(0, 2**63 - 1),
            st.integers(0, 10**9),
            st.integers(0, 2**63 - 1),
            st.none() | LATELY,
        ),
    ),
    tickets=_named(TICKETS),
    subscription=st.none()
    | st.builds(
        Subscription,
        MOMENTS,
        st.integers(0, 3),
        st.none() | NAMES,
        st.integers(0, 2**53),
        st.none() | st.just("EUR"),
        st.none() | MOMENTS,
        st.booleans(),
    ),
    surveys=_named(st.builds(Answer, MOMENTS, PROBABILITIES)),
    consent=_named(CONSENTS),
    attributes=_named(st.builds(Fact, MOMENTS, SCALARS)),
    aliases=_named(st.builds(Fact, MOMENTS, st.booleans())),
    rhythm=st.none() | RHYTHMS,
    friction=st.none() | st.builds(Friction, MOMENTS, AMOUNTS, AMOUNTS, AMOUNTS),
    call=st.none() | st.builds(Call, MOMENTS, st.integers(0, 86_400), st.integers(0, 86_400)),
    leaving=st.none() | LATELY,
)
"""Any profile that could be stored, whether or not events lead to it."""

BANDS: st.SearchStrategy[Band] = st.sampled_from(["low", "medium", "high"])
VECTORS = st.binary(min_size=2 * len(FEATURES.names), max_size=2 * len(FEATURES.names))


def _without_infinities(data: bytes) -> bytes:
    halves = struct.unpack(f"<{len(FEATURES.names)}e", data)
    return struct.pack(f"<{len(halves)}e", *[0.0 if isinf(half) else half for half in halves])


FEATURE_VECTORS = VECTORS.map(_without_infinities)
"""NaN is a missing value; no feature is infinite."""

SNAPSHOTS = st.builds(
    Snapshot,
    MOMENTS,
    st.integers(0, 1_000_000),
    st.integers(0, 10**9),
    st.just(FEATURES.digest),
    VECTORS,
    st.integers(0, 63),
    PROBABILITIES,
)
LEDGERS = st.lists(SNAPSHOTS, max_size=5).map(tuple)
STATES = st.builds(
    state_of,
    profile=st.none() | PROFILES,
    memory=st.lists(st.binary(min_size=8, max_size=8), max_size=8).map(b"".join).map(Memory),
    ledger=LEDGERS,
    risk=st.none() | PROBABILITIES,
    band=st.none() | BANDS,
    crossing=st.none() | st.builds(Crossing, MOMENTS, st.booleans()),
    last_emitted_contributions=st.none() | VECTORS,
    last_emitted_risk=st.none() | PROBABILITIES,
    recommended_ms=st.dictionaries(NAMES, MOMENTS, max_size=3),
    snapshot_due_ms=st.none() | MOMENTS,
    next_timer_ms=st.none() | MOMENTS,
    erased_ms=st.none() | MOMENTS,
    labelled_ms=st.none() | MOMENTS,
    late_for_label=st.integers(0, 10**6),
    targets=st.dictionaries(NAMES, LEDGERS, max_size=2),
    raised=st.lists(NAMES, max_size=2).map(tuple),
)

SITUATIONS = st.builds(
    Situation,
    subject=NAMES,
    profile=st.builds(
        Profile,
        first_seen_ms=MOMENTS,
        last_seen_ms=MOMENTS,
        tickets=_named(TICKETS),
        consent=st.dictionaries(st.just("marketing"), CONSENTS),
    ),
    risk=PROBABILITIES,
    band=BANDS,
    recommended_ms=st.dictionaries(
        st.sampled_from(["call_by_owner", "resolve_open_ticket", "send_offer"]), MOMENTS
    ),
    now_ms=MOMENTS,
    cause=NAMES,
)

LABELLED = st.lists(
    st.tuples(
        st.binary(min_size=len(FEATURES.names), max_size=len(FEATURES.names)).map(
            lambda drawn: [(byte - 128) / 16 if byte else None for byte in drawn]
        ),
        st.integers(0, 1),
    ),
    min_size=1,
    max_size=12,
)
"""(value or None for a missing one, feature by feature; label)."""
