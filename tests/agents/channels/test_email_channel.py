"""E-mail to a real SMTP server: both texts, a stable id, no header of somebody else."""

import asyncio
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.agents.channels.certificates import Certificate, certificate
from tests.agents.channels.mail_server import mail_server
from tests.agents.channels.receivers import MESSAGE
from touchstream.agents.channels.email import EmailChannel, Login, Security, Server, compose
from touchstream.agents.channels.mailboxes import mailbox, sender
from touchstream.agents.channels.message import Delivery, Message, one_line

FROM = sender("Alerts <alerts@example.com>")


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("certificate"))


async def sent(
    port: int,
    address: str | None = "ada@example.com",
    *,
    message: Message = MESSAGE,
    security: Security = "none",
    login: Login | None = None,
    certified: Certificate | None = None,
    timeout_s: float = 10.0,
) -> Delivery:
    assert FROM is not None
    tls = certified.trust if certified else None
    server = Server("127.0.0.1", port, security, login, FROM, tls)
    channel = EmailChannel("mail", server, timeout_s=timeout_s)
    return structs.replace(await channel.send(message, address), duration_ms=0)


async def received(message: Message = MESSAGE) -> EmailMessage:
    async with mail_server() as server:
        assert await sent(server.port, message=message) == Delivery("delivered", 250)
    [mail] = server.mails
    return mail


async def test_a_mail_arrives_from_the_sender_at_the_address() -> None:
    async with mail_server() as server:
        assert await sent(server.port) == Delivery("delivered", 250)
    [envelope] = server.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("alerts@example.com", ["ada@example.com"])
    [mail] = server.mails
    assert (mail["From"], mail["To"]) == ("Alerts <alerts@example.com>", "ada@example.com")
    assert mail["Subject"] == "Ada is likely to leave"


async def test_a_mail_has_text_and_html() -> None:
    mail = await received()
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert text.get_content().splitlines() == ["Risk 81 %.", "Call them."]
    assert html.get_content().strip() == "<p>Risk 81 %.</p>"


async def test_without_html_there_is_text_alone() -> None:
    mail = await received(structs.replace(MESSAGE, html=None))
    assert mail.get_content_type() == "text/plain"


async def test_the_message_id_is_that_of_the_message_at_every_attempt() -> None:
    first, second = await received(), await received()
    assert first["Message-ID"] == second["Message-ID"] == "<msg_1@example.com>"


async def test_no_program_answers_a_program() -> None:
    mail = await received()
    assert mail["Auto-Submitted"] == "auto-generated"


async def test_the_date_is_when_the_message_was_made() -> None:
    mail = await received()
    assert mail["Date"] == "Mon, 21 Sep 2026 14:13:20 +0000"


async def test_turkish_arrives_as_it_was_written() -> None:
    subject, text = "Ayşe gitmek üzere: İzmir", "Görüşme önerilir: %81."
    mail = await received(structs.replace(MESSAGE, subject=subject, text=text, language="tr"))
    assert mail["Subject"] == subject
    assert mail["Content-Language"] == "tr"
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip() == text


@pytest.mark.parametrize(
    ("reply", "status"), [("451 later", "retry"), ("550 no such user", "refused")], ids=["4", "5"]
)
async def test_a_refused_address_is_tried_again_after_4xx_alone(reply: str, status: str) -> None:
    async with mail_server() as server:
        server.rcpt = reply
        delivery = await sent(server.port)
    code = int(reply[:3])
    assert delivery == Delivery(status, code, reason="the address was refused")  # type: ignore[arg-type]
    assert server.mails == []


@pytest.mark.parametrize(
    ("reply", "status"), [("452 full", "retry"), ("554 spam", "refused")], ids=["4", "5"]
)
async def test_refused_content_is_tried_again_after_4xx_alone(reply: str, status: str) -> None:
    async with mail_server() as server:
        server.data = reply
        delivery = await sent(server.port)
    code = int(reply[:3])
    assert delivery == Delivery(status, code, reason="sender or content were refused")  # type: ignore[arg-type]


