"""Public data sets of real customers as touchpoint events: ``cdnow`` and ``bank_calls``.

The files are never copied into the project; ``python -m bench.datasets --help`` says how to read
them.
"""
