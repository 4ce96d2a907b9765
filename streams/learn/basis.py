"""What is worked out of the measured features before a model sees them.

A ledger row keeps what was measured; rhythm, slopes, products and seasons follow from that, from
the moment, and from what the model knows of everybody, so they cost nothing to keep. A missing
measurement is NaN, and NaN in gives NaN out: missing is not zero.

A new column is a number more in one of the functions below, and its line in :data:`DERIVED`.
"""

from collections.abc import Callable
from math import erfc, inf, log, nan, pi, sqrt
from typing import NamedTuple

import numpy as np

from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.arrays import Floats

LEAST_SPREAD = 0.05  # nobody is more regular than that, and some divide by it
PSEUDO_GAPS = 2.0
"""The population's gaps that each customer begins with."""
SHORTEST_DAYS = 0.25
"""ln of a silence is taken from here on: within a visit there is no rhythm."""
SURE_GAPS = 10.0
"""From so many gaps on a rhythm counts in full."""
LARGEST_LOGIT = 8.0
FARTHEST_Z = 30.0  # there a bump is 0 whatever the spread; its square must not overflow
CERTAIN_TO_STAY = 1e-9
LARGEST_LN = 25.0  # 70 billion days, or times: more is a broken row, and expm1 must not overflow
LARGEST_Z = 8.0  # so far out erfc is exact, and its asymptotic series good to 1e-5
SEASONS_MS = 2 * 365 * DAY_MS
"""A year's season cannot be told from a trend before it has come round."""
_YEAR, _WEEK = 365.25, 7.0
_ROOT_TWO, _ROOT_HALF_PI = sqrt(2.0), sqrt(pi / 2)


class Population(NamedTuple):
    """What a model knows of everybody, as far as a single customer's basis needs it."""

    gap_mean: float = log(30.0)
    """Mean of ln(days) between visits."""
    gap_spread: float = 1.0
    """Its standard deviation."""
    since_ms: Millis | None = None
    """The first moment that was learnt from."""


class Seen:
    r"""Rows of measurements, (n, features), and what several derived columns share, each (n,).

    With ``n`` gaps of mean ``m`` and standard deviation ``s`` of ln(days), shrunk towards the
    population's ``m0`` and ``s0`` by two imagined gaps:

    .. math:: \mu = (n m + 2 m_0) / (n + 2), \quad
              \sigma^2 = ((n - 1) s^2 + 2 s_0^2) / (n + 1)

    and ``z`` says how long the silence is in the customer's own rhythm, in standard deviations.
    """

    def __init__(
        self, rows: Floats, at_ms: Floats, horizon_days: float, population: Population
    ) -> None:
        self.rows, self.at_ms = rows, at_ms
        since_ms = inf if population.since_ms is None else population.since_ms
        self.seasons = at_ms - since_ms >= SEASONS_MS
        count = _undone(self["gap_count"])
        self.sure = np.minimum(count, SURE_GAPS) / SURE_GAPS
        usual = np.where(count > 0, self["gap_usual"], 0.0)
        spread = self["gap_spread"]
        known = ~np.isnan(spread)
        freedom = np.where(known, np.maximum(count - 1, 0.0), 0.0)
        squares = freedom * np.where(known, spread, 0.0) ** 2
        self.mean = (count * usual + PSEUDO_GAPS * population.gap_mean) / (count + PSEUDO_GAPS)
        variance = (squares + PSEUDO_GAPS * population.gap_spread**2) / (freedom + PSEUDO_GAPS)
        self.spread = np.maximum(LEAST_SPREAD, np.sqrt(variance))
        silent_days = _undone(self["silence_days"])
        now = np.log(np.maximum(silent_days, SHORTEST_DAYS))
        self.z = (now - self.mean) / self.spread
        further = np.maximum(np.log(silent_days + horizon_days) - now, 0.0) / self.spread
        self.logit_silent = _logit_silent(self.z, further)

    def __getitem__(self, name: str) -> Floats:
        """One measurement of all rows."""
        column: Floats = self.rows[:, _PLACES[name]]
        return column


def _logit_silent(z: Floats, further: Floats) -> Floats:
    r"""Ln odds that a log-normal silence now at ``z`` goes on to ``z + further``.

    .. math:: P = \Phi(-(z + f)) / \Phi(-z)

    >>> _logit_silent(np.zeros(1), np.array([0.6744897501960817])).round(6)  # P = 1/2
    array([0.])
    """
    stays = np.minimum(_ln_tail(z + further) - _ln_tail(z), -CERTAIN_TO_STAY)
    logit = stays - np.log(-np.expm1(stays))
    bounded: Floats = np.maximum(np.minimum(logit, LARGEST_LOGIT), -LARGEST_LOGIT)
    return bounded


def _ln_tail(z: Floats) -> Floats:
    """The ln of P(a normal lies above z), but for a constant; far out by its asymptotic series."""
    near = np.minimum(np.maximum(z, -LARGEST_Z), LARGEST_Z) / _ROOT_TWO
    tails: Floats = np.log(np.array([erfc(one) for one in near.tolist()]))
    beyond = z > LARGEST_Z
    if beyond.any():
        far = z[beyond]
        part = 1 / (far * far)
        series = np.log1p(part * (-1 + part * (3 - 15 * part)))
        tails[beyond] = series - 0.5 * far * far - np.log(far * _ROOT_HALF_PI)
    return tails


