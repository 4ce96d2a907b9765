"""Off-policy evaluation beside Vowpal Wabbit: ``python -m bench.policies``.

Two logs: Hillstrom's e-mail test, and a planted one whose truth is known (``--planted``). For every
constant arm, the value by our estimators and by Vowpal Wabbit's ``--cb --eval`` on the same rows.
Then the learnt policy of each, fitted in the same five folds of customers and judged on the fold
that it has not seen, by our estimators. One JSON line each; 1 if our learnt policy is more than two
standard errors below the best constant arm.
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson
from vowpalwabbit import pyvw

from bench.datasets.folder import DataMissing
from bench.datasets.hillstrom import OUTCOMES, write_decisions
from touchstream.agents.evaluation.csv_log import read_csv
from touchstream.streams.decide.evaluation import rewards
from touchstream.streams.decide.evaluation.evaluate import Evaluation, How, evaluate
from touchstream.streams.decide.evaluation.learnt import Learnt
from touchstream.streams.decide.evaluation.logged import LoggedDecision, columns
from touchstream.streams.decide.evaluation.policies import Constant

MISSED, BAD_USAGE = 1, 2
VW_TYPES = ("ips", "dr")
VW_LEARNERS = ("ips", "dr", "mtr")
PLANTED_ROWS = 20_000
PLANTED = {"call": (0.10, 0.30), "mail": (0.20, 0.15), "nothing": (0.12, 0.12)}
"""Arm -> P(accepts) for the old and the young; who is which is seen with an error of a fifth."""
MISREAD = 0.2
STANDARD_ERRORS = 2.0
NORMAL_95 = 1.96


class Row(NamedTuple):
    """The value of one policy."""

    log: str
    policy: str
    value: float
    low: float
    high: float
    by: str

    def to_line(self) -> str:
        """One line of JSON."""
        return orjson.dumps(
            {
                name: round(value, 4) if isinstance(value, float) else value
                for name, value in self._asdict().items()
            }
        ).decode()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print every value; 1 if our learnt policy is worse than the best constant arm."""
    parser = argparse.ArgumentParser(prog="python -m bench.policies", description=__doc__)
    parser.add_argument("--outcome", choices=OUTCOMES, default="visit", help="Hillstrom's reward")
    parser.add_argument("--planted", action="store_true", help="the planted log instead")
    chosen = parser.parse_args(arguments)
    try:
        name = "planted" if chosen.planted else f"hillstrom/{chosen.outcome}"
        log = planted() if chosen.planted else hillstrom(chosen.outcome)
    except DataMissing as missing:
        print(missing, file=sys.stderr)
        return BAD_USAGE
    rows = []
    for row in compared(name, log):
        print(row.to_line(), flush=True)
        rows.append(row)
    return 0 if is_met(rows) else MISSED


def hillstrom(outcome: str) -> list[LoggedDecision]:
    """The e-mail test, 1/3 for each arm; raises :class:`DataMissing`."""
    out = io.StringIO()
    write_decisions(outcome, out)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "log.csv"
        file.write_text(out.getvalue())
        return read_csv(file)


def planted(rows: int = PLANTED_ROWS, seed: int = 1) -> list[LoggedDecision]:
    """Unequal propensities, and a segment whose best arm is another one's worst but one."""
    rng = np.random.default_rng(seed)
    shares = dict(zip(PLANTED, (0.2, 0.3, 0.5), strict=True))
    made = []
    for number in range(rows):
        young = int(rng.integers(2))
        seen = young if rng.random() > MISREAD else 1 - young
        arm = str(rng.choice(list(shares), p=list(shares.values())))
        reward = float(rng.random() < PLANTED[arm][young])
        context = {"segment": ("old", "young")[seen], "noise": float(rng.normal())}
        made.append(LoggedDecision(str(number), context, arm, shares[arm], None, reward))
    return made


def compared(name: str, log: Sequence[LoggedDecision]) -> Iterator[Row]:
    """Every constant arm, then what is learnt."""
    arms = columns(log).arms
    for arm in arms:
        yield from _ours(name, f"always {arm}", evaluate(log, Constant(arm)))
        for kind in VW_TYPES:
            value = vw_value(log, arms, arm, kind)
            yield Row(name, f"always {arm}", value, value, value, f"vw {kind}")
    how = How(reward_model="ridge")
    yield from _ours(name, "learnt", evaluate(log, Learnt(), how))
    for kind in VW_LEARNERS:
        proposed = vw_learnt(log, arms, kind)
        yield from _ours(name, f"learnt by vw {kind}", evaluate(proposed, None, how))


def is_met(rows: Sequence[Row]) -> bool:
    """Whether our learnt policy is within two standard errors of the best constant arm."""
    replay = [row for row in rows if row.by == "replay"]
    best = max(row.value for row in replay if row.policy.startswith("always "))
    ours = next(row for row in replay if row.policy == "learnt")
    standard_error = (ours.high - ours.low) / (2 * NORMAL_95)
    return ours.value >= best - STANDARD_ERRORS * standard_error


def _ours(name: str, policy: str, found: Evaluation) -> Iterator[Row]:
    for estimator, value in found.values.items():
        yield Row(name, policy, value.estimate, value.low, value.high, estimator)


def vw_value(log: Sequence[LoggedDecision], arms: Sequence[str], arm: str, kind: str) -> float:
    """The value of a constant arm by ``--cb K --cb_type KIND --eval``."""
    vw = pyvw.Workspace(f"--cb {len(arms)} --cb_type {kind} --eval --quiet --random_seed 1")
    of_policy = arms.index(arm) + 1
    for one in log:
        vw.learn(f"{of_policy} {_label(one, arms)} {_features(one)}")
    value = -float(vw.get_sum_loss() / vw.get_weighted_examples())
    vw.finish()
    return value


def vw_learnt(
    log: Sequence[LoggedDecision], arms: Sequence[str], kind: str
) -> list[LoggedDecision]:
    """The log with the choices of policies that were learnt from the other folds."""
    proposed: list[LoggedDecision] = [*log]
    for split in rewards.folds(columns(log), seed=0):
        vw = pyvw.Workspace(f"--cb {len(arms)} --cb_type {kind} --quiet --random_seed 1")
        for number in np.flatnonzero(split.learns):
            one = log[int(number)]
            vw.learn(f"{_label(one, arms)} {_features(one)}")
        for number in np.flatnonzero(split.predicts):
            one = log[int(number)]
            arm = arms[int(vw.predict(_features(one))) - 1]
            proposed[int(number)] = one._replace(proposed={arm: 1.0})
        vw.finish()
    return proposed


def _label(one: LoggedDecision, arms: Sequence[str]) -> str:
    return f"{arms.index(one.action) + 1}:{-one.reward}:{one.propensity}"


def _features(one: LoggedDecision) -> str:
    """Numbers as numbers on a scale of about 1, texts as one feature each."""
    return "| " + " ".join(_feature(name, value) for name, value in one.context.items())


def _feature(name: str, value: str | float) -> str:
    try:
        number = float(value)
    except ValueError:
        return f"{name}={str(value).replace(' ', '_').replace(':', '_').replace('|', '_')}"
    return f"{name}:{np.arcsinh(number):.5f}"


if __name__ == "__main__":
    sys.exit(main())
