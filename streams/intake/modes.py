"""CloudEvents over Kafka: structured mode (one JSON object), binary mode (``ce_`` headers).

Any ``ce_`` header means binary mode, unless ``content-type`` says that the value is a CloudEvent;
other headers (tracing) are ignored.
"""

import orjson

from touchstream.schemas.dead_letter import Header
from touchstream.schemas.units import MAX_EVENT_BYTES
from touchstream.streams.intake.limits import MAX_DEPTH, too_deep
from touchstream.streams.outcome import Reject
from touchstream.streams.records import Record

Attributes = dict[str, object]
"""A CloudEvent as decoded from JSON; unchecked, except that it is an object."""

Headers = tuple[Header, ...]

_PREFIX = "ce_"
_ATTRIBUTES = ("specversion", "id", "source", "type", "subject", "time")
_READ_FROM_HEADERS = {_PREFIX + name: name for name in _ATTRIBUTES}


def attributes_of(record: Record) -> Attributes | Reject:
    """Read a record's CloudEvent, bounded in size and depth before anything is parsed."""
    if record.headers and _is_binary(record.headers):
        return _from_binary(record)
    decoded = _parse(record.value)
    if isinstance(decoded, (dict, Reject)):
        return decoded
    return Reject("not_an_object", "want one JSON object with the attributes of a CloudEvent")


def _is_binary(headers: Headers) -> bool:
    if _content_type(headers).startswith("application/cloudevents"):
        return False
    return any(name.startswith(_PREFIX) for name, _ in headers)


def _content_type(headers: Headers) -> str:
    """Media type in lower case without parameters, empty if no header names one."""
    for name, value in headers:
        # Producers differ in the case of this header.
        if name.lower() == "content-type":
            return (value or b"").decode("latin-1").partition(";")[0].strip().lower()
    return ""


def _from_binary(record: Record) -> Attributes | Reject:
    content_type = _content_type(record.headers)
    if content_type and content_type != "application/json" and not content_type.endswith("+json"):
        return Reject("bad_attribute", "content-type: want application/json")
    attributes = _from_headers(record.headers)
    if isinstance(attributes, Reject) or not record.value:
        return attributes
    data = _parse(record.value)
    if isinstance(data, Reject):
        return data
    attributes["data"] = data
    return attributes


def _from_headers(headers: Headers) -> Attributes | Reject:
    """Attributes that intake reads; the last of repeated headers counts, as in JSON."""
    attributes: Attributes = {}
    for header, value in headers:
        name = _READ_FROM_HEADERS.get(header)
        if name is None or value is None:
            continue
        try:
            attributes[name] = value.decode()
        except UnicodeDecodeError:
            return Reject("bad_string", f"{name}: want UTF-8")
    return attributes


def _parse(value: bytes) -> object:
    """Decode JSON, or return a :class:`Reject`, which no JSON decodes to."""
    # Both limits come first, because they bound the cost of parsing.
    if len(value) > MAX_EVENT_BYTES:
        return Reject("too_large", f"want at most {MAX_EVENT_BYTES} bytes, got {len(value)}")
    if too_deep(value):
        return Reject("too_deep", f"want at most {MAX_DEPTH} levels of objects and arrays")
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        return _why_not_json(value, error.pos)


def _why_not_json(value: bytes, position: int) -> Reject:
    """Report a wrong encoding as such, rather than as a syntax error."""
    try:
        value.decode()
    except UnicodeDecodeError as error:
        return Reject("bad_string", f"want UTF-8; the value breaks at byte {error.start}")
    return Reject("not_json", f"want one JSON value; this one breaks at character {position}")
