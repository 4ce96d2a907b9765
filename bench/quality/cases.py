"""The cases to judge: events, their rules, and the first day whose rows count.

A case's id is permanent: tolerances and documents quote it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import orjson

from bench.datasets.bank_calls import MONTHS, call_events
from bench.datasets.cdnow import Part, cdnow_events
from bench.quality.rows import Flags, Floats, Rows
from bench.quality.truth import true_predictions
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.rules import ChurnRules, Rules, TargetRules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.simulator import World
from touchstream.simulator.telecom import CALM, HOT, Operator, Telecom
from touchstream.streams.learn.snapshot import CHURN

CDNOW_JUDGED = "1997-10-01"
"""Nine months in; the repeat buyers of the literature's hold-out begin here."""
BANK_JUDGED = "1999-02-01"
BANK_LEAST_AUC = 0.834
WORLD_SEED = 0
TELECOM_SEED = 0


class Case(NamedTuple):
    """One data set and one target."""

    id: str
    rules: Rules
    events: Callable[[], Iterable[bytes]]
    """JSON lines in order of arrival."""
    since_ms: Millis | None
    """Rows scored from then on are judged; None: from four weeks after the first label on."""
    target: str = CHURN
    least_auc: float | None = None
    """The bound that holds whatever the batch pair reaches."""
    truth: Callable[[Rows, Flags], Mapping[str, Floats]] | None = None
    """P(label 1) of rows by the observer and the oracle, where they are known; the mask says which
    rows are asked for."""

    @property
    def horizon_days(self) -> float:
        """The window of the target's label."""
        found = {target.name: target.horizon_ms for target in self.rules.targets}
        return found.get(self.target, self.rules.churn.horizon_ms) / DAY_MS


def cases() -> list[Case]:
    """All cases, the fast ones first."""
    return [
        *(cdnow("sample", days) for days in (28, 91)),
        bank_calls(),
        world(customers=300, days=180),
        telecom(HOT),
        telecom(CALM),
        *(cdnow("master", days) for days in (28, 91)),
    ]


def cdnow(part: Part, horizon_days: int) -> Case:
    """Leaves = no order within the horizon; every known customer is scored once a week."""
    churn = ChurnRules(activity=("order.placed",), horizon_days=horizon_days)
    return Case(
        f"cdnow-{part}/{horizon_days}d",
        Rules(churn=churn),
        lambda: map(orjson.dumps, cdnow_events(part)),
        day(CDNOW_JUDGED),
    )


def bank_calls() -> Case:
    """Label 1 = the customer calls again within 24 h of a call; scored at the end of every call."""
    call = ("call.ended",)
    again = TargetRules(name="repeat_24h", after=call, events=call, horizon_hours=24)
    return Case(
        "bank-calls/repeat-24h",
        Rules(churn=ChurnRules(activity=call), targets=(again,)),
        lambda: map(orjson.dumps, call_events(MONTHS)[0]),
        day(BANK_JUDGED),
        again.name,
        BANK_LEAST_AUC,
    )


def world(customers: int, days: int) -> Case:
    """The simulated world with its noise, all defaults; the oracle is judged elsewhere.

    Customers who left in silence continue to be scored, and labelled 1: such rows are easy.
    """

    def events() -> Iterable[bytes]:
        return (line.to_bytes() for line in World(WORLD_SEED, customers, days).lines())

    return Case(f"world-{customers}x{days}/28d", Rules(), events, None)


def telecom(operator: Operator) -> Case:
    """A telecom with planted causes, all defaults, without noise of transport."""

    def events() -> Iterable[bytes]:
        return (line.to_bytes() for line in Telecom(TELECOM_SEED, operator).lines())

    def truth(rows: Rows, asked: Flags) -> Mapping[str, Floats]:
        return true_predictions(Telecom(TELECOM_SEED, operator), rows, asked)

    return Case(f"telecom-{operator.name}/28d", Rules(), events, None, truth=truth)


def day(text: str) -> Millis:
    """Midnight (UTC) of a day such as ``1997-10-01``; raises ``ValueError`` for what is none."""
    return parse_time(f"{text}T00:00:00Z")


def judged_from(case: Case, first_matured_ms: int) -> int:
    """The moment from which on the rows of a case are judged."""
    return first_matured_ms + 28 * DAY_MS if case.since_ms is None else case.since_ms
