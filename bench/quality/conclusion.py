"""The served model against the batch pair, and against the best possible: bounds, met or not."""

from collections.abc import Iterable, Mapping
from math import log, log1p
from typing import NamedTuple

from bench.quality.measures import Number
from bench.quality.models import OBSERVER, OURS, PAIR, RECENCY, Judged
from bench.quality.open_rows import worst_ece

GIVEN_AWAY = 0.003
"""Allowed loss of AUC and average precision of one pass against refitting on everything."""
LARGEST_ECE = 0.02
"""Of all rows, and of every group."""
AT_MOST = frozenset({"ece", "worst_group_ece"})
CHANCE = 0.5
WAY = 0.95
"""Share of the observer's way, from chance (AUC) or from the base rate (log loss)."""
TIMES_RECENCY = 1.5
"""Warned leavers, as a multiple of the recency rule's."""


class Bound(NamedTuple):
    """One bound for the served model on one case."""

    measure: str
    ours: Number
    bound: Number
    met: bool
    """False too where a side is not defined."""

    def __str__(self) -> str:
        """One phrase, such as ``auc 0.8285 >= 0.8247: met``."""
        sign = "<=" if self.measure in AT_MOST else ">="
        words = "met" if self.met else "NOT met"
        return f"{self.measure} {_text(self.ours)} {sign} {_text(self.bound)}: {words}"


def conclusion(measured: Iterable[Judged], least_auc: float | None = None) -> list[Bound]:
    """AUC and average precision of either side against the pair's, and ECE; empty without both.

    ``least_auc`` is one more bound, whatever the pair reaches. With groups and alarms, the worst
    group's ECE and the leavers warned; with the observer, the share of its way as well.
    """
    judged = {one.model: one for one in measured}
    if not {OURS, PAIR} <= set(judged):
        return []
    ours, pair = judged[OURS].measures, judged[PAIR].measures
    promised = [] if least_auc is None else [_bound("auc", ours.auc, least_auc)]
    return [
        _at_least("auc", ours.auc, pair.auc),
        _at_least("ap_label_0", ours.ap_label_0, pair.ap_label_0),
        _at_least("ap_label_1", ours.ap_label_1, pair.ap_label_1),
        Bound("ece", ours.ece, LARGEST_ECE, ours.ece is not None and ours.ece <= LARGEST_ECE),
        *promised,
        *_of_open(judged),
        *_of_best(judged),
    ]


def _of_open(judged: Mapping[str, Judged]) -> list[Bound]:
    ours, pair = judged[OURS], judged[PAIR]
    if ours.warned is None or pair.warned is None:
        return []
    worst = worst_ece(ours.groups)
    return [
        Bound("worst_group_ece", worst, LARGEST_ECE, worst is not None and worst <= LARGEST_ECE),
        _bound("warned", ours.warned.warned, pair.warned.warned),
    ]


def _of_best(judged: Mapping[str, Judged]) -> list[Bound]:
    if OBSERVER not in judged:
        return []
    ours, best = judged[OURS].measures, judged[OBSERVER].measures
    bounds = [_bound("auc_of_observer", _way(CHANCE, ours.auc, best.auc), WAY)]
    if ours.base_rate:
        known = base_loss(ours.base_rate)
        loss = _way(known, ours.log_loss, best.log_loss)
        bounds.append(_bound("log_loss_of_observer", loss, WAY))
    recency = judged.get(RECENCY)
    if recency and recency.warned and recency.warned.warned is not None:
        warned = judged[OURS].warned
        least = TIMES_RECENCY * recency.warned.warned
        bounds.append(_bound("warned_of_recency", warned.warned if warned else None, least))
    return bounds


def _way(start: float, reached: Number, best: Number) -> Number:
    """Share of the way from ``start`` to ``best``."""
    if reached is None or best is None or best == start:
        return None
    return (reached - start) / (best - start)


def base_loss(rate: float) -> float:
    """Log loss of the base rate, known in hindsight, nats.

    >>> round(base_loss(0.5), 4)
    0.6931
    """
    return -rate * log(rate) - (1 - rate) * log1p(-rate)


def _at_least(name: str, ours: Number, standard: Number) -> Bound:
    return _bound(name, ours, None if standard is None else standard - GIVEN_AWAY)


def _bound(name: str, ours: Number, least: Number) -> Bound:
    return Bound(name, ours, least, ours is not None and least is not None and ours >= least)


def _text(value: Number) -> str:
    return "-" if value is None else f"{value:.4f}"
