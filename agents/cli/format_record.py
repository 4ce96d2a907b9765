"""Records of our topics as lines: readable, or as JSON."""

import base64
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import orjson

from touchstream.agents.letters import letter_as_json
from touchstream.schemas.dead_letter import decode_letter
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.alerts import AlertCleared, AlertRaised, AlertUpdated
from touchstream.schemas.emissions.customer_risk import CustomerRisk
from touchstream.schemas.emissions.engagement import EngagementDropping
from touchstream.schemas.emissions.envelope import Emission, decode_emission, structured
from touchstream.schemas.emissions.relation import RelationChanged
from touchstream.schemas.emissions.returning import ReturnChanged
from touchstream.schemas.emissions.risk import Reason, RiskChanged
from touchstream.schemas.emissions.signals import CustomerSignal
from touchstream.schemas.envelope import format_time
from touchstream.schemas.examples import Example, decode_example
from touchstream.schemas.registry import TICK_TYPE
from touchstream.schemas.tick import decode_tick
from touchstream.schemas.topics import DEAD_LETTERS_TOPIC, EXAMPLES_TOPIC, TOUCHPOINTS_TOPIC
from touchstream.schemas.units import Millis
from touchstream.streams.intake.modes import Attributes, attributes_of
from touchstream.streams.outcome import Reject
from touchstream.streams.records import Record

REASONS_SHOWN = 3
BYTES_SHOWN = 120


def readable(topic: str, record: Any) -> str:  # noqa: ANN401 - kafka-python's ConsumerRecord
    """One line for a person; ``topic`` is the logical name.

    Anyone may write to a topic: what is no record of it is shown as it is.
    """
    try:
        return _READABLE.get(topic, _emission)(record)
    except (ValueError, TypeError, RecursionError) as exc:
        return f"{_place(record)}  cannot be read as {topic}: {exc}: {_shown(record.value)}"


def raw_json(topic: str, record: Any) -> str:  # noqa: ANN401
    """One JSON line for a program: the value as sent, or a description of it.

    A tombstone is written as its CloudEvent with ``"data": null``, which its headers hold.
    """
    if topic == DEAD_LETTERS_TOPIC:
        with suppress(ValueError):
            stored = decode_letter(record.key, record.value or b"", record.headers)
            return orjson.dumps(letter_as_json(stored)).decode()
    try:
        value = structured(record.value, record.headers)
        orjson.loads(value)
    except ValueError:
        line = {"value_base64": base64.b64encode(record.value or b"").decode()}
        return orjson.dumps(line).decode()
    flat = value.translate(bytes.maketrans(b"\r\n", b"  "))  # only white space in JSON
    return flat.decode()


def _emission(record: Any) -> str:  # noqa: ANN401
    emission, _ = decode_emission(structured(record.value, record.headers))
    return f"{format_time(emission.time_ms)}  {emission.subject}  {_described(emission)}"


def _described(emission: Emission) -> str:
    match emission.data:
        case RiskChanged() as risk:
            return _risk(risk)
        case ActionRecommended() as action:
            channel = f" by {action.channel}" if action.channel else ""
            # A win-back averts that they stay away, and its band is that of the return.
            is_return = action.target == "return"
            chance = f"return {1 - action.risk:.3f}" if is_return else f"risk {action.risk:.3f}"
            return (
                f"{action.action}{channel}  propensity {action.propensity:.3f}  "
                f"{chance} {action.band}  decision {action.decision}"
            )
        case AlertRaised() | AlertUpdated() as alert:
            changed = f"  {', '.join(alert.changed)}" if isinstance(alert, AlertUpdated) else ""
            return (
                f"{alert.alert}  {alert.owner or alert.queue}  {alert.priority.score:,.0f}  "
                f"{alert.summary}{changed}"
            )
        case AlertCleared() as over:
            return f"{over.alert}  {over.owner or over.queue}  {over.kind} alert {over.why}"
        case CustomerSignal() as signal:
            return f"{signal.signal}: {signal.before} -> {signal.value}"
        case CustomerRisk() as now:
            return _risk_now(now)
        case None:
            return "removed: erased, no longer a customer, or nothing is known any more"
        case data:
            return _signal(data)


def _signal(data: EngagementDropping | RelationChanged | ReturnChanged) -> str:
    match data:
        case EngagementDropping() as drop:
            return (
                f"engagement {drop.index:.2f} of usual since {drop.below_since}  signs of life "
                f"a week {drop.recent_per_week:.2f}, usually {drop.usual_per_week:.2f}"
            )
        case RelationChanged() as relation:
            return _relation(relation)
        case ReturnChanged() as chance:
            return _chance(chance)


