"""Compression dictionaries by number, a part of the stored format: none is ever changed."""
