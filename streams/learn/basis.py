"""The basis: columns derived from the stored features before a model reads them.

A ledger row stores features only. Rhythm, slopes, products and seasons follow from these, the
moment, and the population's statistics in the model, so they take no storage. A missing feature is
NaN, and NaN in gives NaN out: missing is not zero.

A new column is one more row in one of the functions below, and its line in :data:`DERIVED`.
"""

from collections.abc import Callable, Iterator
from math import nan, pi
from typing import NamedTuple

import numpy as np

from touchstream.schemas.units import DAY_MS
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.arrays import Floats
from touchstream.streams.learn.seen import (
    CYCLES_DAYS,
    FARTHEST_Z,
    LARGEST_MEAN,
    PHASES,
    Population,
    Seen,
    constant,
    places,
)

MAY_MISS = (
    "silence_days",
    "gap_usual",
    "gap_spread",
    "spend_minor",
    "oldest_open_ticket_days",
    "survey_score",
    "subscription_running",
    "subscription_days_left",
    "call_last_s",
)
"""Features with an indicator column for their presence."""
PRODUCTS = (
    ("silence_days", "silence_days"),
    ("known_days", "known_days"),
    ("activity_count", "activity_count"),
    ("silence_days", "activity_count"),
    ("silence_days", "known_days"),
    ("silence_days", "activity_quarter"),
    ("activity_count", "known_days"),
    ("known_days", "activity_month"),
    ("reopened_month", "reopened_month"),
    ("payment_failed_month", "payment_failed_month"),
    ("transfers_month", "transfers_month"),
    ("wait_month_s", "wait_month_s"),
    ("leaving_month", "leaving_month"),
)
RATIOS = (
    ("activity_week", "activity_month"),
    ("activity_month", "activity_quarter"),
    ("activity_quarter", "activity_year"),
    ("spend_quarter_minor", "spend_minor"),
)
"""Pairs whose log ratio is a slope."""
_LEFT, _RIGHT = (places(*names) for names in zip(*PRODUCTS, strict=True))
_NEARER, _FARTHER = (places(*names) for names in zip(*RATIOS, strict=True))
_MAY_MISS = places(*MAY_MISS)
_FARTHEST_Z, _LARGEST_MEAN = constant(FARTHEST_Z), constant(LARGEST_MEAN)
_PHASES, _CYCLES_DAYS = np.array(PHASES)[:, None], np.array(CYCLES_DAYS)[:, None]
_THE_YEAR = CYCLES_DAYS.index(365.25)


class Derived(NamedTuple):
    """Columns derived together, because they share computation."""

    work: Callable[[Seen, Floats], None]
    """Writes the columns, (columns, n)."""
    columns: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Name, unit, and origin: the features that share the column's contribution in equal parts;
    a season has none."""


def rhythm(seen: Seen, out: Floats) -> None:
    """The silence compared with the customer's own gaps."""
    out[0] = seen["silence_days"] - np.log1p(np.exp(np.minimum(seen.mean, _LARGEST_MEAN)))
    out[1] = seen.mean
    out[2] = seen.spread
    out[3] = seen.z
    out[4] = seen.sure
    out[5] = seen.logit_silent
    out[6] = seen.logit_silent * seen.sure


def phases(seen: Seen, out: Floats) -> None:
    """Early, on time, late, overdue: Gaussian bumps at z = -1, 0, 1, 2, also times certainty.

    A model linear in z cannot express "due right now", the key fact about regular customers.
    """
    z = np.maximum(np.minimum(seen.z, _FARTHEST_Z), -_FARTHEST_Z)
    bumps = np.exp(-0.5 * (z - _PHASES) ** 2)
    out[:4] = bumps
    out[4:] = bumps * seen.sure


def slopes(seen: Seen, out: Floats) -> None:
    """Growth or decline: ln ratios of two half-lives, and signs of life per 28 d.

    The rate adds 28 to the known days, so that a first day does not count as a burst.
    """
    ratios = seen.all(_NEARER) - seen.all(_FARTHER)
    out[:3] = ratios[:3]
    out[3] = np.log1p(seen.activity_count * 28 / (seen.known_days + 28))
    out[4] = ratios[3]


def products(seen: Seen, out: Floats) -> None:
    """Interactions: silence after many visits, of a long-known customer, after a busy quarter.

    Squares of troubles, because their effect grows faster than the logarithm of their number.
    """
    out[:] = seen.all(_LEFT) * seen.all(_RIGHT)


def contract(seen: Seen, out: Floats) -> None:
    """Silence while a subscription runs, as its effect on churn differs then."""
    silence = seen["silence_days"]
    out[0] = seen["subscription_running"] * silence
    out[1] = out[0] * silence


def presence(seen: Seen, out: Floats) -> None:
    """1 where the feature is present, else 0: missing is not zero."""
    out[:] = ~np.isnan(seen.all(_MAY_MISS))


