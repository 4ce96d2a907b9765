"""The columns that the served model derives, for batch training to use as well."""

from dataclasses import replace

import numpy as np

from bench.quality.rows import Rows
from touchstream.streams.learn.basis import NAMES, expand
from touchstream.streams.learn.seen import Population


def derived(rows: Rows, horizon_days: float) -> Rows:
    """The rows with the whole basis for a vector: (n, columns).

    The population's rhythm is the prior, not the learnt one, so that no later row shows.
    """
    measured, at_ms = rows.vector.astype(np.float64), rows.at_ms.astype(np.float64)
    wide = expand(measured, at_ms, horizon_days, Population()).astype(np.float32)
    return replace(rows, vector=wide, names=NAMES)
