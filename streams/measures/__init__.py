"""Business measures: exact aggregates over all customers, committed with their states."""
