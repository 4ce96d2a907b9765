"""What is known of a customer: one projection a file, all named in ``registry.py``."""
