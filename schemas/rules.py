"""The settings that shape results. Every tick names their digest, so they belong to the log.

Everything here is data: the same rules and the same log give the same states, models and
emissions. Settings that must not show in results (addresses, batch sizes, intervals) live in
``agents/settings.py``.
"""

import hashlib
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from touchstream.schemas.event_types import MOST_TYPES, EventTypeRules, known_types, reservation
from touchstream.schemas.nearest import nearest
from touchstream.schemas.registry import ACTIVITY_BY_DEFAULT
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
        """Digest of the label definition and of the customers that it is about."""
        return _digest([self.cancel, self.activity, self.horizon_ms, "open"])

    @property
    def weight(self) -> float:
        """Weight of one example: overlapping windows of one customer carry the same information."""
        return min(1.0, self.snapshot_every_days / self.horizon_days)


class ReturnTarget(Struct, frozen=True):
    """The second shipped target: that a customer whose relation is over comes back.

    Label 1 is a sign of life within churn's horizon; snapshot days and grace are churn's, too.
    """

    churn: ChurnRules

    @property
    def horizon_ms(self) -> int:
        """The window in which the label is decided."""
        return self.churn.horizon_ms

    @property
    def wait_ms(self) -> int:
        """Until the label is final."""
        return self.churn.wait_ms

    @property
    def snapshot_every_days(self) -> int:
        """Days between two snapshots of one customer."""
        return self.churn.snapshot_every_days

    @property
    def label_definition(self) -> str:
        """Digest of the label definition."""
        return _digest(["return", self.churn.cancel, self.churn.activity, self.churn.horizon_ms])

    @property
    def weight(self) -> float:
        """Weight of one example, as for churn."""
        return self.churn.weight


ALERT_KINDS = ("churn", "return", "engagement")
"""What alerts are about, beside targets."""
RESERVED = (*ALERT_KINDS, "base_rate", "recency")
"""Names of the shipped targets, of other alerts, and of the two baselines in the measures."""


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


Target = ChurnRules | ReturnTarget | TargetRules
"""What is predicted: each has ``horizon_ms``, ``wait_ms``, ``label_definition`` and ``weight``."""


class IntakeRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lateness bound, and the number of event ids remembered per customer."""

    allowed_lateness_days: Annotated[int, Meta(ge=0, le=365)] = 7
    ids_per_customer: Annotated[int, Meta(ge=1, le=65_536)] = 4_096


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
    widest: Probability = 1.0
    """A band is entered only if the model's part of the 90 % interval is no wider than this. 1: no
    such gate, because wide risks come true as often as they say (docs/models.md)."""


class Thresholds(Struct, frozen=True, array_like=True, gc=False):
    """Risks (0..1) at which a band is entered, and below which it is left: hysteresis."""

    medium_enter: Probability = 0.50
    medium_leave: Probability = 0.42
    high_enter: Probability = 0.72
    high_leave: Probability = 0.62

    def __post_init__(self) -> None:
        if not self.medium_leave <= self.medium_enter <= self.high_enter:
            raise RulesError("bands: want medium_leave <= medium_enter <= high_enter")
        if not self.medium_enter <= self.high_leave <= self.high_enter:
            raise RulesError("bands: want medium_enter <= high_leave <= high_enter")


DEFAULT_SHARE = 0.01
"""Open customers who may enter the band high on a day: each about once in a quarter."""


class BandRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Risk bands: as many alarms as there is capacity for, or thresholds that are typed."""

    high_per_day: Annotated[float, Meta(gt=0.0)] | None = None
    """Customers who may enter the band high on a day; none given: ``high_share_per_day``."""
    high_share_per_day: Annotated[float, Meta(gt=0.0, le=1.0)] = DEFAULT_SHARE
    """The same as a share of the open customers."""
    medium_enter: Probability | None = None
    """Typed thresholds: each one that is given sets the capacity aside, and the others then have
    the defaults of :class:`Thresholds`."""
    medium_leave: Probability | None = None
    high_enter: Probability | None = None
    high_leave: Probability | None = None
    cooldown_days: Annotated[int, Meta(ge=0, le=365)] = 1
    """A reversal within this many days of a crossing is delayed; a further rise never is."""

    @property
    def typed(self) -> Thresholds | None:
        """The typed thresholds; None if they follow from the capacity."""
        given = {
            name: value
            for name in Thresholds.__struct_fields__
            if (value := getattr(self, name)) is not None
        }
        return Thresholds(**given) if given else None

    def __post_init__(self) -> None:
        typed = self.typed
        if typed is not None and self.high_per_day is not None:
            raise RulesError("bands: want high_per_day or thresholds such as high_enter, not both")
        if typed is not None and self.high_share_per_day != DEFAULT_SHARE:
            raise RulesError(
                "bands: want high_share_per_day or thresholds such as high_enter, not both"
            )


EXPIRES_DAYS = 7
"""Default of ``actions.expires_days``: a week later the customer is scored again, or has left."""


class ActionRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the catalogue: an action for a customer at risk, or for one to win back."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    channel: Annotated[str, Meta(min_length=1, max_length=64)]
    target: Literal["churn", "return"] = "churn"
    """Keep a customer who may leave, or win back one whose relation is over."""
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


class RelationRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a customer without a running subscription counts as lapsed."""

    returned_share: Annotated[float, Meta(gt=0.5, lt=1.0)] = 0.85
    """A silence is a lapse once it is longer than this share of the silences that such customers
    came back from, and longer than ``churn.horizon_days``."""


class WinBackRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bands of the probability that an ended or lapsed customer returns."""

    bands: BandRules = BandRules(
        medium_enter=0.15, medium_leave=0.12, high_enter=0.35, high_leave=0.30
    )
    """Typed thresholds of that probability."""

    def __post_init__(self) -> None:
        if self.bands.typed is None:
            raise RulesError("win_back.bands: want thresholds such as high_enter")


