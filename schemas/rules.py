"""The settings that shape results. Every tick names their digest, so they belong to the log.

Everything here is data: the same rules and the same log give the same states, models and
emissions. Settings that must not show in results (addresses, batch sizes, intervals) live in
``agents/settings.py``.
"""

import hashlib
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from touchstream.schemas.registry import ACTIVITY_BY_DEFAULT, TOUCHPOINTS
from touchstream.schemas.touchpoints.fields import Currency
from touchstream.schemas.units import DAY_MS, HOUR_MS

Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Days = Annotated[int, Meta(ge=1, le=3650)]
Band = Literal["low", "medium", "high"]


class RulesError(ValueError):
    """A rule that contradicts another or names what does not exist; says what was wanted."""


def _digest(value: object) -> str:
    text = msgspec.json.encode(value, order="sorted")
    return hashlib.blake2b(text, digest_size=8).hexdigest()


class ChurnRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The definition of churn (docs/models.md)."""

    cancel: tuple[str, ...] = ("subscription.cancelled",)
    activity: tuple[str, ...] = ACTIVITY_BY_DEFAULT
    horizon_days: Days = 28
    snapshot_every_days: Annotated[int, Meta(ge=1, le=365)] = 7
    label_grace_days: Annotated[int, Meta(ge=0, le=90)] = 1

    @property
    def horizon_ms(self) -> int:
        """The window in which the label is decided."""
        return self.horizon_days * DAY_MS

    @property
    def wait_ms(self) -> int:
        """Until the label is final."""
        return (self.horizon_days + self.label_grace_days) * DAY_MS

    @property
    def label_definition(self) -> str:
        """Digest of the label definition."""
        return _digest([self.cancel, self.activity, self.horizon_ms])

    @property
    def weight(self) -> float:
        """Weight of one example: overlapping windows of one customer carry the same information."""
        return min(1.0, self.snapshot_every_days / self.horizon_days)

    def __post_init__(self) -> None:
        for name, types in (("cancel", self.cancel), ("activity", self.activity)):
            for kind in types:
                if kind not in TOUCHPOINTS:
                    raise RulesError(f"churn.{name}: {kind!r} is no event type; see docs/events.md")


RESERVED = ("churn", "base_rate", "recency")
"""Names of the first target and of the two baselines in the measures."""


class TargetRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A further prediction: that one of ``events`` follows one of ``after`` within the horizon.

    Repeat contact: ``after`` and ``events`` are both ``call.ended``. Conversion: ``order.placed``
    after ``cart.abandoned``. Churn is the first target and has rules of its own.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    after: Annotated[tuple[str, ...], Meta(min_length=1)]
    """Event types at whose moment the customer is scored, the event included."""
    events: Annotated[tuple[str, ...], Meta(min_length=1)]
    """Event types that make the label 1 if one comes within the horizon."""
    horizon_hours: Annotated[int, Meta(ge=1, le=87_600)] = 24
    label_grace_hours: Annotated[int, Meta(ge=0, le=2_160)] = 24
    """Late events still count for the label for this long after the horizon."""
    signal_at: Probability | None = None
    """Crossing this probability, up or down, emits a ``customer.signal``."""

    @property
    def horizon_ms(self) -> int:
        """The window in which the label is decided."""
        return self.horizon_hours * HOUR_MS

    @property
    def wait_ms(self) -> int:
        """Until the label is final."""
        return (self.horizon_hours + self.label_grace_hours) * HOUR_MS

    @property
    def label_definition(self) -> str:
        """Digest of the label definition."""
        return _digest([self.after, self.events, self.horizon_ms])

    @property
    def weight(self) -> float:
        """Weight of one example."""
        return 1.0

    def __post_init__(self) -> None:
        if self.name in RESERVED:
            raise RulesError(f"targets.name: {self.name} is taken; want another than {RESERVED}")
        for name, types in (("after", self.after), ("events", self.events)):
            for kind in types:
                if kind not in TOUCHPOINTS:
                    raise RulesError(
                        f"targets.{name}: {kind!r} is no event type; see docs/events.md"
                    )


class IntakeRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lateness bound, and the number of event ids remembered per customer."""

    allowed_lateness_days: Annotated[int, Meta(ge=0, le=365)] = 7
    ids_per_customer: Annotated[int, Meta(ge=1, le=10_000)] = 256


Model = Literal["bayes", "logistic", "hedge", "recency", "rhythm"]
"""The names of ``streams/learn/models/registry.py``."""


class LearningRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the learner."""

    model: Model = "bayes"
    """The initial champion."""
    challenger: Model | None = None
    """Learns in the shadow on the same labels; promoted once proved better."""
    alpha: Annotated[float, Meta(gt=0.0, le=0.5)] = 0.05
    """Largest probability of a wrong promotion, and of a wrong fallback to recency."""
    forgetting: Annotated[float, Meta(ge=0.0, le=0.01)] = 0.0
    """Variance that every weight of the Bayesian regression gains per example."""
    untreated_only: bool = True
    """Learn the outcome without treatment; false learns from treated customers alike."""
    established_days: Annotated[int, Meta(ge=0, le=3650)] = 91
    """Days a customer must be known to count in drift detection: younger ones keep changing."""
    publish_every_ticks: Annotated[int, Meta(ge=1, le=100_000)] = 1
    minimum_examples: Annotated[int, Meta(ge=0)] = 200
    """Below this many matured examples a probability is shown, but no band is entered."""
    minimum_of_each: Annotated[int, Meta(ge=0)] = 20
    """The same for each label."""
    widest: Probability = 0.3
    """A band is entered only if the model's part of the 90 % interval is no wider than this."""


class BandRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Risk bands with hysteresis: a band is left below ``*_leave``, entered at ``*_enter``."""

    medium_enter: Probability = 0.50
    medium_leave: Probability = 0.42
    high_enter: Probability = 0.72
    high_leave: Probability = 0.62
    cooldown_days: Annotated[int, Meta(ge=0, le=365)] = 1
    """A reversal within this many days of a crossing is delayed; a further rise never is."""

    def __post_init__(self) -> None:
        if not self.medium_leave <= self.medium_enter <= self.high_enter:
            raise RulesError("bands: want medium_leave <= medium_enter <= high_enter")
        if not self.medium_enter <= self.high_leave <= self.high_enter:
            raise RulesError("bands: want medium_enter <= high_leave <= high_enter")


EXPIRES_DAYS = 7
"""Default of ``actions.expires_days``: a week later the customer is scored again, or has left."""


class ActionRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the catalogue: an action for a customer at risk."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    channel: Annotated[str, Meta(min_length=1, max_length=64)]
    bands: tuple[Band, ...] = ("medium", "high")
    consent: str | None = None
    """The purpose that must not have been refused; None needs no consent."""
    minimum_open_tickets: Annotated[int, Meta(ge=0)] = 0
    accept_probability: Probability = 0.1
    """P(the customer accepts and stays), given that they would leave otherwise."""
    value_minor: Annotated[int, Meta(ge=0)] = 0
    """Value of keeping the customer, in minor units of ``deciding.currency``."""
    cost_minor: Annotated[int, Meta(ge=0)] = 0
    rest_days: Annotated[int, Meta(ge=0, le=3650)] = 30
    """Days before the action is recommended to the same customer again."""
    expires_days: Days = EXPIRES_DAYS
    """Days after which a recommendation is no longer worth carrying out; the churn horizon if that
    is shorter."""


class DecidingRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exploration and the currency of the catalogue."""

    epsilon: Probability = 0.05
    holdout: Annotated[float, Meta(ge=0.0, le=0.5)] = 0.05
    """Share of customers never acted upon: learning the risk rests on them."""
    currency: Currency = "EUR"


DEFAULT_ACTIONS = (
    ActionRules(
        name="call_by_owner",
        channel="phone",
        bands=("high",),
        accept_probability=0.25,
        value_minor=12_000,
        cost_minor=1_500,
    ),
    ActionRules(
        name="resolve_open_ticket",
        channel="support",
        minimum_open_tickets=1,
        accept_probability=0.30,
        value_minor=12_000,
        cost_minor=800,
        rest_days=7,
    ),
    ActionRules(
        name="send_offer",
        channel="email",
        consent="marketing",
        accept_probability=0.08,
        value_minor=12_000,
        cost_minor=400,
    ),
)


class Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that shapes results. ``digest`` names one such text in ticks and decisions.

    >>> Rules().digest() == Rules.from_text(Rules().to_text()).digest()
    True
    """

    seed: Annotated[int, Meta(ge=0)] = 0
    """The deployment's seed: exploration derives from it, never from a generator."""
    churn: ChurnRules = ChurnRules()
    intake: IntakeRules = IntakeRules()
    learning: LearningRules = LearningRules()
    bands: BandRules = BandRules()
    deciding: DecidingRules = DecidingRules()
    actions: tuple[ActionRules, ...] = field(default=DEFAULT_ACTIONS)
    targets: tuple[TargetRules, ...] = ()

    def __post_init__(self) -> None:
        names = [action.name for action in self.actions]
        if len(set(names)) < len(names) or "do_nothing" in names:
            raise RulesError("actions: want distinct names, and do_nothing is always there")
        for action in self.actions:
            if action.expires_days > max(EXPIRES_DAYS, self.churn.horizon_days):
                raise RulesError(
                    f"actions.expires_days: {action.name} has {action.expires_days}; want at most "
                    f"churn.horizon_days ({self.churn.horizon_days}), because the risk that it "
                    "answers is over then"
                )
        all_targets = [target.name for target in self.targets]
        if len(set(all_targets)) < len(all_targets):
            raise RulesError("targets: want distinct names")

    @property
    def all_targets(self) -> "dict[str, ChurnRules | TargetRules]":
        """Every target by name, churn first."""
        found: dict[str, ChurnRules | TargetRules] = {"churn": self.churn}
        return found | {target.name: target for target in self.targets}

    def expires_days(self, action: ActionRules) -> int:
        """Days after which a recommendation of ``action`` expires."""
        return min(action.expires_days, self.churn.horizon_days)

    def to_text(self) -> bytes:
        """The canonical JSON text; equal rules give equal bytes."""
        return msgspec.json.encode(self, order="sorted")

    @staticmethod
    def from_text(text: bytes) -> "Rules":
        """Read :meth:`to_text` back; raises ``msgspec.ValidationError`` naming the field."""
        return msgspec.json.decode(text, type=Rules)

    def digest(self) -> str:
        """16 hex digits that name these rules."""
        return _digest(self)
