"""CloudEvents over Kafka: structured mode (one JSON object), binary mode (``ce_`` headers).

Any ``ce_`` header means binary mode, unless ``content-type`` says that the value is a CloudEvent;
other headers (tracing) are ignored.
"""

import base64
import binascii
import json
import math

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
_CLOUDEVENTS = "application/cloudevents"
_ATTRIBUTES = ("specversion", "id", "source", "type", "subject", "time")
_READ_FROM_HEADERS = {_PREFIX + name: name for name in _ATTRIBUTES}


_BAD_CONTENT_TYPE = Reject("bad_content_type", "content-type: want application/json")
_BAD_BASE64 = Reject("bad_data", "data_base64: want JSON in base64")


def attributes_of(record: Record) -> Attributes | Reject:
    """Read a record's CloudEvent, bounded in size and depth before anything is parsed."""
    if record.headers:
        content_type = _content_type(record.headers)
        if content_type.startswith(_CLOUDEVENTS):
            if content_type != _CLOUDEVENTS and not is_json(content_type):
                return _BAD_CONTENT_TYPE
        elif any(name.startswith(_PREFIX) for name, _ in record.headers):
            return _from_binary(record, content_type)
    decoded = _parse(record.value)
    if isinstance(decoded, (dict, Reject)):
        return decoded
    return Reject("not_an_object", "want one JSON object with the attributes of a CloudEvent")


def data_of(encoded: object, content_type: object) -> object:
    """Decode ``data_base64``, or return a :class:`Reject`, which no JSON decodes to.

    ``content_type`` is the event's ``datacontenttype``; without one data is JSON.
    """
    if content_type is not None and not (
        isinstance(content_type, str) and is_json(_media_type(content_type))
    ):
        return Reject("bad_content_type", "datacontenttype: want application/json")
    if not isinstance(encoded, str):
        return _BAD_BASE64
    try:
        plain = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return _BAD_BASE64
    # No bytes are no data, as in binary mode.
    data = _parse(plain) if plain else None
    return data._replace(detail=f"data_base64: {data.detail}") if isinstance(data, Reject) else data


def is_json(media_type: str) -> bool:
    """Whether a media type in lower case is one of JSON, as CloudEvents defines it.

    >>> is_json("text/json"), is_json("application/vnd.shop+json"), is_json("text/plain")
    (True, True, False)
    """
    return media_type.endswith(("/json", "+json"))


def _content_type(headers: Headers) -> str:
    """Media type in lower case without parameters, empty if no header names one."""
    for name, value in headers:
        # Producers differ in the case of this header.
        if name.lower() == "content-type":
            return _media_type((value or b"").decode("latin-1"))
    return ""


def _media_type(text: str) -> str:
    return text.partition(";")[0].strip().lower()


def _from_binary(record: Record, content_type: str) -> Attributes | Reject:
    if content_type and not is_json(content_type):
        return _BAD_CONTENT_TYPE
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
    """Tell what is wrong with the texts or numbers of something that otherwise is JSON."""
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        return Reject("bad_string", f"want UTF-8; the value breaks at byte {error.start}")
    try:
        # It reads what orjson does not: numbers that are none, and halves of characters.
        json.loads(text, parse_float=_finite, parse_int=_finite, parse_constant=_finite)
    except _NotFinite:
        finite = "want finite numbers, NaN and Infinity are none in JSON"
        return Reject("bad_number", f"{finite}; this value breaks at character {position}")
    except ValueError:
        return Reject("not_json", f"want one JSON value; this one breaks at character {position}")
    whole = "want whole characters, not half of a surrogate pair"
    return Reject("bad_string", f"{whole}; this value breaks at character {position}")


class _NotFinite(Exception):
    pass


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _NotFinite
    return number
