"""Changes of a profile by events, beyond its counters: one module per kind of fact."""
