"""A customer's profile, and the fold of events into it."""
