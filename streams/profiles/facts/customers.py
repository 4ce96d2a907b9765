"""Consent, attributes, and other ids of the customer."""

from touchstream.schemas.touchpoints.customers import (
    ConsentChanged,
    CustomerIdentified,
    CustomerUnlinked,
    CustomerUpdated,
)
from touchstream.schemas.touchpoints.emails import EmailUnsubscribed
from touchstream.schemas.units import Millis
from touchstream.streams.profiles.facts.facts import Changes, Facts, newest, settle
from touchstream.streams.profiles.profile import BOUNDS, Fact, Profile, Scalar

MARKETING = "marketing"  # the purpose that an unsubscription refuses


def _consented(profile: Profile, at_ms: Millis, data: ConsentChanged) -> Changes:
    fact = Fact(at_ms, data.granted)
    return {"consent": newest(profile.consent, data.purpose, fact, BOUNDS.purposes)}


def _unsubscribed(profile: Profile, at_ms: Millis, _: EmailUnsubscribed) -> Changes:
    fact = Fact(at_ms, value=False)
    return {"consent": newest(profile.consent, MARKETING, fact, BOUNDS.purposes)}


def _updated(profile: Profile, at_ms: Millis, data: CustomerUpdated) -> Changes:
    attributes = dict(profile.attributes)
    # Sorted, because at the bound the order decides which attribute is dropped.
    for name, value in sorted((data.attributes or {}).items()):
        settle(attributes, name, Fact(at_ms, _short(value)), BOUNDS.attributes)
    return {"attributes": attributes}


def _short(value: Scalar) -> Scalar:
    return value[: BOUNDS.text_chars] if isinstance(value, str) else value


def _identified(profile: Profile, at_ms: Millis, data: CustomerIdentified) -> Changes:
    return _linked(profile, data.alias, Fact(at_ms, value=True))


def _unlinked(profile: Profile, at_ms: Millis, data: CustomerUnlinked) -> Changes:
    return _linked(profile, data.alias, Fact(at_ms, value=False))


def _linked(profile: Profile, alias: str, fact: Fact) -> Changes:
    return {"aliases": newest(profile.aliases, alias, fact, BOUNDS.aliases)}


FACTS: Facts = {
    ConsentChanged: _consented,
    EmailUnsubscribed: _unsubscribed,
    CustomerUpdated: _updated,
    CustomerIdentified: _identified,
    CustomerUnlinked: _unlinked,
}
