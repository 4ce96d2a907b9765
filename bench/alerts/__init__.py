"""How much value the alerts save that are chosen under a capacity: ``python -m bench.alerts``."""