def seasons(seen: Seen, out: Floats) -> None:
    """The moment within the week, the day (UTC) and the year, as points on a circle.

    The year's columns are missing until the training data spans two years.
    """
    turns = 2 * pi * (seen.at_ms / DAY_MS) / _CYCLES_DAYS
    turns[_THE_YEAR, ~seen.seasons] = nan
    out[0::2] = np.sin(turns)
    out[1::2] = np.cos(turns)


_SILENCE = ("silence_days", "gap_usual")
_ROUND = "-1..1"

DERIVED: tuple[Derived, ...] = (
    Derived(
        rhythm,
        (
            ("silence_over_gap", "ln ratio", _SILENCE),
            ("rhythm_mean", "ln(d)", ("gap_usual",)),
            ("rhythm_spread", "ln(d)", ("gap_spread",)),
            ("rhythm_z", "sd", _SILENCE),
            ("rhythm_sure", "0..1", ("gap_count",)),
            ("rhythm_silent", "log-odds", _SILENCE),
            ("rhythm_silent_sure", "log-odds", _SILENCE),
        ),
    ),
    Derived(
        phases,
        tuple(
            (f"{phase}{sure}", "0..1", _SILENCE)
            for sure in ("", "_sure")
            for phase in ("early", "on_time", "late", "overdue")
        ),
    ),
    Derived(
        slopes,
        (
            ("week_slope", "ln ratio", ("activity_week",)),
            ("month_slope", "ln ratio", ("activity_month",)),
            ("quarter_slope", "ln ratio", ("activity_quarter",)),
            ("activity_rate", "ln(1+n/28d)", ("activity_count",)),
            ("spend_slope", "ln ratio", ("spend_quarter_minor",)),
        ),
    ),
    Derived(
        products,
        (
            ("silence_squared", "ln^2", ("silence_days",)),
            ("known_squared", "ln^2", ("known_days",)),
            ("count_squared", "ln^2", ("activity_count",)),
            ("silence_by_count", "ln^2", ("silence_days", "activity_count")),
            ("silence_by_known", "ln^2", ("silence_days", "known_days")),
            ("silence_by_quarter", "ln^2", ("silence_days", "activity_quarter")),
            ("count_by_known", "ln^2", ("activity_count", "known_days")),
            ("known_by_month", "ln^2", ("known_days", "activity_month")),
            # Trouble adds up: the third failure weighs more than its logarithm.
            ("reopened_squared", "ln^2", ("reopened_month",)),
            ("payment_failed_squared", "ln^2", ("payment_failed_month",)),
            ("transfers_squared", "ln^2", ("transfers_month",)),
            ("wait_squared", "ln^2", ("wait_month_s",)),
            ("leaving_squared", "ln^2", ("leaving_month",)),
        ),
    ),
    Derived(
        contract,
        (
            ("running_silence", "ln(1+d)", ("silence_days",)),
            ("running_silence_squared", "ln^2", ("silence_days",)),
        ),
    ),
    Derived(
        presence,
        tuple((f"has_{name}", "0/1", (name,)) for name in MAY_MISS),
    ),
    Derived(
        seasons,
        tuple(
            (f"{cycle}_{side}", _ROUND, ())
            for cycle in ("week", "day", "year")
            for side in ("sine", "cosine")
        ),
    ),
)

COLUMNS = tuple(column for derived in DERIVED for column in derived.columns)
"""Name, unit and origin of every derived column, in order."""
NAMES: tuple[str, ...] = ("intercept", *FEATURES.names, *(name for name, _, _ in COLUMNS))
"""The columns of the basis: 1, the features in the order of the vector, derived columns."""
GAP_LAST = NAMES.index("gap_last")


def _blocks() -> Iterator[tuple[Callable[[Seen, Floats], None], slice]]:
    place = 1 + len(FEATURES.names)
    for work, columns in DERIVED:
        yield work, slice(place, place + len(columns))
        place += len(columns)


_BLOCKS = tuple(_blocks())


def expand(rows: Floats, at_ms: Floats, horizon_days: float, population: Population) -> Floats:
    """All columns of the basis, (n, columns), for features (n, features); NaN where missing.

    A row's columns do not depend on the rest of the batch, to the last bit; otherwise results would
    depend on batch boundaries. About 70 us per batch and 1 us per row.
    """
    seen = Seen(rows, at_ms, horizon_days, population)
    columns = np.empty((len(NAMES), len(rows)))
    columns[0] = 1.0
    columns[1 : 1 + len(FEATURES.names)] = seen.measured
    for work, block in _BLOCKS:
        work(seen, columns[block])
    return np.ascontiguousarray(columns.T)


def shares() -> list[tuple[int, int, float]]:
    """(column, feature, share) by which contributions of columns are attributed to features.

    The intercept and the seasons are attributed to none.
    """
    own = [(1 + number, number, 1.0) for number in range(len(FEATURES.names))]
    return own + [
        (NAMES.index(column), FEATURES.names.index(name), 1 / len(of))
        for column, _, of in COLUMNS
        for name in of
    ]
