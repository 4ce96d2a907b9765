"""Whether actions that work make the model believe that their customers were never at risk.

Recommended actions are carried out, and they work. Who learns from every example sees that those
with the marks of a leaver stay, and says less and less of them; what is asked for is the risk if
nothing is done.

The same world is lived three times: nobody is treated (control), treated with a model that learns
from every example (naive), treated with ours. All three models are asked about the same rows, those
of the control: customers as nobody has touched them, whose true risk the oracle knows.

And again with a desk that does not carry out all that is recommended, but picks those whom it sees
to be about to leave: whoever takes the others for untreated by chance believes that nobody was.
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
"""The rows looked at: so many of the highest true risk."""
MOST_OFF = 0.15
"""Ours may say so much less or more than the model of the world in which nobody is treated."""
DECAY = 0.85
"""The naive one falls at least this low, or the actions were too weak to prove anything."""

REALLY_AT_RISK = 0.10
"""True risk from which on who sees into customers acts."""

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


def everybody(_: Decision) -> bool:
    """All that is recommended is carried out."""
    return True


def who_needs_it(decision: Decision) -> bool:
    """A rep who sees into customers acts on those who are really about to leave, and only there.

    Those left alone although an action was recommended are then the safe ones.
    """
    return decision.oracle >= REALLY_AT_RISK


class FeedbackOutcome(NamedTuple):
    """What three models say of one world's customers truly at risk."""

    rows: int
    oracle: float
    control: float
    naive: float
    ours: float
    """Mean risks, 0 to 1: the truth if nothing is done, and what each model says."""
    auc_control: float
    auc_ours: float
    """Of all open rows."""
    treated_share: float
    carried_out: float
    """Share of the examples, and of the newest recommendations."""


def measured(rows: Sequence[Row], control: Life, naive: Life, ours: Life) -> FeedbackOutcome:
    """Ask three models about the same rows.

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

    One world of a thousand has two hundred held out, of whom a few dozen leave: what is learnt
    there lies some 14 % off by luck alone, so several are judged together.
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
    """Of the open rows, by the labels of the untreated world: what the weights cost."""
    judged = [row for row in rows if row.open]
    return auc([life.risk(row) for row in judged], [row.example.label for row in judged])


def _treated(life: Life) -> float:
    examples = life.stream.examples
    return sum(example.treated for example in examples) / len(examples)
