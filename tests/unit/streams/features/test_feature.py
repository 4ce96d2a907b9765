from math import isnan

import pytest

from tests.make import WIDTH, event, folded, moment
from touchstream.streams.features.catalogue import FEATURES, SILENCE
from touchstream.streams.features.feature import LARGEST, Feature, FeatureList, Measure

PROFILE = folded(event("web.visit", "d0"))


def listed(*measures: Measure) -> FeatureList:
    for number, measure in enumerate(measures):
        measure.__name__ = f"f{number}"
    return FeatureList([Feature(one, "n", "text", ()) for one in measures])


def values(features: FeatureList) -> tuple[float, ...]:
    return features.unpack(features.vector(PROFILE, moment("d1")))


def test_a_vector_is_little_endian_half_floats_in_the_order_of_the_list() -> None:
    features = listed(lambda view: 1.0, lambda view: -2.0)
    assert features.vector(PROFILE, moment("d1")) == b"\x00\x3c\x00\xc0"


def test_what_is_scored_is_what_the_ledger_can_store() -> None:
    assert values(listed(lambda view: 0.1)) == (0.0999755859375,)


def test_a_missing_value_is_nan() -> None:
    missing, zero = values(listed(lambda view: None, lambda view: 0.0))
    assert isnan(missing)
    assert zero == 0.0


@pytest.mark.parametrize("huge", [65_504.1, 1e9, 1e300, float("inf")])
def test_a_huge_value_is_clipped(huge: float) -> None:
    clipped = values(listed(lambda view: huge, lambda view: -huge, lambda view: 1.0))
    assert clipped[1:] == (-clipped[0], 1.0)
    assert clipped[0] in {65_504.0, 60_000.0}  # half floats lie 32 apart there


def test_clipping_one_value_leaves_a_missing_one_missing() -> None:
    clipped, missing = values(listed(lambda view: 1e9, lambda view: None))
    assert clipped == LARGEST
    assert isnan(missing)


def test_a_vector_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match=f"vector of 2 bytes, want {2 * WIDTH}"):
        FEATURES.unpack(b"\x00\x3c")


def test_two_features_of_one_name_are_refused() -> None:
    twin = Feature(lambda view: 0.0, "n", "text", ())
    with pytest.raises(ValueError, match="distinct"):
        FeatureList([twin, twin])


def test_the_digest_names_the_list() -> None:
    one, other = FEATURES.features[0], FEATURES.features[1]
    digests = {FeatureList(some).digest for some in ([one], [other], [one, other], [other, one])}
    assert len(digests) == 4


def test_another_unit_is_another_list() -> None:
    one = FEATURES.features[0]
    assert FeatureList([one]).digest != FeatureList([one._replace(unit="s")]).digest


def test_silence_stands_where_the_baseline_looks_for_it() -> None:
    assert FEATURES.names[SILENCE] == "silence_days"
