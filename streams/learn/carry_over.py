"""A model carried over to another list of columns, so that it goes on through an upgrade.

Columns are identified by name and unit. Those that both lists have keep their statistics and their
part of the posterior; a new one starts with the prior, adds nothing until its values vary, and is
learnt from then on like any other. A column that is gone is marginalised out: a Gaussian without
one of its coordinates. Why this and not two lists side by side: docs/decisions/0030.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import assert_never

import msgspec
import numpy as np
from numpy.typing import NDArray

from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.arrays import Floats, pack, pack_symmetric, unpack, unpack_symmetric
from touchstream.streams.learn.basis import COLUMNS, NAMES
from touchstream.streams.learn.models.bayes import (
    PRIOR_VARIANCE,
    PRIOR_VARIANCE_OF_INTERCEPT,
    BayesData,
)
from touchstream.streams.learn.models.hedge import HedgeData
from touchstream.streams.learn.models.logistic import LogisticData
from touchstream.streams.learn.models.recency import RecencyData
from touchstream.streams.learn.models.registry import Data
from touchstream.streams.learn.models.rhythm import RhythmData
from touchstream.streams.learn.snapshot import COLUMNS as COLUMNS_DIGEST
from touchstream.streams.learn.snapshot import ModelData
from touchstream.streams.learn.standard import StandardData

COLUMN_KEYS: tuple[str, ...] = (
    "intercept",
    *FEATURES.keys,
    *(f"{name} [{unit}]" for name, unit, _ in COLUMNS),
)
"""The columns of this build's basis by name and unit, in order."""
_ABSENT = -1


def carried_over(model: ModelData, keys: Sequence[str]) -> ModelData:
    """``model``, whose columns are ``keys``, with the columns of this build."""
    places = _places(keys)
    standard = model.standard
    return msgspec.structs.replace(
        model,
        features=FEATURES.digest,
        columns=COLUMNS_DIGEST,
        standard=StandardData(
            *(_moved(part, places) for part in (standard.counts, standard.means, standard.squares))
        ),
        estimator=_estimator(model.estimator, places),
    )


def translated(vector: bytes, keys: Sequence[str]) -> tuple[float, ...]:
    """A ledger row of the list ``keys`` in the order of this build's; NaN for a new feature.

    Raises ``ValueError`` if the row does not have the length of ``keys``.
    """
    row = struct.Struct(f"<{len(keys)}e")
    if len(vector) != row.size:
        raise ValueError(f"vector of {len(vector)} bytes, want {row.size}")
    values: Mapping[str, float] = dict(zip(keys, row.unpack(vector), strict=True))
    return tuple(values.get(key, float("nan")) for key in FEATURES.keys)


def _places(keys: Sequence[str]) -> NDArray[np.intp]:
    """For each column of this build its place in ``keys``; -1 for a new one."""
    known = {key: place for place, key in enumerate(keys)}
    return np.array([known.get(key, _ABSENT) for key in COLUMN_KEYS], dtype=np.intp)


def _moved(part: bytes, places: NDArray[np.intp]) -> bytes:
    """One number per column; 0 for a new one."""
    return pack(np.where(places == _ABSENT, 0.0, unpack(part)[places]))


def _estimator(data: Data, places: NDArray[np.intp]) -> Data:
    match data:
        case BayesData():
            return _bayes(data, places)
        case LogisticData():
            return LogisticData(_moved(data.weights, places), data.steps)
        case RecencyData():
            return RecencyData(data.baselines.copy(), NAMES.index("silence_days"))
        case RhythmData():
            return msgspec.structs.replace(data, column=NAMES.index("rhythm_silent"))
        case HedgeData():
            return _hedge(data, places)
        case _ as never:
            assert_never(never)


def _bayes(data: BayesData, places: NDArray[np.intp]) -> BayesData:
    mean: Floats = unpack(data.mean)
    before = unpack_symmetric(data.covariance, len(mean))
    known = np.flatnonzero(places != _ABSENT)
    covariance = np.eye(len(places)) * PRIOR_VARIANCE
    covariance[0, 0] = PRIOR_VARIANCE_OF_INTERCEPT
    covariance[np.ix_(known, known)] = before[np.ix_(places[known], places[known])]
    return BayesData(_moved(data.mean, places), pack_symmetric(covariance))


def _hedge(data: HedgeData, places: NDArray[np.intp]) -> HedgeData:
    return HedgeData(
        data.weights,
        _bayes(data.bayes, places),
        LogisticData(_moved(data.logistic.weights, places), data.logistic.steps),
        RecencyData(data.recency.baselines.copy(), NAMES.index("silence_days")),
        msgspec.structs.replace(data.rhythm, column=NAMES.index("rhythm_silent")),
    )
