"""Every built-in event type: a new one is a class, a line here, and an example.

Types of one deployment are configured instead (``event_types.py``).
The order is that of the event dictionary (docs/events.md).
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from msgspec import Struct

from touchstream.schemas.touchpoints.actions import ActionOutcome, AlertFeedback
from touchstream.schemas.touchpoints.calls import CallEnded
from touchstream.schemas.touchpoints.content import ContentStreamed, EventAttended
from touchstream.schemas.touchpoints.customers import (
    ConsentChanged,
    CustomerErased,
    CustomerIdentified,
    CustomerUnlinked,
    CustomerUpdated,
)
from touchstream.schemas.touchpoints.emails import (
    EmailClicked,
    EmailDelivered,
    EmailOpened,
    EmailUnsubscribed,
)
from touchstream.schemas.touchpoints.orders import (
    CartAbandoned,
    OrderPlaced,
    OrderReturned,
    PaymentFailed,
)
from touchstream.schemas.touchpoints.sales import (
    DealLost,
    DealWon,
    DemoHeld,
    LeadCreated,
    LeadQualified,
    ProposalSent,
)
from touchstream.schemas.touchpoints.social import ReviewPosted, SocialMentioned
from touchstream.schemas.touchpoints.stores import StoreVisited
from touchstream.schemas.touchpoints.subscriptions import (
    SubscriptionCancelled,
    SubscriptionChanged,
    SubscriptionRenewed,
    SubscriptionStarted,
)
from touchstream.schemas.touchpoints.surveys import SurveyAnswered, SurveySent
from touchstream.schemas.touchpoints.tickets import (
    TicketOpened,
    TicketReopened,
    TicketReplied,
    TicketResolved,
)
from touchstream.schemas.touchpoints.web import WebFormSubmitted, WebVisit

INTERNAL_PREFIX = "touchstream."
"""Types that only touchstream itself may write."""

TICK_TYPE: Literal["touchstream.tick"] = "touchstream.tick"

Touchpoint = (
    WebVisit
    | WebFormSubmitted
    | ContentStreamed
    | EventAttended
    | StoreVisited
    | CartAbandoned
    | OrderPlaced
    | OrderReturned
    | PaymentFailed
    | SubscriptionStarted
    | SubscriptionRenewed
    | SubscriptionChanged
    | SubscriptionCancelled
    | TicketOpened
    | TicketReplied
    | TicketResolved
    | TicketReopened
    | CallEnded
    | EmailDelivered
    | EmailOpened
    | EmailClicked
    | EmailUnsubscribed
    | SurveySent
    | SurveyAnswered
    | ReviewPosted
    | SocialMentioned
    | LeadCreated
    | LeadQualified
    | DemoHeld
    | ProposalSent
    | DealWon
    | DealLost
    | CustomerUpdated
    | CustomerIdentified
    | CustomerUnlinked
    | ConsentChanged
    | CustomerErased
    | ActionOutcome
    | AlertFeedback
)
"""The data of any built-in touchpoint."""


class OwnData(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The data of a type that the rules add: a subclass for each, made by ``event_types.py``."""


EventData = Touchpoint | OwnData
"""The data of any touchpoint."""

Family = Literal[
    "web",
    "content",
    "store",
    "cart",
    "order",
    "return",
    "payment",
    "subscription",
    "ticket",
    "call",
    "email",
    "survey",
    "review",
    "social",
    "sales",
    "customer",
    "action",
]
"""Types counted together; a closed set, because each family is a column of the feature vector."""


class TouchpointType(NamedTuple):
    """One event type."""

    name: str
    """The CloudEvents type."""
    data: type[EventData]
    family: Family
    by_customer: Callable[[EventData], bool]
    """True if the customer did it: activity, unless the rules say otherwise."""


def by_customer(data: EventData) -> bool:
    """Always."""
    return True


def by_us(data: EventData) -> bool:
    """Never."""
    return False


