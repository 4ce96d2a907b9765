"""The newest fact about the subscription."""

from touchstream.schemas.touchpoints.subscriptions import (
    SubscriptionCancelled,
    SubscriptionChanged,
    SubscriptionRenewed,
    SubscriptionStarted,
)
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.profiles.facts.facts import Changes, Facts
from touchstream.streams.profiles.profile import Profile, Subscription

SUBSCRIPTION_RANKS: dict[type, int] = {
    SubscriptionStarted: 0,
    SubscriptionRenewed: 1,
    SubscriptionChanged: 2,
    SubscriptionCancelled: 3,
}


def _subscribed(
    profile: Profile,
    at_ms: Millis,
    data: SubscriptionStarted | SubscriptionRenewed | SubscriptionChanged,
) -> Changes:
    ends_ms = None if data.term_days is None else Millis(at_ms + data.term_days * DAY_MS)
    return _newest_subscription(
        profile,
        Subscription(
            at_ms,
            SUBSCRIPTION_RANKS[type(data)],
            data.plan,
            data.amount_minor,
            data.currency,
            ends_ms,
            cancelled=False,
        ),
    )


def _cancelled(profile: Profile, at_ms: Millis, data: SubscriptionCancelled) -> Changes:
    rank = SUBSCRIPTION_RANKS[type(data)]
    return _newest_subscription(
        profile, Subscription(at_ms, rank, None, 0, None, at_ms, cancelled=True)
    )


def _newest_subscription(profile: Profile, fact: Subscription) -> Changes:
    held = profile.subscription
    # A total order, so that the order of arrival does not matter.
    if held is not None and _order(held) > _order(fact):
        return {}
    return {"subscription": fact}


def _order(fact: Subscription) -> tuple[Millis, int, str]:
    return fact.at_ms, fact.rank, str(fact)


FACTS: Facts = {
    SubscriptionStarted: _subscribed,
    SubscriptionRenewed: _subscribed,
    SubscriptionChanged: _subscribed,
    SubscriptionCancelled: _cancelled,
}
