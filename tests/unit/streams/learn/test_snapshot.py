import msgspec
import numpy as np
import orjson
import pytest

from touchstream.streams.learn.arrays import pack
from touchstream.streams.learn.basis import NAMES
from touchstream.streams.learn.calibration import Calibration
from touchstream.streams.learn.models.logistic import LogisticData
from touchstream.streams.learn.models.registry import MODELS
from touchstream.streams.learn.snapshot import (
    CHURN,
    RETURN,
    SEGMENTS,
    ModelData,
    OwnExamples,
    SnapshotError,
    Version,
    digest,
    empty,
    seal,
    unseal,
)

MODEL = empty("f00d", 28)
VERSION = Version(models={CHURN: MODEL})


def versioned(**changed: object) -> Version:
    """A version whose model has other content."""
    return Version(models={CHURN: msgspec.structs.replace(MODEL, **changed)})


def test_a_snapshot_is_read_back() -> None:
    assert unseal(seal(VERSION)) == VERSION


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_snapshot_of_every_model_is_read_back(name: str) -> None:
    version = Version(models={CHURN: empty("f00d", 28, name), "repeat": MODEL})
    assert unseal(seal(version)) == version


def test_who_knows_nothing_has_a_place_for_every_column_and_segment() -> None:
    assert len(MODEL.standard.means) == 8 * len(NAMES)
    assert MODEL.segment_n == MODEL.segment_churned == (0,) * SEGMENTS
    assert (MODEL.examples, MODEL.churned, MODEL.between_customer_variance, MODEL.since_ms) == (
        0,
        0,
        0.0,
        None,
    )
    assert MODEL.calibration == Calibration()


def test_a_snapshot_is_json_that_a_person_can_read() -> None:
    emitted = orjson.loads(seal(VERSION))["version"]["models"]["churn"]
    assert (emitted["features"], emitted["horizon_days"]) == ("f00d", 28.0)


def test_equal_versions_have_one_digest_and_others_another() -> None:
    assert digest(Version(models={CHURN: empty("f00d", 28)})) == digest(VERSION)
    assert digest(versioned(examples=1)) != digest(VERSION)


def test_a_number_of_the_estimator_shows_in_the_digest() -> None:
    before, after = (
        versioned(estimator=LogisticData(pack(np.full(len(NAMES), weight)), 3))
        for weight in (0.5, 0.5 + 2**-53)
    )
    assert digest(after) != digest(before)


def test_a_changed_number_is_refused() -> None:
    with pytest.raises(SnapshotError, match="digest does not match"):
        unseal(seal(VERSION).replace(b'"scatter":0.0', b'"scatter":0.5'))


@pytest.mark.parametrize("data", [b"", b"null", b"{}", b"\x80\x04N.", b'{"digest":"\xff"}'])
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(SnapshotError, match="not a model snapshot"):
        unseal(data)


def test_a_version_of_a_build_that_did_not_count_own_examples_is_read() -> None:
    borrowing = empty("f00d", 28, borrows=True)
    now = msgspec.to_builtins(borrowing)
    assert now.pop("own") == [0, 0]
    former = msgspec.convert(now, ModelData)
    assert (former.own, former.calibration) == (None, borrowing.calibration)
    version = Version(models={RETURN: msgspec.structs.replace(former, examples=9, churned=4)})
    assert unseal(seal(version)).models[RETURN].evidence == OwnExamples(9, 4)


def test_a_model_that_borrows_nothing_is_written_as_before() -> None:
    assert b'"own"' not in seal(VERSION)


def test_a_field_of_a_later_version_is_refused() -> None:
    with pytest.raises(SnapshotError, match="not a model snapshot"):
        unseal(seal(VERSION).replace(b'"scatter"', b'"later":1,"scatter"'))


def test_a_model_of_another_kind_is_refused() -> None:
    with pytest.raises(SnapshotError, match="not a model snapshot"):
        unseal(seal(VERSION).replace(b'"bayes"', b'"magic"'))


def test_another_format_is_refused() -> None:
    with pytest.raises(SnapshotError, match="format 3, this build reads 2"):
        unseal(seal(msgspec.structs.replace(VERSION, format=3)))


def test_a_model_over_another_basis_is_refused() -> None:
    with pytest.raises(SnapshotError, match="churn: basis old, this build has"):
        unseal(seal(versioned(columns="old")))


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_version_of_any_model_weighs_less_than_64_kib(name: str) -> None:
    assert len(seal(Version(models={CHURN: empty("f00d", 28, name)}))) <= 64 * 1024
