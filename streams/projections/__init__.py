"""Projections of a customer's log: one per file, all listed in ``registry.py``."""
