"""The served model against the batch pair: three bounds, met or not."""

from collections.abc import Iterable
from typing import NamedTuple

from bench.quality.measures import Number
from bench.quality.models import OURS, PAIR, Judged

GIVEN_AWAY = 0.003
"""Allowed loss of AUC and average precision of one pass against refitting on everything."""
LARGEST_ECE = 0.02


class Bound(NamedTuple):
    """One bound for the served model on one case."""

    measure: str
    ours: Number
    bound: Number
    met: bool
    """False too where a side is not defined."""

    def __str__(self) -> str:
        """One phrase, such as ``auc 0.8285 >= 0.8247: met``."""
        sign = "<=" if self.measure == "ece" else ">="
        words = "met" if self.met else "NOT met"
        return f"{self.measure} {_text(self.ours)} {sign} {_text(self.bound)}: {words}"


def conclusion(judged: Iterable[Judged], least_auc: float | None = None) -> list[Bound]:
    """AUC and average precision of either side against the pair's, and ECE; empty without both.

    ``least_auc`` is one more bound, whatever the pair reaches.
    """
    found = {one.model: one.measures for one in judged}
    if not {OURS, PAIR} <= set(found):
        return []
    ours, pair = found[OURS], found[PAIR]
    promised = [] if least_auc is None else [_bound("auc", ours.auc, least_auc)]
    return [
        _at_least("auc", ours.auc, pair.auc),
        _at_least("ap_label_0", ours.ap_label_0, pair.ap_label_0),
        _at_least("ap_label_1", ours.ap_label_1, pair.ap_label_1),
        Bound("ece", ours.ece, LARGEST_ECE, ours.ece is not None and ours.ece <= LARGEST_ECE),
        *promised,
    ]


def _at_least(name: str, ours: Number, standard: Number) -> Bound:
    return _bound(name, ours, None if standard is None else standard - GIVEN_AWAY)


def _bound(name: str, ours: Number, least: Number) -> Bound:
    return Bound(name, ours, least, ours is not None and least is not None and ours >= least)


def _text(value: Number) -> str:
    return "-" if value is None else f"{value:.4f}"
