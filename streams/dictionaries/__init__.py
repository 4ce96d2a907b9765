"""Compression dictionaries by number, part of the stored format: they never change."""
