"""Names that the examples in docstrings may use without an import."""

from math import exp, expm1

import pytest

from tests.make import event, seen


@pytest.fixture(autouse=True)
def _words_of_examples(doctest_namespace: dict[str, object]) -> None:
    doctest_namespace |= {"event": event, "exp": exp, "expm1": expm1, "seen": seen}
