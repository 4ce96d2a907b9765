"""Words for the two labels of a target."""

from typing import NamedTuple

from touchstream.streams.learn.snapshot import CHURN


class Words(NamedTuple):
    """Verbs for a sentence about several customers."""

    title: str
    ones: str
    """Customers with label 1."""
    zeros: str
    """Customers with label 0."""


def words_for(target: str) -> Words:
    """Churn has names of its own.

    >>> words_for("repeat_contact").title
    'Repeat contact'
    """
    if target == CHURN:
        return Words("Churn", "left", "stayed")
    return Words(target.replace("_", " ").capitalize(), "came true", "did not")
