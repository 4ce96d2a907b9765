"""The time at which a record was received: the broker's stamp, or in a replay a header."""

from aiokafka import ConsumerRecord

from touchstream.schemas.units import Millis
from touchstream.streams.intake.log_phase import header_ms


def by_broker(record: ConsumerRecord) -> Millis:
    """The record's stamp: with ``LogAppendTime`` the broker's clock, which producers cannot set."""
    return Millis(record.timestamp)


def by_header(record: ConsumerRecord) -> Millis:
    """The stamp in the replay's header; the broker's stamp if there is none.

    For a replay only, which alone writes its topic.
    """
    received_ms = header_ms(record.headers)
    return by_broker(record) if received_ms is None else received_ms
