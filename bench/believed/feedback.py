"""Whether actions that work make the model believe that their customers were never at risk.

Recommended actions are carried out, and they work. Who learns from every example sees that those
with the marks of a leaver stay, and says less and less of them; what is asked for is the risk if
nothing is done.

The same world is lived three times: nobody is treated (control), treated with a model that learns
from every example (naive), treated with ours. All three models are asked about the same rows, those
of the control: customers as nobody has touched them, whose true risk the oracle knows.
"""

from collections.abc import Mapping, Sequence

from bench.believed.finding import Finding
from bench.believed.life import Decision, Life, Row
from bench.world import Treatment
from bench.world.treatments import TREATMENTS
from schemas.rules import DEFAULT_ACTIONS, ActionRules, BandRules, DecidingRules, Rules

AT_RISK_SHARE = 0.2
"""The rows looked at: so many of the highest true risk."""
MOST_OFF = 0.15
"""Ours may say so much less or more than the model of the world in which nobody is treated."""
DECAY = 0.85
"""The naive one falls at least this low, or the actions were too weak to prove anything."""

EFFECTIVE: Mapping[str, Treatment] = {
    name: Treatment(accepted=0.9, relief=1.0, solves_tickets=known.solves_tickets)
    for name, known in TREATMENTS.items()
}
"""Actions that nearly everybody accepts, and that take the hazard down by a factor of 12."""

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
"""Rules that recommend an action to everybody above the average risk.

The holdout is four times the usual one: a fifth of a thousand customers is still few.
"""


def feedback(rows: Sequence[Row], control: Life, naive: Life, ours: Life) -> Finding:
    """Mean risk of the customers truly at risk, by three models.

    Parameters
    ----------
    rows
        Of ``control``, from when on the models have learnt from what was done.
    """
    present = sorted((row for row in rows if row.present), key=lambda row: -row.oracle.labelled)
    at_risk = present[: int(len(present) * AT_RISK_SHARE)]
    untreated, by_naive, by_ours = (
        sum(life.risk(row) for row in at_risk) / len(at_risk) for life in (control, naive, ours)
    )
    return Finding(
        "feedback",
        met=abs(by_ours / untreated - 1) <= MOST_OFF and by_naive / untreated <= DECAY,
        wanted=f"ours / control within 1 +- {MOST_OFF}, naive / control <= {DECAY}",
        numbers={
            "rows": len(at_risk),
            "treated_share": _treated(ours),
            "oracle": sum(row.oracle.labelled for row in at_risk) / len(at_risk),
            "control": untreated,
            "naive": by_naive,
            "ours": by_ours,
            "naive_to_control": by_naive / untreated,
            "ours_to_control": by_ours / untreated,
            "recommended_control": _served_to_true(control.decisions),
            "recommended_naive": _served_to_true(naive.decisions),
            "recommended_ours": _served_to_true(ours.decisions),
        },
    )


def _treated(life: Life) -> float:
    examples = life.stream.examples
    return sum(example.treated for example in examples) / len(examples)


def _served_to_true(decisions: Sequence[Decision]) -> float | None:
    """Mean served risk at recommendations over the mean true one, if nothing is done."""
    oracle = sum(one.oracle for one in decisions)
    return sum(one.risk for one in decisions) / oracle if oracle else None
