"""The console: where it listens, and how reps sign in."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from touchstream.agents.settings_tables import OptionalSecret, OptionalText, Table

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def _empty_is_unset(value: object) -> object:
    return None if value == "" else value


def _web_address(text: str | None) -> str | None:
    if text is None:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("want an address such as https://console.example.com")
    return text.rstrip("/")


Address = Annotated[str | None, BeforeValidator(_empty_is_unset), AfterValidator(_web_address)]


class ConsoleSettings(Table):
    """The reps' console (``touchstream console``), a process of its own."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Another than a loopback address is refused while nobody can sign in."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 9480
    """0 = any free one."""
    public_url: Address = None
    """The address that reps type; https makes the cookie a secure one."""
    session_hours: Annotated[int, Field(ge=1, le=720)] = 12
    """A session ends so long after the sign-in."""
    secret: OptionalSecret = None
    """Key of cookies; not set: a new one at each start, which ends all sessions."""
    oidc_issuer: Address = None
    """Address of an OpenID provider; its ``email`` is compared with ``reps.address``."""
    oidc_client: OptionalText = None
    oidc_secret: OptionalSecret = None

    @property
    def has_oidc(self) -> bool:
        """Whether an OpenID provider signs reps in."""
        return self.oidc_issuer is not None

    @property
    def is_local(self) -> bool:
        """Whether only this machine can connect."""
        return self.host in LOOPBACK

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        given = [self.oidc_issuer, self.oidc_client, self.oidc_secret]
        if any(given) and not all(given):
            raise ValueError("want oidc_issuer, oidc_client and oidc_secret together, or none")
        return self
