"""Features: named pure functions of a profile and a moment, read by the models."""
