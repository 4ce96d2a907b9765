"""What an event changes of a profile beyond its counters: one module for each kind of fact."""
