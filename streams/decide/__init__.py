"""Decisions from a risk: a band, and one action or none."""