def _undone(values: Floats) -> Floats:
    """``x`` of ln(1 + x), for any row of finite numbers; NaN stays NaN."""
    undone: Floats = np.expm1(np.minimum(np.maximum(values, 0.0), LARGEST_LN))
    return undone


Columns = tuple[Floats, ...]


class Derived(NamedTuple):
    """Some columns worked out of measurements, together because they share their work."""

    work: Callable[[Seen], Columns]
    columns: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Name, unit, and the measurements it tells of: what it adds to a risk is theirs in equal
    parts; a season is of none."""


def rhythm(seen: Seen) -> Columns:
    """How the silence compares with the customer's own gaps."""
    usual = seen["silence_days"] - np.log1p(np.exp(np.minimum(seen.mean, 30.0)))
    silent, sure = seen.logit_silent, seen.sure
    return usual, seen.mean, seen.spread, seen.z, sure, silent, silent * sure


def phases(seen: Seen) -> Columns:
    """Early, on time, late, overdue: Gaussian bumps at z = -1, 0, 1, 2, and where that is sure.

    A logistic line over z cannot say "due just now", which is what regular customers are about.
    """
    z = np.maximum(np.minimum(seen.z, FARTHEST_Z), -FARTHEST_Z)
    bumps = [np.exp(-0.5 * (z - centre) ** 2) for centre in (-1.0, 0.0, 1.0, 2.0)]
    return *bumps, *[bump * seen.sure for bump in bumps]


def slopes(seen: Seen) -> Columns:
    """Whether it grows or thins out: ln ratios of two half-lives, and signs of life per 28 d.

    The days known count as 28 more, or a first day would be a rush.
    """
    month, quarter = seen["activity_month"], seen["activity_quarter"]
    count, known_days = _undone(seen["activity_count"]), _undone(seen["known_days"])
    return (
        seen["activity_week"] - month,
        month - quarter,
        quarter - seen["activity_year"],
        np.log1p(count * 28 / (known_days + 28)),
        seen["spend_quarter_minor"] - seen["spend_minor"],
    )


def products(seen: Seen) -> Columns:
    """Silence means another thing after many visits, in an old customer, after a busy quarter."""
    silence, known, count = seen["silence_days"], seen["known_days"], seen["activity_count"]
    return (
        silence * silence,
        known * known,
        count * count,
        silence * count,
        silence * known,
        silence * seen["activity_quarter"],
        count * known,
        known * seen["activity_month"],
    )


def contract(seen: Seen) -> Columns:
    """Who has a subscription need not show himself: silence means less, or more, while it runs."""
    running, silence = seen["subscription_running"], seen["silence_days"]
    return running * silence, running * silence * silence


def presence(seen: Seen) -> Columns:
    """1 where there is anything to measure, else 0: missing is not zero."""
    return tuple((~np.isnan(seen[name])).astype(np.float64) for name in _MAY_MISS)


def seasons(seen: Seen) -> Columns:
    """Where in the week, the day (UTC) and the year the moment lies, as points on a circle.

    The year's is missing until two years were learnt from.
    """
    days = seen.at_ms / DAY_MS
    week, day, year = 2 * pi * days / _WEEK, 2 * pi * days, 2 * pi * days / _YEAR
    year = np.where(seen.seasons, year, nan)
    return np.sin(week), np.cos(week), np.sin(day), np.cos(day), np.sin(year), np.cos(year)


_MAY_MISS = (
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
        tuple((f"has_{name}", "0/1", (name,)) for name in _MAY_MISS),
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
"""The columns of the basis: 1, then what was measured, in the order of the vector."""
GAP_LAST = NAMES.index("gap_last")
_PLACES = {name: place for place, name in enumerate(FEATURES.names)}
_WORKS = tuple(derived.work for derived in DERIVED)


def expand(rows: Floats, at_ms: Floats, horizon_days: float, population: Population) -> Floats:
    """All columns of the basis, (n, columns), for measurements (n, features); NaN where missing.

    A row's columns do not depend on the rows beside it, to the last bit: batches must not show.
    About 100 us a batch and 2 us a row.
    """
    seen = Seen(rows, at_ms, horizon_days, population)
    measured = 1 + len(FEATURES.names)
    columns = np.empty((len(rows), len(NAMES)))
    columns[:, 0] = 1.0
    columns[:, 1:measured] = rows
    place = measured
    for work in _WORKS:
        for column in work(seen):
            columns[:, place] = column
            place += 1
    return columns


def shares() -> list[tuple[int, int, float]]:
    """(column, measurement, share) of who gets what a column adds to a risk.

    What is of no measurement (intercept and season) is nobody's.
    """
    own = [(1 + number, number, 1.0) for number in range(len(FEATURES.names))]
    return own + [
        (NAMES.index(column), FEATURES.names.index(name), 1 / len(of))
        for column, _, of in COLUMNS
        for name in of
    ]
