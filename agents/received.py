"""The time at which a record was received: the broker's stamp, or in a replay a header."""

import re

from aiokafka import ConsumerRecord

from touchstream.schemas.units import Millis

RECEIVED_HEADER = "touchstream-received"
"""Milliseconds since 1970 as digits; trusted in a replay only, which alone writes its topic."""

_DIGITS = re.compile(rb"[0-9]{1,15}")  # up to the year 33658


def by_broker(record: ConsumerRecord) -> Millis:
    """The record's stamp: with ``LogAppendTime`` the broker's clock, which producers cannot set."""
    return Millis(record.timestamp)


def by_header(record: ConsumerRecord) -> Millis:
    """The stamp in the replay's header; the broker's stamp if there is none."""
    for name, value in record.headers:
        if name == RECEIVED_HEADER and value is not None and _DIGITS.fullmatch(value):
            return Millis(int(value))
    return by_broker(record)
