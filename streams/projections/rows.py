"""What projections with a label ledger have in common."""

import msgspec

from touchstream.schemas.rules import Target
from touchstream.streams.decide.arbitration import Decision
from touchstream.streams.learn.ledger import Ledger, decided
from touchstream.streams.projections.projection import Context


def with_decision(ledger: Ledger, decision: Decision, target: Target, ctx: Context) -> Ledger:
    """The rows of ``target`` after a decision, recorded in each whose window contains it."""
    return decided(
        ledger,
        decision.at_ms,
        decision.choice.offer_probability,
        decision.acts,
        target,
        ctx.rules.deciding.holdout,
    )


def merged_rows(a: Ledger, b: Ledger) -> Ledger:
    """The rows of two ids of one person, in order of time; ``merged_rows(a, b)`` is symmetric."""
    # The bytes break ties.
    return tuple(sorted((*a, *b), key=lambda row: (row.at_ms, msgspec.msgpack.encode(row))))
