"""Tuning of Python's cycle collector, which finds little to collect here.

Everything a batch makes is freed by reference counts; scanning thousands of live objects for
cycles at every 700th allocation costs a worker a sixth of its time.
"""

import gc

THRESHOLDS = (50_000, 20, 50)
"""Allocations before a young, a middle and a full collection; Python's are (700, 10, 10)."""


def relax() -> None:
    """Exempt all imported objects from collection, and collect seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
