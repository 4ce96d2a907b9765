"""A real SMTP server on loopback, and the mails that it has taken."""

import asyncio
import contextlib
import email
import email.policy
import ssl
from collections.abc import AsyncIterator
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class MailServer:
    """``rcpt`` and ``data`` are its replies; mails that were taken are in ``mails``."""

    def __init__(self) -> None:
        self.rcpt = "250 OK"
        self.data = "250 OK"
        self.mails: list[EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.logins: list[tuple[str, str]] = []
        self.encrypted: list[bool] = []
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - the name of aiosmtpd's hook
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: object
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(  # noqa: N802 - the name of aiosmtpd's hook
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.data.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.mails.append(
                email.message_from_bytes(envelope.content, policy=email.policy.default)
            )
            self.envelopes.append(envelope)
            self.encrypted.append(session.ssl is not None)
        return self.data

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        login = (data.login.decode(), data.password.decode())
        self.logins.append(login)
        return AuthResult(success=login == ("alerts", "hunter2"), handled=False)


@contextlib.asynccontextmanager
async def mail_server(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[MailServer]:
    loop = asyncio.get_running_loop()
    server = MailServer()
    listening = await loop.create_server(
        lambda: SMTP(
            server,
            hostname="mail.example.com",
            tls_context=starttls,
            authenticator=server.authenticate,
            auth_require_tls=False,
            loop=loop,
        ),
        "127.0.0.1",
        0,
        ssl=tls,
    )
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()