AlertKind = Annotated[str, Meta(min_length=1, max_length=64)]
Value = Annotated[str, Meta(min_length=1, max_length=256)]


class AlertRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which alerts are raised for a person, how often, and with what priority."""

    kinds: Annotated[tuple[AlertKind, ...], Meta(max_length=6)] = ("churn", "return")
    """``churn``, ``return``, ``engagement`` and names of targets with ``signal_at``; six at most,
    because a customer's state holds one alert of each."""
    bands: tuple[Band, ...] = ("high",)
    """Bands of churn and of the return in which an alert is raised."""
    queue: Value = "support"
    """Queue of customers that no routing names another for."""
    expires_days: Days = 14
    """Days after which an unanswered alert is cleared."""
    rest_days: Annotated[int, Meta(ge=0, le=3650)] = 14
    """Days after an alert before the next one of its kind, unless the risk is worse."""
    worse_by: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.1
    """A rise of the risk (0..1) that raises an alert again before its rest is over, and a move that
    updates an open one."""
    default_value_minor: Annotated[int, Meta(ge=0)] = 12_000
    """Yearly value of a customer without orders or a subscription, in minor units of
    ``deciding.currency``."""


class RoutingRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Customers whose alerts go to a queue: all conditions hold; an empty one always does."""

    queue: Value
    segment: tuple[Value, ...] = ()
    """Values of attribute ``segment``."""
    region: tuple[Value, ...] = ()
    """Values of attribute ``region``."""
    plan: tuple[Value, ...] = ()
    """Plans of the running subscription, else values of attribute ``plan``."""


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
    ActionRules(
        name="send_win_back_offer",
        channel="email",
        target="return",
        consent="marketing",
        accept_probability=0.05,
        value_minor=12_000,
        # Worth its cost up to a probability of return of 2/3: above, most come back by themselves.
        cost_minor=200,
        rest_days=91,
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
    relation: RelationRules = RelationRules()
    win_back: WinBackRules = WinBackRules()
    deciding: DecidingRules = DecidingRules()
    actions: tuple[ActionRules, ...] = field(default=DEFAULT_ACTIONS)
    targets: tuple[TargetRules, ...] = ()
    alerts: AlertRules = AlertRules()
    routing: tuple[RoutingRules, ...] = ()
    """The first entry that fits names the queue of a customer's alerts."""
    event_types: Annotated[tuple[EventTypeRules, ...], Meta(max_length=MOST_TYPES)] = ()
    """Own event types, beside the built-in ones."""

    def __post_init__(self) -> None:
        self._add_own_activity()
        self._check_event_types()
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
        self._check_alert_kinds()

    def _check_alert_kinds(self) -> None:
        signalled = [target.name for target in self.targets if target.signal_at is not None]
        for kind in self.alerts.kinds:
            if kind not in (*ALERT_KINDS, *signalled):
                raise RulesError(
                    f"alerts.kinds: {kind!r} is none; want churn, return, engagement or a target "
                    "with signal_at"
                )

    def _add_own_activity(self) -> None:
        """Own types by the customer are activity while the list is the default one."""
        own = tuple(kind.name for kind in self.event_types if kind.by_customer)
        if own and self.churn.activity == ACTIVITY_BY_DEFAULT:
            churn = msgspec.structs.replace(self.churn, activity=ACTIVITY_BY_DEFAULT + own)
            msgspec.structs.force_setattr(self, "churn", churn)

    def _check_event_types(self) -> None:
        own = [kind.name for kind in self.event_types]
        if len(set(own)) < len(own):
            raise RulesError("event_types: want distinct names")
        known = known_types(self.event_types)
        for setting, kinds in self._named_types():
            for kind in kinds:
                if kind not in known:
                    near = nearest(kind, known)
                    advice = f"did you mean {near!r}?" if near else "see docs/events.md"
                    raise RulesError(f"{setting}: {kind!r} is no event type; {advice}")

    def _named_types(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Each setting that lists event types, with its value."""
        yield "churn.cancel", self.churn.cancel
        yield "churn.activity", self.churn.activity
        for number, target in enumerate(self.targets):
            yield f"targets[{number}].after", target.after
            yield f"targets[{number}].events", target.events

    @property
    def all_targets(self) -> "dict[str, Target]":
        """Every target by name, churn first."""
        found: dict[str, Target] = {"churn": self.churn, "return": ReturnTarget(self.churn)}
        return found | {target.name: target for target in self.targets}

    def expires_days(self, action: ActionRules) -> int:
        """Days after which a recommendation of ``action`` expires."""
        return min(action.expires_days, self.churn.horizon_days)

    def to_text(self) -> bytes:
        """The canonical JSON text; equal rules give equal bytes."""
        return msgspec.json.encode(self, order="sorted")

    @staticmethod
    def from_text(text: bytes) -> "Rules":
        """Read :meth:`to_text` back; raises ``msgspec.ValidationError`` naming the field.

        An own type that has become a built-in one since is left out: the log goes on with a build
        that knows it, before the learner of that build can name other rules.
        """
        fields = msgspec.json.decode(text, type=dict[str, Any])
        own = fields.get("event_types", ())
        kept = [kind for kind in own if reservation(kind["name"]) is None]
        return msgspec.convert({**fields, "event_types": kept}, Rules)

    def digest(self) -> str:
        """16 hex digits that name these rules."""
        return _digest(self)
