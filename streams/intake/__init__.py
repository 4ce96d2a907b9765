"""Intake: from the bytes of a record to a touchpoint, a tick, or the reason why it is neither."""
