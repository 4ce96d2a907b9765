"""Real customers of others, read into touchpoint events: ``cdnow`` and ``bank_calls``.

The files are never copied into the project; ``python -m bench.datasets --help`` says how to read
them.
"""
