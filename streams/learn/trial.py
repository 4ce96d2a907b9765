r"""Which of two models is better: a test that may be read at every tick and stopped at any.

Examples of one time are no independent witnesses: the same customers come back, windows overlap,
and one cold month moves every label in it. So the witness is a *round*: the mean difference of
losses over all snapshots of one stretch of time, long enough to see every customer once. Labels of
round r are known ``horizon`` after it ended; round r + ``phases`` begins no earlier. Rounds are
dealt to ``phases`` streams in turn, and within one stream each is known before the next begins.

In one stream, under "not better" (the expected difference, given all that is known when a round
begins, is not above 0), a gambler who stakes 0.9 of his wealth on every round,

.. math:: W_k = (W_{k-1} + c_k) (1 + 0.9 g_k), \quad g_k = \min(1, \max(-1, d_k / s_k)),

brings in his capital of 1 bit by bit, c_k = 1 / (k (k + 1)), so that a model that grows better
later is found too. Wealth and what he has kept back are a supermartingale from 1, and 1 / (the most
he ever had) is a p-value at any time (Ville 1939; betting on bounded means: Waudby-Smith & Ramdas
2024, JRSS B 86). ``s_k`` is the root mean square of the differences known when round k begins.
Streams overlap in unknown ways; e times the geometric mean of their p-values is a p-value all the
same (Vovk & Wang 2020, Biometrika 107). As each only falls, this holds at all times at once:
P(ever a wrong verdict) <= alpha, whatever hangs together within a round or between streams.

What is tested is the mean of *clipped* rounds: one freak round cannot decide, but a model that
wins most rounds by little and loses a rare one by far more than s may pass. Measured at alpha 0.05
over two years of two equal models, 600 worlds each: 0.003 wrong verdicts a side, 0.07 where what
the days have in common is log-normal with sigma 2 (rounds of skewness 5); who takes overlapping
weeks for independent ones: 0.67.
"""

from math import e, exp, isfinite, log, sqrt
from typing import Literal, NamedTuple

from msgspec import Struct

from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.learn.numbers import CERTAIN

LARGEST_LOSS = 7.0  # nats, a chance of 1 in 1,100: one example does not outweigh its round
STAKE = 0.9  # share of the wealth; with all of it one bad round would be the end
MEMORY = 0.9  # a round: usual differences shrink as models grow up
RICHEST = 1e100  # a wealth beyond all doubt, and far from overflow
MOST_ROUNDS = 8  # that one horizon is cut into, so that the state stays small

Side = Literal["first", "second"]


class Bets(Struct, array_like=True):
    """The gambler on one side of one stream."""

    count: int = 0
    """Bets so far; 1 / (count + 1) of his capital is kept back."""
    wealth: float = 0.0
    most: float = 0.0
    """Log of the most he ever had, kept back or not."""


class Evidence(NamedTuple):
    """What is known so far; valid whenever it is read."""

    rounds: int
    """Rounds that are closed, the ones without a bet included."""
    examples: int
    difference: float | None
    """Mean of loss of the first minus loss of the second over the closed rounds, nats."""
    p_first: float
    """Anytime-valid p-value (0..1) of "the first is not better"."""
    p_second: float


