"""Predict, wait for the truth, then learn, once."""
