"""Python's cycle collector, told that there is little for it here.

Everything a batch makes is freed by reference counts; scanning thousands of live objects for
cycles at every 700th allocation costs a worker a sixth of its time.
"""

import gc

THRESHOLDS = (50_000, 20, 50)
"""Allocations before a young, a middle and a full collection; Python's are (700, 10, 10)."""


def relax() -> None:
    """Leave what was imported alone for good, and look for cycles seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