async def test_starttls_encrypts_and_logs_in(certified: Certificate) -> None:
    login = Login("alerts", "hunter2")
    async with mail_server(starttls=certified.server) as server:
        delivery = await sent(server.port, security="starttls", login=login, certified=certified)
    assert delivery == Delivery("delivered", 250)
    assert (server.encrypted, server.logins) == ([True], [("alerts", "hunter2")])


async def test_tls_encrypts_from_the_first_byte(certified: Certificate) -> None:
    async with mail_server(tls=certified.server) as server:
        assert (await sent(server.port, security="tls", certified=certified)).well


async def test_a_refused_login_is_tried_again_because_settings_get_repaired(
    certified: Certificate,
) -> None:
    login = Login("alerts", "wrong")
    async with mail_server(starttls=certified.server) as server:
        delivery = await sent(server.port, security="starttls", login=login, certified=certified)
    assert delivery == Delivery("retry", 535, reason="the login was refused")
    assert server.mails == []


async def test_starttls_takes_no_server_without_it() -> None:
    async with mail_server() as server:
        delivery = await sent(server.port, security="starttls", login=Login("alerts", "hunter2"))
    assert delivery.status == "retry"
    assert (server.mails, server.logins) == ([], [])


async def test_a_certificate_that_nobody_vouches_for_is_not_taken(certified: Certificate) -> None:
    async with mail_server(starttls=certified.server) as server:
        delivery = await sent(server.port, security="starttls")
    assert delivery.status == "retry"
    assert server.mails == []


async def test_a_server_that_is_away_is_tried_again() -> None:
    assert await sent(1) == Delivery("retry", reason="no connection, or it was lost")


async def test_a_server_that_hangs_takes_no_longer_than_the_timeout() -> None:
    done = asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        delivery = await sent(server.sockets[0].getsockname()[1], timeout_s=0.3)
        done.set()
    assert delivery.status == "retry"


async def test_a_server_that_hangs_up_is_tried_again() -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        delivery = await sent(server.sockets[0].getsockname()[1])
    assert delivery == Delivery("retry", reason="no connection, or it was lost")


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example.com\r\nBcc: bob@example.com",
        "ada@example.com\nbob",
        "ada@example.com, bob@example.com",
        "Ada <ada@example.com>",
        "ada@example.com>",
        "ada(x)@example.com",
        "ada @example.com",
        '"a b"@example.com',
        "ada@exa mple.com",
        "ada\0@example.com",
        "ada\x7f@example.com",
        f"{'a' * 400}@example.com",
    ],
    ids=lambda address: repr(address)[:40],
)
async def test_what_is_no_plain_address_is_refused_without_a_connection(
    address: str | None,
) -> None:
    async with mail_server() as server:
        delivery = await sent(server.port, address)
    assert delivery.status == "refused"
    assert server.mails == []


@pytest.mark.parametrize(
    "subject", ["a\r\nBcc: bob@example.com", "a\nb", "a\rb", "a\0b", "a\u2028b"]
)
def test_a_subject_of_several_lines_is_no_message(subject: str) -> None:
    with pytest.raises(ValueError, match="subject: want one line"):
        structs.replace(MESSAGE, subject=subject)


@pytest.mark.parametrize("id_", ["", "a.b", "a b", "a@b", "a\r\nb", "x" * 129])
def test_an_id_that_a_header_cannot_carry_is_no_message(id_: str) -> None:
    with pytest.raises(ValueError, match="id: want 1 to 128"):
        structs.replace(MESSAGE, id=id_)


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_adds_a_header(subject: str, text: str) -> None:
    recipient = mailbox("ada@example.com")
    assert FROM is not None
    assert recipient is not None
    message = structs.replace(
        MESSAGE, subject=one_line(subject.encode(errors="replace").decode()), text=text, html=None
    )
    plain = compose(structs.replace(MESSAGE, html=None), FROM, recipient)
    assert compose(message, FROM, recipient).keys() == plain.keys()


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_none(text: str) -> None:
    found = mailbox(text)
    assert found is None or ("@" in text and not set("\r\n ,<>") & set(str(found)))


def test_an_international_domain_is_encoded() -> None:
    found = mailbox("ada@exämple.com")
    assert found is not None
    assert found.domain == "xn--exmple-cua.com"


def test_a_login_shows_no_password() -> None:
    assert "hunter2" not in repr(Login("alerts", "hunter2"))
