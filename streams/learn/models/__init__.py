"""The models that can be chosen, a file each; ``registry.py`` lists them."""
