"""When a record was received: the broker says so, and in a replay the record itself."""

from aiokafka import ConsumerRecord

from touchstream.schemas.units import Millis

RECEIVED_HEADER = "touchstream-received"
"""Milliseconds since 1970 as digits.

Heeded in a replay only, where nobody else writes the topic.
"""


def by_broker(record: ConsumerRecord) -> Millis:
    """The record's stamp.

    With ``LogAppendTime`` the broker's clock, which no producer can forge.
    """
    return Millis(record.timestamp)


def by_header(record: ConsumerRecord) -> Millis:
    """What the replay wrote; the broker's stamp where it wrote nothing."""
    for name, value in record.headers:
        if name == RECEIVED_HEADER and value is not None and value.isdigit():
            return Millis(int(value))
    return by_broker(record)
