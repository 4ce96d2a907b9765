"""Ids that a second run of the same log gives again."""

import hashlib

from touchstream.schemas.emissions.cause import Cause


def emission_id(subject: str, cause: Cause, kind: str, index: int = 0) -> str:
    """32 hex digits from the customer, the cause, the type and the place among equals."""
    material = "\0".join((subject, cause.source, cause.id, cause.type, kind, str(index)))
    return hashlib.blake2b(material.encode(), digest_size=16).hexdigest()


def pseudonym(subject: str, seed: int) -> str:
    """What the learner knows a customer by: 24 hex digits.

    Not to be turned back without the list of customers and the deployment's seed.
    """
    key = f"touchstream:{seed}".encode()
    return hashlib.blake2b(subject.encode(), key=key, digest_size=12).hexdigest()
