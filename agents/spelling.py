"""Bytes in a line of JSON: text as it stands, other bytes as base64."""

import base64
from collections.abc import Mapping
from typing import Any


def spelled(name: str, data: bytes | None) -> dict[str, str | None]:
    """One field.

    >>> spelled("value", b"a"), spelled("value", bytes([255])), spelled("value", None)
    ({'value': 'a'}, {'value_base64': '/w=='}, {'value': None})
    """
    if data is None:
        return {name: None}
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(data).decode()}


def read_spelled(line: Mapping[str, Any], name: str) -> bytes | None:
    """Read :func:`spelled` back; raises ``ValueError`` where that is no base64."""
    if f"{name}_base64" in line:
        return base64.b64decode(line[f"{name}_base64"], validate=True)
    text = line.get(name)
    return None if text is None else str(text).encode()
