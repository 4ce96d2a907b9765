"""The feedback of effective actions on the risk that the model learns.

Recommended actions are carried out, and they work. A model that learns from every example sees that
customers with the signs of a leaver stay, and predicts lower and lower risks for them. The goal is
the risk if nothing is done.

The same world runs three times: without treatment (control), treated with a model that learns from
every example (naive), treated with ours. All three models predict the same rows, those of the
control: untreated customers, whose true risk the oracle knows.

And again with a retention team that carries out only part of the recommendations: it picks the
customers who are about to leave. A model that takes the others for untreated at random then
underestimates the risk.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.validity.finding import Finding
from bench.validity.life import Decision, Life, Row
from bench.validity.measures import auc
from touchstream.schemas.rules import DEFAULT_ACTIONS, ActionRules, BandRules, DecidingRules, Rules
from touchstream.simulator import Treatment
from touchstream.simulator.treatments import TREATMENTS

AT_RISK_SHARE = 0.2
"""Share of the rows judged: those of the highest true risk."""
MOST_OFF = 0.15
"""Largest relative deviation of ours from the model of the untreated world."""
DECAY = 0.85
"""The naive one falls at least this low, or the actions were too weak to prove anything."""

REALLY_AT_RISK = 0.10
"""True risk from which a rep with perfect knowledge acts."""

EFFECTIVE: Mapping[str, Treatment] = {
    name: Treatment(accepted=0.9, relief=1.0, solves_tickets=known.solves_tickets)
    for name, known in TREATMENTS.items()
}
"""Actions that nearly all customers accept, and that reduce the hazard by a factor of 12."""

EAGER = Rules(
    deciding=DecidingRules(holdout=0.2),
    bands=BandRules(medium_enter=0.10, medium_leave=0.08, high_enter=0.30, high_leave=0.25),
    actions=tuple(
        ActionRules(
            name=action.name,
            channel=action.channel,
            minimum_open_tickets=action.minimum_open_tickets,
            accept_probability=0.9,
            value_minor=12_000,
            cost_minor=100,
            rest_days=14,
        )
        for action in DEFAULT_ACTIONS
    ),
)
"""Rules that recommend an action to every customer above the average risk.

The holdout is four times the usual one: a fifth of a thousand customers is still few.
"""


def everybody(_: Decision) -> bool:
    """Every recommendation is carried out."""
    return True


def who_needs_it(decision: Decision) -> bool:
    """A rep with perfect knowledge acts only on customers who are really about to leave.

    Customers recommended but left untreated are then the safe ones.
    """
    return decision.oracle >= REALLY_AT_RISK


class FeedbackOutcome(NamedTuple):
    """Predictions of three models for one world's customers truly at risk."""

    rows: int
    oracle: float
    control: float
    naive: float
    ours: float
    """Mean risks, 0 to 1: the truth if nothing is done, and each model's prediction."""
    auc_control: float
    auc_ours: float
    """Number of all open rows."""
    treated_share: float
    carried_out: float
    """Share of the examples, and of the newest recommendations."""


def measured(rows: Sequence[Row], control: Life, naive: Life, ours: Life) -> FeedbackOutcome:
    """Ask three models about the same rows.

    Parameters
    ----------
    rows
        Rows of ``control``, from when on the models have learnt from treatments.
    """
    present = sorted((row for row in rows if row.present), key=lambda row: -row.oracle.labelled)
    at_risk = present[: int(len(present) * AT_RISK_SHARE)]
    untreated, by_naive, by_ours = (
        sum(life.risk(row) for row in at_risk) / len(at_risk) for life in (control, naive, ours)
    )
    return FeedbackOutcome(
        rows=len(at_risk),
        oracle=sum(row.oracle.labelled for row in at_risk) / len(at_risk),
        control=untreated,
        naive=by_naive,
        ours=by_ours,
        auc_control=_auc(rows, control),
        auc_ours=_auc(rows, ours),
        treated_share=_treated(ours),
        carried_out=ours.stream.knowledge.churn.treatment.share,
    )


def feedback(check: str, worlds: Sequence[FeedbackOutcome]) -> Finding:
    """The mean risk of the customers truly at risk, over all rows of these worlds.

    One world of a thousand has two hundred held out, of whom a few dozen leave: estimates
    from them vary by about 14 %, so several worlds are judged together.
    """
    rows = sum(world.rows for world in worlds)

    def mean(name: str) -> float:
        return sum(world.rows * float(getattr(world, name)) for world in worlds) / rows

    naive, ours = (mean(name) / mean("control") for name in ("naive", "ours"))
    return Finding(
        check,
        met=abs(ours - 1) <= MOST_OFF and naive <= DECAY,
        wanted=f"ours / control within 1 +- {MOST_OFF}, naive / control <= {DECAY}",
        numbers={
            "worlds": len(worlds),
            "rows": rows,
            **{name: mean(name) for name in FeedbackOutcome._fields if name != "rows"},
            "naive_to_control": naive,
            "ours_to_control": ours,
            "ours_to_control_each": ", ".join(f"{one.ours / one.control:.3f}" for one in worlds),
        },
    )


def _auc(rows: Sequence[Row], life: Life) -> float:
    """Of the open rows, by the labels of the untreated world: the cost of the weights."""
    judged = [row for row in rows if row.open]
    return auc([life.risk(row) for row in judged], [row.example.label for row in judged])


def _treated(life: Life) -> float:
    examples = life.stream.examples
    return sum(example.treated for example in examples) / len(examples)
