"""Undecoded records of the touchpoints topic, as the shell passes them to the core."""

from typing import NamedTuple

from touchstream.schemas.units import Millis


class Record(NamedTuple):
    """One Kafka record. ``received_ms`` is the broker's stamp, or in a replay the header's."""

    offset: int
    received_ms: Millis
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes | None], ...] = ()
