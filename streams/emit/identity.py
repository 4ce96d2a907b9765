"""Reproducible ids: a replay of the log gives the same ones."""

import hashlib

from touchstream.schemas.emissions.cause import Cause


def emission_id(subject: str, cause: Cause, kind: str, index: int = 0) -> str:
    """32 hex digits from customer, cause, type, and index among emissions of that type."""
    # Names contain no NUL, so different parts never give the same material.
    material = "\0".join((subject, cause.source, cause.id, cause.type, kind, str(index)))
    return hashlib.blake2b(material.encode(), digest_size=16).hexdigest()


def decision_id(subject: str, cause: Cause) -> str:
    """The id of a decision, and of the emission that announces it."""
    return emission_id(subject, cause, "action.recommended")


def pseudonym(subject: str, seed: int) -> str:
    """The customer's pseudonym in examples: 24 hex digits.

    Reversing it takes the list of customers and the deployment's seed.
    """
    key = f"touchstream:{seed}".encode()
    return hashlib.blake2b(subject.encode(), key=key, digest_size=12).hexdigest()
