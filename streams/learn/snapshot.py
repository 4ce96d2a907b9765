"""A model as data: what the learner publishes and every worker scores with. Never a pickle.

The text is JSON with a format number and a digest over everything else; a worker refuses what it
does not know.
"""

import hashlib

import msgspec
from msgspec import Struct, field

from touchstream.schemas.units import Millis
from touchstream.streams.learn.basis import NAMES
from touchstream.streams.learn.calibration import Calibration
from touchstream.streams.learn.models.registry import Data, fresh
from touchstream.streams.learn.standard import StandardData
from touchstream.streams.learn.standard import empty as no_standard

FORMAT = 2
CHURN = "churn"
"""The first target; the others are those of the settings."""
SEGMENTS = 12
"""Subscription none, running or ended; came back or not; ordered or not."""


class SnapshotError(ValueError):
    """The bytes are no model that this version can serve; says why."""


class ModelData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One target's model: enough to predict and to go on learning."""

    features: str
    """Digest of the feature list it reads."""
    columns: str
    """Digest of the basis it works out of them."""
    horizon_days: float
    """What is looked for within so many days."""
    since_ms: Millis | None
    """The first moment learnt from."""
    standard: StandardData
    estimator: Data
    calibration: Calibration
    between_customer_variance: float = field(name="scatter")
    """Variance of customers' own log-odds around what the columns say.

    Stored under its first name, so that published digests hold.
    """
    segment_n: tuple[int, ...]
    segment_churned: tuple[int, ...]
    """Examples, and those of label 1, by segment."""
    examples: int
    """Matured examples learnt from."""
    churned: int
    """How many of them were of label 1."""


class Version(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one version is: a model for every target."""

    format: int = FORMAT
    models: dict[str, ModelData]


COLUMNS = hashlib.blake2b("\n".join(NAMES).encode(), digest_size=4).hexdigest()


def empty(features: str, horizon_days: float, model: str = "bayes") -> ModelData:
    """The model that knows nothing: 0.5 for everybody."""
    return ModelData(
        features=features,
        columns=COLUMNS,
        horizon_days=float(horizon_days),  # 28 would be written as 28, read as 28.0: another digest
        since_ms=None,
        standard=no_standard(len(NAMES)),
        estimator=fresh(model, list(NAMES)),
        calibration=Calibration(),
        between_customer_variance=0.0,
        segment_n=(0,) * SEGMENTS,
        segment_churned=(0,) * SEGMENTS,
        examples=0,
        churned=0,
    )


class _Sealed(Struct, frozen=True, forbid_unknown_fields=True):
    digest: str
    version: Version


def seal(version: Version) -> bytes:
    """The bytes to publish."""
    return msgspec.json.encode(_Sealed(digest(version), version))


def unseal(data: bytes) -> Version:
    """Read :func:`seal` back; raises :class:`SnapshotError` for anything else."""
    try:
        sealed = msgspec.json.decode(data, type=_Sealed)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise SnapshotError(f"no model snapshot: {exc}") from exc
    version = sealed.version
    if version.format != FORMAT:
        raise SnapshotError(f"model format {version.format}, this version reads {FORMAT}")
    if sealed.digest != digest(version):
        raise SnapshotError("the model's digest does not match its content")
    for target, model in version.models.items():
        if model.columns != COLUMNS:
            raise SnapshotError(f"{target}: of basis {model.columns}, this build has {COLUMNS}")
    return version


def digest(version: Version) -> str:
    """16 hex digits that name this very version."""
    return hashlib.blake2b(msgspec.json.encode(version), digest_size=8).hexdigest()
