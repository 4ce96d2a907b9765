"""Model snapshots as data: published by the learner, loaded by every worker. Never a pickle.

JSON with a format number and a digest over everything else; workers reject unknown formats.
"""

import hashlib
from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Struct, field

from touchstream.schemas.rules import Thresholds
from touchstream.schemas.units import Millis
from touchstream.streams.learn.basis import NAMES
from touchstream.streams.learn.calibration import Calibration
from touchstream.streams.learn.models.registry import Data, fresh
from touchstream.streams.learn.standard import StandardData
from touchstream.streams.learn.standard import empty as no_standard

FORMAT = 2
CHURN = "churn"
"""The built-in target; further ones are configured."""
RETURN: Literal["return"] = "return"
"""The built-in target of customers who have left."""
SEGMENTS = 12
"""Subscription none, running or ended, x returned or not, x ordered or not."""


class SnapshotError(ValueError):
    """The bytes are not a model that this build can serve; the message says why."""


class OwnExamples(Struct, frozen=True, array_like=True):
    """The examples of a model's own target, where it also learns another's."""

    examples: int = 0
    churned: int = 0
    """Of these, examples with label 1."""

    def plus(self, labels: Sequence[int]) -> "OwnExamples":
        """With the examples of these labels."""
        return OwnExamples(self.examples + len(labels), self.churned + sum(labels))


class ModelData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One target's model: enough to predict and to continue learning."""

    features: str
    """Digest of its feature list."""
    columns: str
    """Digest of its basis."""
    horizon_days: float
    """Days within which label 1 is predicted."""
    since_ms: Millis | None
    """Time of the first example learnt."""
    standard: StandardData
    estimator: Data
    calibration: Calibration
    between_customer_variance: float = field(name="scatter")
    """Variance of customers' log-odds around the model's.

    Stored under its former name, so that published digests stay valid.
    """
    segment_n: tuple[int, ...]
    segment_churned: tuple[int, ...]
    """Examples, and those with label 1, by segment."""
    examples: int
    """Matured examples learnt from, borrowed ones included."""
    churned: int
    """Of these, examples with label 1."""
    own: OwnExamples | None = None
    """Examples of its own target; None if it learns no others."""
    bands: Thresholds | None = None
    """Churn's thresholds for the capacity; None if they are typed, or not known yet."""

    @property
    def evidence(self) -> OwnExamples:
        """The examples that tell how far this target's risks can be trusted."""
        return self.own or OwnExamples(self.examples, self.churned)


class Version(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model version: one model per target."""

    format: int = FORMAT
    models: dict[str, ModelData]


COLUMNS = hashlib.blake2b("\n".join(NAMES).encode(), digest_size=4).hexdigest()


def empty(
    features: str, horizon_days: float, model: str = "bayes", *, borrows: bool = False
) -> ModelData:
    """The untrained model, which predicts 0.5.

    ``borrows``: it will also learn another target's examples.
    """
    return ModelData(
        features=features,
        columns=COLUMNS,
        horizon_days=float(horizon_days),  # 28 is encoded as 28 but read as 28.0: another digest
        since_ms=None,
        standard=no_standard(len(NAMES)),
        estimator=fresh(model, list(NAMES)),
        calibration=Calibration.with_offset() if borrows else Calibration(),
        between_customer_variance=0.0,
        segment_n=(0,) * SEGMENTS,
        segment_churned=(0,) * SEGMENTS,
        examples=0,
        churned=0,
        own=OwnExamples() if borrows else None,
    )


class _Sealed(Struct, frozen=True, forbid_unknown_fields=True):
    digest: str
    version: Version


def seal(version: Version) -> bytes:
    """The bytes to publish."""
    return msgspec.json.encode(_Sealed(digest(version), version))


def unseal(data: bytes) -> Version:
    """Invert :func:`seal`; raises :class:`SnapshotError` for other bytes."""
    try:
        sealed = msgspec.json.decode(data, type=_Sealed)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise SnapshotError(f"not a model snapshot: {exc}") from exc
    version = sealed.version
    if version.format != FORMAT:
        raise SnapshotError(f"model format {version.format}, this build reads {FORMAT}")
    # Damaged bytes may still decode.
    if sealed.digest != digest(version):
        raise SnapshotError("the model's digest does not match its content")
    for target, model in version.models.items():
        if model.columns != COLUMNS:
            raise SnapshotError(f"{target}: basis {model.columns}, this build has {COLUMNS}")
    return version


def digest(version: Version) -> str:
    """16 hex digits that identify this version."""
    return hashlib.blake2b(msgspec.json.encode(version), digest_size=8).hexdigest()
