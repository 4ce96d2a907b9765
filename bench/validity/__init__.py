"""The learner's predictions in a world whose truth is known: ``python -m bench.validity``."""
