"""What the learner believes of a world whose truth is known: ``python -m bench.validity``."""
