"""The ways alerts leave, as an operator sets them: ``[[channels]]`` and ``[smtp]``."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from touchstream.agents.channels.mailboxes import mailbox, sender
from touchstream.agents.channels.public_addresses import url_fault
from touchstream.agents.settings_reps import Name, Recipient
from touchstream.agents.settings_tables import (
    OptionalPath,
    OptionalSecret,
    OptionalText,
    Table,
)

KEY_PREFIX = "whsec_"
KEY_BYTES = range(24, 65)
"""What Standard Webhooks allows."""
MOST_KEYS = 2
"""The new and the old one while they change."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _key(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    try:
        key = base64.b64decode(text.removeprefix(KEY_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(KEY_PREFIX) or len(key) not in KEY_BYTES:
        raise ValueError("want whsec_ and 24 to 64 random bytes in base64")
    return secret


SigningKey = Annotated[SecretStr, AfterValidator(_key)]


def _sender(text: str | None) -> str | None:
    if text is not None and sender(text) is None:
        raise ValueError("want an address such as Alerts <alerts@example.com>")
    return text


class ChannelSettings(Table):
    """One way out."""

    name: Name
    """As ``channels`` of reps and queues name it."""
    kind: Literal["webhook", "email", "slack", "apprise"]
    url: OptionalSecret = None
    """Of every kind but ``email``; a secret, because knowing it is enough to post to Slack."""
    keys: Annotated[
        tuple[Annotated[SecretStr, AfterValidator(_key)], ...], Field(max_length=2)
    ] = ()
    """Of a webhook: signing keys, the newest first."""
    payload: Literal["thin", "full"] = "thin"
    """Of a webhook: ids and a link, or all that is known of the alert."""
    allow_http: bool = False
    """Also http://, for a receiver in a network of one's own."""
    allow_private: bool = False
    """Also addresses that are not public."""
    ca_file: OptionalPath = None
    """PEM of the authorities that sign the receiver; None: the system's."""
    timeout_s: Annotated[float, Field(gt=0, le=120)] = 15.0

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        self._require_url()
        webhook = self.kind == "webhook"
        if webhook != bool(self.keys):
            raise ValueError(
                "want keys with at least one key to sign with" if webhook else "keys sign webhooks"
            )
        if self.payload == "full" and not webhook:
            raise ValueError("payload is for webhooks: the others carry the text")
        return self

    def _require_url(self) -> None:
        if (self.kind == "email") != (self.url is None):
            raise ValueError(
                f"want {'no ' if self.kind == 'email' else ''}url with the kind {self.kind}"
            )
        if self.url is None or self.kind == "apprise":
            return
        fault = url_fault(
            self.url.get_secret_value(),
            allow_http=self.allow_http,
            allow_private=self.allow_private,
        )
        if fault is not None:
            raise ValueError(f"url: {fault}")


class SmtpSettings(Table):
    """The server that takes mail."""

    host: OptionalText = None
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    """starttls refuses a server that does not offer it."""
    username: OptionalText = None
    password: OptionalSecret = None
    sender: Annotated[OptionalText, AfterValidator(_sender)] = None
    """The address in From, with or without a name."""
    ca_file: OptionalPath = None
    """PEM of the authorities that sign the server; None: the system's."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("want username and password together, or neither")
        if self.username is not None and self.security == "none" and self.host not in LOOPBACK:
            raise ValueError("want security starttls or tls with a password")
        return self


def require_known_channels(
    channels: Sequence[ChannelSettings], smtp: SmtpSettings, recipients: Sequence[Recipient]
) -> None:
    """Raise ValueError unless names are distinct, and each that is used leads somewhere."""
    kinds = {channel.name: channel.kind for channel in channels}
    if len(kinds) < len(channels):
        raise ValueError("channels: want distinct names")
    if "email" in kinds.values() and (smtp.host is None or smtp.sender is None):
        raise ValueError("smtp: want host and sender with a channel of the kind email")
    for one in recipients:
        for name in one.channels:
            if name not in kinds:
                raise ValueError(f"reps, queues: channels of {one.id}: {name!r} is none")
            if kinds[name] == "email" and mailbox(one.address or "") is None:
                raise ValueError(
                    f"reps, queues: {one.id}: want address such as name@example.com for the "
                    f"channel {name!r}"
                )
