"""The simulated worlds, and the checks of each.

Everything is judged from ``WARM_DAYS`` on: a horizon and grace until the first label, and eight
weeks in which the model learns.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import MappingProxyType

import msgspec

from bench.validity.base_rate import base_rate
from bench.validity.drifting import (
    OF_ACTIVITY,
    WITHIN_DAYS,
    Alarm,
    alarms,
    caught,
    false_alarms,
)
from bench.validity.feedback import (
    EAGER,
    EFFECTIVE,
    FeedbackOutcome,
    everybody,
    feedback,
    measured,
    who_needs_it,
)
from bench.validity.finding import Finding
from bench.validity.intervals import intervals
from bench.validity.leakage import RULES as LEAKAGE_RULES
from bench.validity.leakage import answers_of, leakage, planted
from bench.validity.life import RetentionTeam, judged, live, observed
from bench.validity.ranking import ranking
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import DAY_MS
from touchstream.simulator import START_MS, TREATMENTS, Drift, World
from touchstream.streams.learn.drift_inputs import OF_THE_MODEL

WARM_DAYS = 28 + 1 + 56
LEARNT_DAY = 28 + 1 + 182
EVERY_DAY = 1
ESTABLISHED_DAY = 91
"""Before it no customer is known for long enough to count in drift detection."""
SETTLED_DAY = ESTABLISHED_DAY + 12 * 7 + 28 + 1
"""Below 12 rounds of a week ``streams/learn/drift.py`` sees no change, however large."""
CHANGE_DAY = ESTABLISHED_DAY + 17 * 7


def undisturbed(scale: float) -> list[Finding]:
    """A world whose law does not change, judged when half a year of labels is known."""
    days = LEARNT_DAY + 130

    def world() -> World:
        return World(101, _many(4_000, scale), days, remember_every_days=EVERY_DAY)

    life = live(world(), Rules())
    rows = judged(life, _day(LEARNT_DAY), every=3)
    best = observed(world(), [row for row in rows if row.open], life.horizon_days)
    return [
        ranking(rows, best),
        intervals(life, rows, best),
    ]


def leaking(scale: float) -> list[Finding]:
    """A world in which answers are planted right after the questions."""

    def world() -> World:
        return World(102, _many(700, scale), 120, remember_every_days=EVERY_DAY)

    measured = world()
    for _ in measured.days():
        pass
    answers = answers_of(list(measured.truth()), measured.now_ms, LEAKAGE_RULES.churn)
    life = live(world(), LEAKAGE_RULES, edit=planted(answers, LEAKAGE_RULES.seed))
    rows = [row for row in judged(life, START_MS) if (row.customer, row.day_ms) in answers]
    return [leakage(rows, answers)]


def steady(scale: float) -> list[Finding]:
    """Four worlds whose law does not change for a year and a half."""
    days = 550
    lives = [
        alarms(live(World(seed, _many(400, scale), days), Rules())) for seed in (111, 112, 113, 114)
    ]
    return [false_alarms(lives, _day(SETTLED_DAY), _day(days))]


def drifting(scale: float) -> list[Finding]:
    """Two worlds, each run three times: as it is, and with two laws that change after 30 weeks.

    In one all customers halve all activity from that day on, in the other three times as many
    leave.
    """
    return [finding for seed in (131, 132) for finding in _drifting(seed, scale)]


def _drifting(seed: int, scale: float) -> Iterator[Finding]:
    def measured(drift: Drift) -> list[Alarm]:
        days = CHANGE_DAY + WITHIN_DAYS + 7
        return alarms(live(World(seed, _many(1_200, scale), days, drift=drift), Rules()))

    undisturbed = measured(Drift(from_day=0))
    for name, drift, tellers in (
        ("drift_of_inputs", Drift(from_day=CHANGE_DAY, activity=0.5), OF_ACTIVITY),
        ("drift_of_the_law", Drift(from_day=CHANGE_DAY, hazard=1.1), OF_THE_MODEL),
    ):
        yield caught(f"{name}_{seed}", measured(drift), undisturbed, _day(CHANGE_DAY), tellers)


def growing(scale: float) -> list[Finding]:
    """A world with five times as many customers after a year."""
    world = World(104, _many(500, scale), 230, growth_per_year=4.0, remember_every_days=EVERY_DAY)
    return [base_rate(judged(live(world, Rules()), _day(230 - 28 - 1 - 56)))]


def treating(scale: float) -> list[Finding]:
    """Worlds in which recommendations work and are carried out: all, or only at real risk.

    Each retention team has three worlds, and each world one control for both teams.
    """
    teams = {"feedback": everybody, "feedback_chosen": who_needs_it}
    worlds = [_treated(seed, _many(1_000, scale), teams.values()) for seed in (105, 106, 107)]
    return [feedback(*one) for one in zip(teams, zip(*worlds, strict=True), strict=True)]


def _treated(seed: int, customers: int, teams: Iterable[RetentionTeam]) -> list[FeedbackOutcome]:
    def world(treated: bool) -> World:
        return World(
            seed,
            customers,
            180,
            remember_every_days=0 if treated else EVERY_DAY,
            treatments=EFFECTIVE if treated else TREATMENTS,
        )

    control = live(world(treated=False), EAGER)
    rows = judged(control, _day(WARM_DAYS + 28))
    found = []
    for team in teams:
        by_naive = live(world(treated=True), naive(EAGER), treat=team)
        ours = live(world(treated=True), EAGER, treat=team)
        found.append(measured(rows, control, by_naive, ours))
    return found


def naive(rules: Rules) -> Rules:
    """The same rules, but every example is learnt, whatever was done to the customer."""
    learning = msgspec.structs.replace(rules.learning, untreated_only=False)
    deciding = msgspec.structs.replace(rules.deciding, holdout=0.0)
    return msgspec.structs.replace(rules, learning=learning, deciding=deciding)


Study = Callable[[float], Sequence[Finding]]

STUDIES: MappingProxyType[str, Study] = MappingProxyType(
    {
        "undisturbed": undisturbed,
        "leaking": leaking,
        "drifting": drifting,
        "steady": steady,
        "growing": growing,
        "treating": treating,
    }
)


def _many(customers: int, scale: float) -> int:
    return max(1, int(customers * scale))


def _day(number: int) -> int:
    return START_MS + number * DAY_MS
