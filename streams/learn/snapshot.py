"""A model as data: what the learner publishes and every worker scores with. Never a pickle.

The text is JSON with a format number and a digest over everything else; a worker refuses what it
does not know.
"""

import hashlib

import msgspec
from msgspec import Struct

FORMAT = 1


class SnapshotError(ValueError):
    """The bytes are no model that this version can serve; says why."""


class ModelData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A standardising scaler and a logistic regression, enough to predict and to go on learning.

    ``features`` names the feature list by digest; the lists are in the order of that list and
    equally long.
    """

    format: int = FORMAT
    features: str
    counts: tuple[int, ...]
    """How often each feature was present."""
    means: tuple[float, ...]
    variances: tuple[float, ...]
    weights: tuple[float, ...]
    """Log-odds per standard deviation."""
    intercept: float
    steps: int
    """Optimiser steps so far."""
    examples: int
    """Matured examples learnt from."""
    churned: int
    """How many of them were churn."""


def empty(features: str, width: int) -> ModelData:
    """The model that knows nothing: 0.5 for everybody."""
    zeros = (0.0,) * width
    return ModelData(
        features=features,
        counts=(0,) * width,
        means=zeros,
        variances=zeros,
        weights=zeros,
        intercept=0.0,
        steps=0,
        examples=0,
        churned=0,
    )


class _Sealed(Struct, frozen=True, forbid_unknown_fields=True):
    digest: str
    model: ModelData


def seal(model: ModelData) -> bytes:
    """The bytes to publish."""
    return msgspec.json.encode(_Sealed(digest(model), model))


def unseal(data: bytes) -> ModelData:
    """Read :func:`seal` back; raises :class:`SnapshotError` for anything else."""
    try:
        sealed = msgspec.json.decode(data, type=_Sealed)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise SnapshotError(f"no model snapshot: {exc}") from exc
    model = sealed.model
    if model.format != FORMAT:
        raise SnapshotError(f"model format {model.format}, this version reads {FORMAT}")
    if sealed.digest != digest(model):
        raise SnapshotError("the model's digest does not match its content")
    widths = {len(model.counts), len(model.means), len(model.variances), len(model.weights)}
    if len(widths) > 1:
        raise SnapshotError(f"lists of different lengths: {sorted(widths)}")
    return model


def digest(model: ModelData) -> str:
    """16 hex digits that name this very model."""
    return hashlib.blake2b(msgspec.json.encode(model), digest_size=8).hexdigest()
