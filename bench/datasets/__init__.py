"""Public data sets of real customers, as events or as a log of decisions.

``cdnow`` and ``bank_calls`` are touchpoint events, ``hillstrom`` is a log of decisions. The files
are never copied into the project; ``python -m bench.datasets --help`` says how to read them.
"""
