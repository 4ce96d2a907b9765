"""Who is signed in, and what they may see."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe
from typing import NamedTuple

from touchstream.agents.settings import RepSettings, Settings
from touchstream.agents.settings_reps import GUEST_ID, Language, Role
from touchstream.web.console.rows import EVERYBODY

KEY_BYTES = 32
KEY_PREFIX = "tsk_"
"""Makes a key that leaked into a text easy to find."""

OPEN_ATTRIBUTES = frozenset(
    {"account", "country", "language", "owner", "plan", "region", "sector", "segment", "time_zone"}
)
"""Attributes of a customer that identify nobody; all others are masked, known or not."""


class Principal(NamedTuple):
    """The person behind a request."""

    id: str
    name: str
    role: Role
    language: Language
    time_zone: str
    assignees: tuple[str, ...]
    """Reps and queues whose alerts they see: their own, or everybody's."""

    @property
    def leads(self) -> bool:
        """Whether they see to other reps."""
        return self.role != "rep"

    @property
    def operates(self) -> bool:
        """Whether they may choose the model that is served."""
        return self.role == "operator"

    def sees_personal_data(self, owner: object) -> bool:
        """Whether the attributes of a customer of this owner are shown in full."""
        return self.leads or owner == self.id


GUEST = Principal(GUEST_ID, "Guest", "operator", "en", "UTC", (EVERYBODY,))
"""Signed in by a one-time token where nobody can sign in: the demo, and a first look."""


def can_sign_in(settings: Settings) -> bool:
    """Whether anybody has a way in of their own."""
    return settings.console.has_oidc or any(rep.key_sha256 for rep in settings.reps)


def principal_of(rep: RepSettings) -> Principal:
    """The principal of a rep; a lead or operator sees everybody's alerts."""
    assignees = (rep.id, *rep.queues) if rep.role == "rep" else (EVERYBODY,)
    return Principal(rep.id, rep.shown, rep.role, rep.language, rep.time_zone, assignees)


def masked(
    attributes: Mapping[str, object], owner: object, principal: Principal
) -> dict[str, object]:
    """Attributes as this principal may see them; a masked one is None."""
    if principal.sees_personal_data(owner):
        return dict(attributes)
    return {name: value if name in OPEN_ATTRIBUTES else None for name, value in attributes.items()}


def new_key() -> str:
    """A new API key: 256 random bits."""
    return KEY_PREFIX + token_urlsafe(KEY_BYTES)


def digest_of(key: str) -> str:
    """The SHA-256 that ``reps.key_sha256`` holds. The key is random, so it needs no salt."""
    return sha256(key.encode()).hexdigest()


def rep_with_key(reps: Iterable[RepSettings], key: str) -> RepSettings | None:
    """The rep with this key; takes the same time whoever it is, and if it is nobody's."""
    digest, found = digest_of(key), None
    for rep in reps:
        if compare_digest(rep.key_sha256 or "", digest):
            found = rep
    return found
