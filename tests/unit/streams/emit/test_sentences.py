"""Every feature has a sentence that is true, or a reason why it has none."""

import pytest

from tests.sentences import CASES, NEVER, Case, texts
from touchstream.streams.features.catalogue import FEATURES


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.feature))
def test_a_feature_is_told_at_low_and_high_values_but_not_at_the_usual(case: Case) -> None:
    assert texts(case) == case.texts


def test_every_feature_is_told_or_says_why_not() -> None:
    assert {case.feature for case in CASES} | set(NEVER) == set(FEATURES.names)
    silent = {one.name for one in FEATURES.features if one.says is None}
    assert silent == set(NEVER)
