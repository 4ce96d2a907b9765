"""Histories: event files and recorded logs, read once, in the order of time, with ticks."""
