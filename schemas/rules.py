"""The settings that shape results. Their digest stands in every tick, so they are part of the log.

Everything here is data: the same rules and the same log give the same states, models and
emissions. Settings that must not show in results (addresses, batch sizes, intervals) live in
``agents/settings.py``.
"""

import hashlib
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from schemas.registry import ACTIVITY_BY_DEFAULT, TOUCHPOINTS
from schemas.touchpoints.fields import Currency

Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Days = Annotated[int, Meta(ge=1, le=3650)]
Band = Literal["low", "medium", "high"]


class RulesError(ValueError):
    """A rule that contradicts another or names what does not exist; says what was wanted."""


class ChurnRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What churn means here (DESIGN section 4)."""

    cancel: tuple[str, ...] = ("subscription.cancelled",)
    activity: tuple[str, ...] = ACTIVITY_BY_DEFAULT
    horizon_days: Days = 28
    snapshot_every_days: Annotated[int, Meta(ge=1, le=365)] = 7
    label_grace_days: Annotated[int, Meta(ge=0, le=90)] = 1

    def __post_init__(self) -> None:
        for name, types in (("cancel", self.cancel), ("activity", self.activity)):
            for kind in types:
                if kind not in TOUCHPOINTS:
                    raise RulesError(f"churn.{name}: {kind!r} is no event type; see docs/events.md")


class IntakeRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How late an event may be, and how many ids a customer is remembered by."""

    allowed_lateness_days: Annotated[int, Meta(ge=0, le=365)] = 7
    ids_per_customer: Annotated[int, Meta(ge=1, le=10_000)] = 256


class LearningRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the one learner learns."""

    rate: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.005
    l2: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0
    publish_every_ticks: Annotated[int, Meta(ge=1, le=100_000)] = 1
    minimum_examples: Annotated[int, Meta(ge=0)] = 200
    """Below so many matured examples a probability is shown, but no band is entered on it."""


class BandRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Risk bands with hysteresis: a band is left below ``*_leave``, entered at ``*_enter``."""

    medium_enter: Probability = 0.50
    medium_leave: Probability = 0.42
    high_enter: Probability = 0.72
    high_leave: Probability = 0.62
    cooldown_days: Annotated[int, Meta(ge=0, le=365)] = 1
    """A crossing back is held off so long after the last one; a further rise never is."""

    def __post_init__(self) -> None:
        if not self.medium_leave <= self.medium_enter <= self.high_enter:
            raise RulesError("bands: want medium_leave <= medium_enter <= high_enter")
        if not self.medium_enter <= self.high_leave <= self.high_enter:
            raise RulesError("bands: want medium_enter <= high_leave <= high_enter")


class ActionRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the catalogue: what can be done for a customer at risk."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    channel: Annotated[str, Meta(min_length=1, max_length=64)]
    bands: tuple[Band, ...] = ("medium", "high")
    consent: str | None = None
    """The purpose that must not have been refused; None needs no consent."""
    minimum_open_tickets: Annotated[int, Meta(ge=0)] = 0
    accept_probability: Probability = 0.1
    """P(the customer accepts and stays), given that he would leave otherwise."""
    value_minor: Annotated[int, Meta(ge=0)] = 0
    """What keeping him is worth, in minor units of ``deciding.currency``."""
    cost_minor: Annotated[int, Meta(ge=0)] = 0
    rest_days: Annotated[int, Meta(ge=0, le=3650)] = 30
    """The same action is not recommended to the same customer again before."""


class DecidingRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exploration and the currency of the catalogue."""

    epsilon: Probability = 0.05
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
    """All that shapes results. ``digest`` names one such text in ticks and decisions.

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

    def __post_init__(self) -> None:
        names = [action.name for action in self.actions]
        if len(set(names)) < len(names) or "do_nothing" in names:
            raise RulesError("actions: want distinct names, and do_nothing is always there")

    def to_text(self) -> bytes:
        """The canonical JSON text; equal rules give equal bytes."""
        return msgspec.json.encode(self, order="sorted")

    @staticmethod
    def from_text(text: bytes) -> "Rules":
        """Read :meth:`to_text` back; raises ``msgspec.ValidationError`` naming the field."""
        return msgspec.json.decode(text, type=Rules)

    def digest(self) -> str:
        """16 hex digits that name these rules."""
        return hashlib.blake2b(self.to_text(), digest_size=8).hexdigest()