def _relation(relation: RelationChanged) -> str:
    since = f"{relation.before} -> {relation.relation} since {relation.since:%Y-%m-%d}"
    if relation.silent_days is None:
        return since
    return (
        f"{since}  silent for {relation.silent_days:.0f} d, "
        f"lapses after {relation.lapses_after_days:.0f}"
    )


def _chance(chance: ReturnChanged) -> str:
    return (
        f"return {chance.band_before or 'unknown'} -> {chance.band}  probability "
        f"{chance.probability:.3f} (90 %: {chance.low:.3f} to {chance.high:.3f}) in "
        f"{chance.horizon_days} d (n={chance.n}, model {chance.model_version})"
    )


def _risk(risk: RiskChanged) -> str:
    return (
        f"{risk.band_before or 'unknown'} -> {risk.band}  risk {risk.risk:.3f} "
        f"(90 %: {risk.low:.3f} to {risk.high:.3f}) in {risk.horizon_days} d "
        f"(n={risk.n}, model {risk.model_version})  {_told(risk.reasons)}"
    )


def _risk_now(risk: CustomerRisk) -> str:
    since = f" since {_moment(risk.band_since)}" if risk.band_since else ""
    action = risk.action.action if risk.action else "no action yet"
    return (
        f"{risk.band}{since}  risk {risk.risk:.3f} (90 %: {risk.low:.3f} to {risk.high:.3f}) "
        f"in {risk.horizon_days} d  {action}  {_told(risk.reasons)}"
    )


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _told(reasons: Sequence[Reason]) -> str:
    return "; ".join(f"{one.text} ({one.contribution:+.2f})" for one in reasons[:REASONS_SHOWN])


def _touchpoint(record: Any) -> str:  # noqa: ANN401
    headers = tuple(record.headers)
    found = Record(record.offset, Millis(0), record.key, record.value or b"", headers)
    event = attributes_of(found)
    if isinstance(event, Reject):
        raise ValueError(f"{event.reason}: {event.detail}")
    if event.get("type") == TICK_TYPE:
        return _tick(event, record.partition)
    missing = [name for name in _SHOWN_ATTRIBUTES if not isinstance(event.get(name), str)]
    if missing:
        raise ValueError(f"want {missing[0]} as a text")
    shown = "  ".join(_printable(str(event[name])) for name in _SHOWN_ATTRIBUTES)
    return f"{shown}  {'  '.join(_fields(event))}".rstrip()


def _tick(event: Attributes, partition: int) -> str:
    tick = decode_tick(event, None)
    return (
        f"{event['time']}  tick {tick.number} on partition {partition}  "
        f"model {tick.active_config.model_version}  rules {tick.active_config.rules}"
    )


def _fields(event: Attributes) -> Iterator[str]:
    """The data of an event, field by field if it is an object."""
    data = event.get("data")
    if data is None:
        shown = {name: event[name] for name in ("data_base64",) if name in event}
    else:
        shown = data if isinstance(data, dict) else {"data": data}
    for name, value in shown.items():
        yield f"{_printable(name)}={_shown(orjson.dumps(value))}"


def _example(record: Any) -> str:  # noqa: ANN401
    example = decode_example(record.value)
    if isinstance(example, Example):
        return (
            f"{format_time(example.at_ms)}  {example.customer}  "
            f"predicted {example.probability:.3f}  "
            f"label {example.label}  model {example.model_version}  tick {example.tick}"
        )
    return f"{_place(record)}  shard {example.shard} has passed tick {example.tick}"


def _letter(record: Any) -> str:  # noqa: ANN401
    letter = decode_letter(record.key, record.value or b"", record.headers).letter
    return (
        f"{letter.topic}-{letter.partition}@{letter.offset}  {letter.reason}  {letter.detail}  "
        f"key {_shown(letter.key)}  {_shown(letter.original)}"
    )


_SHOWN_ATTRIBUTES = ("time", "subject", "type")

_READABLE: dict[str, Callable[[Any], str]] = {
    TOUCHPOINTS_TOPIC: _touchpoint,
    EXAMPLES_TOPIC: _example,
    DEAD_LETTERS_TOPIC: _letter,
}


def _place(record: Any) -> str:  # noqa: ANN401
    return f"{record.topic}-{record.partition}@{record.offset}"


def _shown(data: bytes | None) -> str:
    """The beginning of some bytes, on one line, without what would move a terminal's cursor."""
    if data is None:
        return "none"
    text = data[:BYTES_SHOWN].decode(errors="replace")
    ellipsis = " ..." if len(data) > BYTES_SHOWN else ""
    return _printable(text) + ellipsis


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