def if_customer_replied(data: EventData) -> bool:
    """When `by` is `customer`."""
    return isinstance(data, TicketReplied) and data.by == "customer"


def if_customer_called(data: EventData) -> bool:
    """When `direction` is `inbound`."""
    return isinstance(data, CallEnded) and data.direction == "inbound"


_TYPES = (
    TouchpointType("web.visit", WebVisit, "web", by_customer),
    TouchpointType("web.form_submitted", WebFormSubmitted, "web", by_customer),
    TouchpointType("content.streamed", ContentStreamed, "content", by_customer),
    TouchpointType("event.attended", EventAttended, "content", by_customer),
    TouchpointType("store.visited", StoreVisited, "store", by_customer),
    TouchpointType("cart.abandoned", CartAbandoned, "cart", by_customer),
    TouchpointType("order.placed", OrderPlaced, "order", by_customer),
    TouchpointType("order.returned", OrderReturned, "return", by_us),
    TouchpointType("payment.failed", PaymentFailed, "payment", by_us),
    TouchpointType("subscription.started", SubscriptionStarted, "subscription", by_customer),
    TouchpointType("subscription.renewed", SubscriptionRenewed, "subscription", by_customer),
    TouchpointType("subscription.changed", SubscriptionChanged, "subscription", by_customer),
    TouchpointType("subscription.cancelled", SubscriptionCancelled, "subscription", by_us),
    TouchpointType("ticket.opened", TicketOpened, "ticket", by_customer),
    TouchpointType("ticket.replied", TicketReplied, "ticket", if_customer_replied),
    TouchpointType("ticket.resolved", TicketResolved, "ticket", by_us),
    TouchpointType("ticket.reopened", TicketReopened, "ticket", by_us),
    TouchpointType("call.ended", CallEnded, "call", if_customer_called),
    TouchpointType("email.delivered", EmailDelivered, "email", by_us),
    TouchpointType("email.opened", EmailOpened, "email", by_customer),
    TouchpointType("email.clicked", EmailClicked, "email", by_customer),
    TouchpointType("email.unsubscribed", EmailUnsubscribed, "email", by_us),
    TouchpointType("survey.sent", SurveySent, "survey", by_us),
    TouchpointType("survey.answered", SurveyAnswered, "survey", by_customer),
    TouchpointType("review.posted", ReviewPosted, "review", by_customer),
    TouchpointType("social.mentioned", SocialMentioned, "social", by_customer),
    TouchpointType("lead.created", LeadCreated, "sales", by_us),
    TouchpointType("lead.qualified", LeadQualified, "sales", by_us),
    TouchpointType("demo.held", DemoHeld, "sales", by_us),
    TouchpointType("proposal.sent", ProposalSent, "sales", by_us),
    TouchpointType("deal.won", DealWon, "sales", by_us),
    TouchpointType("deal.lost", DealLost, "sales", by_us),
    TouchpointType("customer.updated", CustomerUpdated, "customer", by_us),
    TouchpointType("customer.identified", CustomerIdentified, "customer", by_us),
    TouchpointType("customer.unlinked", CustomerUnlinked, "customer", by_us),
    TouchpointType("consent.changed", ConsentChanged, "customer", by_us),
    TouchpointType("customer.erased", CustomerErased, "customer", by_us),
    TouchpointType("action.outcome", ActionOutcome, "action", by_us),
    TouchpointType("alert.feedback", AlertFeedback, "action", by_us),
)

TOUCHPOINTS: dict[str, TouchpointType] = {kind.name: kind for kind in _TYPES}
"""Built-in event type by its CloudEvents name."""

ACTIVITY_BY_DEFAULT: tuple[str, ...] = tuple(
    kind.name for kind in _TYPES if kind.by_customer is not by_us
)
"""Types that the customer causes, always or (`ticket.replied`, `call.ended`) at times.

Types of the rules that the customer causes are added to it (``Rules``)."""
