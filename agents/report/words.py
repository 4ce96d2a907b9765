"""Words for the two labels of a target."""

from typing import NamedTuple

from touchstream.streams.learn.snapshot import CHURN, RETURN


class Words(NamedTuple):
    """Verbs for a sentence about several customers."""

    title: str
    ones: str
    """Customers with label 1."""
    zeros: str
    """Customers with label 0."""


def words_for(target: str) -> Words:
    """Churn and return have names of their own.

    >>> words_for("repeat_contact").title
    'Repeat contact'
    """
    if target == CHURN:
        return Words("Churn of open customers", "left", "stayed")
    if target == RETURN:
        return Words("Return of those who had left", "came back", "stayed away")
    return Words(target.replace("_", " ").capitalize(), "came true", "did not")
