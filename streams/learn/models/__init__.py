"""The available models, one per file; ``registry.py`` lists them."""
