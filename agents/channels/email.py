"""E-mail over SMTP: text and HTML, one message an address."""

import ssl
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal, NamedTuple

import aiosmtplib

from touchstream.agents.channels.mailboxes import mailbox
from touchstream.agents.channels.message import Delivery, Kind, Message, Status, within

Security = Literal["starttls", "tls", "none"]
PERMANENT = 500
"""SMTP replies from here on will not change."""
MESSAGE_REFUSED = (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError)


class Server(NamedTuple):
    """Where mail is handed in; the password shows in no ``repr``."""

    host: str
    port: int
    security: Security
    login: "Login | None"
    sender: Address
    tls: ssl.SSLContext | None


class Login:
    """A user and a password."""

    def __init__(self, username: str, password: str) -> None:
        self.username = username
        self.password = password

    def __repr__(self) -> str:
        return "Login()"


class EmailChannel:
    """Sends through one server, a connection a message."""

    kind: Kind = "email"

    def __init__(self, name: str, server: Server, *, timeout_s: float) -> None:
        self.name = name
        self._server = server
        self._timeout_s = timeout_s

    async def send(self, message: Message, address: str | None) -> Delivery:
        """Hand the message in once.

        A reply 5xx about sender, address or content refuses this message; one to the connection
        or the login is about the settings, which get repaired.
        """
        recipient = mailbox(address or "")
        if recipient is None:
            return Delivery("refused", reason="want an e-mail address such as name@example.com")
        return await within(self._timeout_s, self._hand_in(message, recipient))

    async def _hand_in(self, message: Message, recipient: Address) -> Delivery:
        mail = compose(message, self._server.sender, recipient)
        try:
            await self._submit(mail)
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _refusal(error.recipients[0].code, "the address was refused")
        except MESSAGE_REFUSED as error:
            return _refusal(error.code, "sender or content were refused")
        except aiosmtplib.SMTPAuthenticationError as error:
            return Delivery("retry", error.code, reason="the login was refused")
        except aiosmtplib.SMTPResponseException as error:
            return Delivery("retry", error.code, reason=f"SMTP reply {error.code}")
        except aiosmtplib.SMTPNotSupported:
            return Delivery("retry", reason="the server lacks STARTTLS, login or such addresses")
        except ssl.SSLError:
            return Delivery("retry", reason="TLS failed, or the certificate does not fit")
        except (aiosmtplib.SMTPException, OSError):
            return Delivery("retry", reason="no connection, or it was lost")
        return Delivery("delivered", 250)

    async def _submit(self, mail: EmailMessage) -> None:
        server = self._server
        login = server.login
        await aiosmtplib.send(
            mail,
            hostname=server.host,
            port=server.port,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=server.tls if server.security != "none" else None,
            username=login.username if login else None,
            password=login.password if login else None,
            timeout=self._timeout_s,
        )

    async def close(self) -> None:
        """Nothing is held between two messages."""


def compose(message: Message, sender: Address, recipient: Address) -> EmailMessage:
    """Compose the mail; its Message-ID follows from the message's id, so repetitions are known."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = recipient
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(datetime.fromtimestamp(message.time_ms / 1000, UTC))
    mail["Message-ID"] = f"<{message.id}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    mail["X-Auto-Response-Suppress"] = "All"  # the same for Exchange, which ignores it
    mail.set_content(message.text)
    if message.html is not None:
        mail.add_alternative(message.html, subtype="html")
    # Last: headers Content-... move to the part when a mail gets a second one.
    mail["Content-Language"] = message.language
    return mail


def _refusal(code: int, reason: str) -> Delivery:
    status: Status = "refused" if code >= PERMANENT else "retry"
    return Delivery(status, code, reason=reason)
