"""Why lines of event files would not be applied: by reason, type and field, with hints."""

import re
from dataclasses import dataclass

from touchstream.agents.history.finding import Finding
from touchstream.schemas.envelope import unknown_fields
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.streams.intake.modes import Attributes, attributes_of
from touchstream.streams.intake.unknown_fields import closest
from touchstream.streams.outcome import Drop, Reject
from touchstream.streams.records import Record

MOST_TYPES = 100
"""Unknown types told by name; further ones count as ``other``."""

OTHER = "other"
NEAREST = 3
NEAR_TYPE = 0.6

_DROPPED = {
    "too_late": "older than intake.allowed_lateness_days before the newest tick",
    "unknown_type": "want a type of docs/events.md",
}
_ATTRIBUTE = re.compile(r"([a-z0-9_-]+): ")
_REQUIRED = re.compile(r"required field `([^`]+)`")
_PATH = re.compile(r" - at `(?:key in )?\$\.?([^`]*)`")
_INDEX = re.compile(r"\[[0-9]+\]")
_QUOTE = re.compile(r": b['\"]")  # the message quotes the line


@dataclass
class Fault(Finding):
    """Lines that would not be applied for one reason."""

    outcome: str = "rejected"
    """``rejected`` (a dead letter) or ``dropped``."""
    reason: str = ""
    type: str | None = None
    field: str | None = None
    """The attribute, or ``data.`` and the path of the field."""
    detail: str = ""
    """What was wanted, of the first such line."""
    hint: str | None = None


class Faults:
    """All faults, the most frequent first."""

    def __init__(self) -> None:
        self._faults: dict[tuple[str, str | None, str | None], Fault] = {}
        self._types: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._faults)

    def all(self) -> list[Fault]:
        """Every fault, the most frequent first."""
        return sorted(
            self._faults.values(), key=lambda f: (-f.count, f.reason, f.type or "", f.field or "")
        )

    @property
    def count(self) -> int:
        """Lines that would not be applied."""
        return sum(fault.count for fault in self._faults.values())

    def add_unreadable(self, where: str, why: str) -> None:
        """Add a line that says it is a record of a live log, and is none."""
        self._add(where, Fault(reason="bad_record", detail=_QUOTE.split(why)[0]))

    def add(self, where: str, record: Record, outcome: Reject | Drop) -> None:
        """Add a line that the worker would make a dead letter of, or drop."""
        found = attributes_of(record)
        attributes: Attributes = found if isinstance(found, dict) else {}
        if isinstance(outcome, Drop):
            self._add(where, self._dropped(outcome, attributes))
            return
        kind = attributes.get("type")
        known = kind if isinstance(kind, str) and kind in TOUCHPOINTS else None
        at = _field_of(outcome)
        hint = _hint(record.value, outcome, attributes, known)
        detail = _PATH.sub("", outcome.detail).removeprefix(f"{at}: ")
        self._add(where, Fault(0, [], "rejected", outcome.reason, known, at, detail, hint))

    def _dropped(self, outcome: Drop, attributes: Attributes) -> Fault:
        name, reason = str(attributes.get("type")), outcome.reason
        detail = _DROPPED.get(reason, reason)
        if reason != "unknown_type":
            return Fault(0, [], "dropped", reason, name, "time", detail)
        if name not in self._types and len(self._types) >= MOST_TYPES:
            return Fault(0, [], "dropped", reason, OTHER, "type", detail)
        self._types.add(name)
        return Fault(0, [], "dropped", reason, name, "type", detail, _near_types(name))

    def _add(self, where: str, fault: Fault) -> None:
        # Not by detail: that of broken JSON names a different place in every line.
        key = (fault.reason, fault.type, fault.field)
        self._faults.setdefault(key, fault).add(where)


def _field_of(outcome: Reject) -> str | None:
    """The field that a rejection is about; None if it is about the line as a whole."""
    if outcome.reason == "bad_data" and _ATTRIBUTE.match(outcome.detail) is None:
        path, required = _PATH.search(outcome.detail), _REQUIRED.search(outcome.detail)
        # Whichever element it is: one fault, however long the lists.
        inner = _INDEX.sub("[...]", path[1]) if path else ""
        parts = ["data", inner, required[1] if required else ""]
        return ".".join(part for part in parts if part)
    attribute = _ATTRIBUTE.match(outcome.detail)
    return attribute[1] if attribute else None


def _hint(value: bytes, outcome: Reject, attributes: Attributes, kind: str | None) -> str | None:
    if outcome.reason == "not_an_object" and value.startswith(b"["):
        return "want one event a line, not an array of events"
    if outcome.reason == "missing_attribute":
        wanted = str(_field_of(outcome))
        others = sorted(attributes.keys() - {wanted})  # an attribute that is null is missing, too
        return _did_you_mean(closest(wanted, others, 1))
    required = _REQUIRED.search(outcome.detail)
    if required is None or kind not in TOUCHPOINTS or _PATH.search(outcome.detail):
        return None
    # The value is probably there, under a name that the type does not know.
    there = unknown_fields(kind, attributes.get("data"))
    return _did_you_mean(closest(required[1], there, 1), "it is probably sent as")


def _near_types(name: str) -> str | None:
    return _did_you_mean(closest(name, TOUCHPOINTS, NEAREST, NEAR_TYPE))


def _did_you_mean(names: list[str], lead: str = "did you mean") -> str | None:
    end = "?" if lead.startswith("did") else ""
    return f"{lead} {', '.join(f'`{name}`' for name in names)}{end}" if names else None