class Trial(Struct, array_like=True):
    """Two models on the same labels; mutable, and data all through, below 1 KiB.

    About 1 us an example. A round of 28 days' horizon and weekly snapshots is a week, and there are
    five streams. At alpha 0.05 a model that is better by as much as its rounds spread is found
    after 66 rounds (median), by twice as much after 48, and in no fewer than 40, however many
    customers there are; one that turns better after a year, 57 rounds later. The answer is final:
    start a new trial for a new question, and after each answer.

    Both probabilities must have been said at the same moment, from the same labels: who speaks
    later knows more.
    """

    round_ms: Millis
    """Length of a round."""
    phases: int
    """Streams the rounds are dealt to."""
    sides: tuple[list[Bets], list[Bets]]
    """For the first and for the second model: a gambler a stream."""
    current: int = -1
    """The open round: time // round_ms."""
    n: float = 0.0
    total: float = 0.0
    """Weight of the examples in the open round, and the weighted sum of their differences."""
    rounds: int = 0
    examples: int = 0
    summed: float = 0.0
    """Of the closed rounds: how many, their examples, and the sum of their means."""
    waiting: list[float] = []
    """Means of the last rounds, not known yet when the open one began."""
    squares: float = 0.0
    weight: float = 0.0
    """Decayed sum of squared means, and of their weights: the usual difference."""
    count: int = 0
    """Examples in the open round."""

    @staticmethod
    def of(horizon_days: int, every_days: int) -> "Trial":
        """A new trial on labels of ``horizon_days``, each customer scored every ``every_days``.

        >>> trial = Trial.of(28, 7)
        >>> trial.round_ms // DAY_MS, trial.phases
        (7, 5)
        """
        length = every_days * -(-horizon_days // (every_days * MOST_ROUNDS))
        phases = 1 - (-horizon_days // length)
        one, two = ([Bets() for _ in range(phases)] for _ in range(2))
        return Trial(Millis(length * DAY_MS), phases, (one, two))

    def add(
        self, at_ms: Millis, loss_first: float, loss_second: float, weight: float = 1.0
    ) -> None:
        """Count one matured example scored at ``at_ms``; losses in nats (see :func:`log_loss`).

        ``weight`` (> 0) is how many customers it stands for in the mean of its round. Examples come
        in the order of ``at_ms``; one of a round already closed is left out. Raises ``ValueError``
        for a loss that is not finite.
        """
        if not (isfinite(loss_first) and isfinite(loss_second)):
            raise ValueError(f"losses {loss_first}, {loss_second}: want finite numbers")
        number = at_ms // self.round_ms
        if number > self.current:
            self._close()
            self.current = number
        if number == self.current:
            difference = min(LARGEST_LOSS, loss_first) - min(LARGEST_LOSS, loss_second)
            self.count += 1
            self.n += weight
            self.total += weight * difference

    def evidence(self) -> Evidence:
        """Where the trial stands."""
        mean = self.summed / self.rounds if self.rounds else None
        first, second = map(_p_value, self.sides)
        return Evidence(self.rounds, self.examples, mean, first, second)

    def winner(self, alpha: float) -> Side | None:
        """The better one; None while nothing is proved. Wrong with probability at most ``alpha``.

        That is for each side, over the trial's whole life, however often it is asked.
        """
        first, second = map(_p_value, self.sides)
        if min(first, second) > alpha:
            return None
        return "first" if first < second else "second"

    def _close(self) -> None:
        """Settle the bets on the open round; only now may it teach what a usual difference is."""
        if not self.n:
            return
        mean = self.total / self.n
        usual = sqrt(self.squares / self.weight) if self.weight else 0.0
        if usual > 0:  # nothing to measure by: no bet
            gain = min(1.0, max(-1.0, mean / usual))
            first, second = self.sides
            _update(first[self.current % self.phases], -gain)
            _update(second[self.current % self.phases], gain)
        self.rounds += 1
        self.examples += self.count
        self.summed += mean
        self.count, self.n, self.total = 0, 0.0, 0.0
        self.waiting.append(mean)
        if len(self.waiting) >= self.phases:
            self.squares = MEMORY * self.squares + self.waiting.pop(0) ** 2
            self.weight = MEMORY * self.weight + 1


def log_loss(risk: float, label: int) -> float:
    """-ln of the probability given to what happened, at most :data:`LARGEST_LOSS` nats.

    >>> log_loss(0.25, 0) < log_loss(0.25, 1) == 1.3862943611198906
    True
    >>> log_loss(0.0, 1)
    7.0
    """
    likelihood = risk if label else 1 - risk
    return min(LARGEST_LOSS, -log(max(CERTAIN, likelihood)))


def _update(bets: Bets, gain: float) -> None:
    bets.count += 1
    staked = bets.wealth + 1 / (bets.count * (bets.count + 1))
    bets.wealth = min(RICHEST, staked * (1 + STAKE * gain))
    bets.most = max(bets.most, log(bets.wealth + 1 / (bets.count + 1)))


def _p_value(streams: list[Bets]) -> float:
    return min(1.0, e * exp(-sum(bets.most for bets in streams) / len(streams)))
