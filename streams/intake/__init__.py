"""Intake: from a record's bytes to a touchpoint, a tick, or a reason for rejecting it."""
