"""History through the same agents and code, on event time."""
