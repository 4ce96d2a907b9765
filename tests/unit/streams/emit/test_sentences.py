"""Every feature has a sentence that is true, or a reason why it has none."""

from math import nan

import pytest

from tests.make import event, seen
from tests.sentences import CASES, NEVER, Case, texts
from touchstream.streams.emit.sentences import Teller
from touchstream.streams.features.catalogue import FEATURES


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.feature))
def test_a_feature_is_told_at_low_and_high_values_but_not_at_the_usual(case: Case) -> None:
    assert texts(case) == case.texts


def test_every_feature_is_told_or_says_why_not() -> None:
    assert {case.feature for case in CASES} | set(NEVER) == set(FEATURES.names)
    silent = {one.name for one in FEATURES.features if not one.says}
    assert silent == set(NEVER)


SILENCE = FEATURES.features[0]
SILENT = seen("d9", event("web.visit", "d0"))


@pytest.mark.parametrize(
    ("target", "raises", "lowers"), [("churn", 1, 0), ("return", 0, 1), ("repeat_contact", 1, 1)]
)
def test_what_speaks_for_leaving_speaks_against_a_return(
    target: str, raises: int, lowers: int
) -> None:
    teller = Teller(SILENT, lambda _: nan, target)
    assert (teller.sentence(SILENCE, "raises") is not None) == raises
    assert (teller.sentence(SILENCE, "lowers") is not None) == lowers
