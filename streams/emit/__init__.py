"""Emissions, with ids that are a function of their cause."""
