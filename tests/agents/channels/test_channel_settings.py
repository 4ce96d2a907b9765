"""Channels as an operator sets them, what is refused, and what comes of them."""

from pathlib import Path

import pytest

from tests.agents.channels.certificates import certificate
from tests.agents.channels.receivers import KEY, MESSAGE, OLD_KEY, receiving
from touchstream.agents.channels.message import Channel
from touchstream.agents.channels.registry import open_channels
from touchstream.agents.settings import Settings, SettingsError

URL = "https://crm.example.com/hook"
CRM = f'[[channels]]\nname = "crm"\nkind = "webhook"\nurl = "{URL}"\nkeys = ["{KEY}"]\n'
MAIL = '[[channels]]\nname = "mail"\nkind = "email"\n'
SMTP = '[smtp]\nhost = "mail.example.com"\nsender = "Alerts <alerts@example.com>"\n'


def loaded(tmp_path: Path, text: str, **environ: str) -> Settings:
    file = tmp_path / "t.toml"
    file.write_text(text)
    variables = {f"TOUCHSTREAM_{name}": value for name, value in environ.items()}
    return Settings.load(file, variables)


def refused(tmp_path: Path, text: str, **environ: str) -> str:
    """The line without its origin."""
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, text, **environ)
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    return line.rpartition(" (from ")[0]


def channel(**written: object) -> str:
    lines = [f"{key} = {value}" for key, value in written.items()]
    return "\n".join(["[[channels]]", *lines, ""])


async def opened(settings: Settings) -> dict[str, Channel]:
    channels = dict(open_channels(settings))
    for one in channels.values():
        await one.close()
    return channels


async def test_every_kind_is_opened_by_its_name(tmp_path: Path) -> None:
    chat = channel(name='"chat"', kind='"slack"', url='"https://hooks.slack.com/services/T/B/X"')
    pager = channel(name='"pager"', kind='"apprise"', url='"json://10.0.0.1/"')
    channels = await opened(loaded(tmp_path, CRM + MAIL + chat + pager + SMTP))
    kinds = {name: (one.name, one.kind) for name, one in channels.items()}
    assert kinds == {
        "crm": ("crm", "webhook"),
        "mail": ("mail", "email"),
        "chat": ("chat", "slack"),
        "pager": ("pager", "apprise"),
    }


async def test_without_channels_there_are_none() -> None:
    assert await opened(Settings()) == {}


def test_the_defaults_of_a_channel_are_the_strict_ones(tmp_path: Path) -> None:
    [crm] = loaded(tmp_path, CRM).channels
    assert (crm.payload, crm.allow_http, crm.allow_private, crm.timeout_s) == (
        "thin",
        False,
        False,
        15.0,
    )


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ({"kind": '"webhook"', "keys": [KEY]}, "channels[0]: want url with the kind webhook"),
        (
            {"kind": '"webhook"', "url": f'"{URL}"'},
            "channels[0]: want keys with at least one key to sign with",
        ),
        (
            {"kind": '"webhook"', "url": f'"{URL}"', "keys": ["whsec_c2hvcnQ="]},
            "channels[0].keys[0]: want whsec_ and 24 to 64 random bytes in base64",
        ),
        (
            {"kind": '"webhook"', "url": f'"{URL}"', "keys": [KEY.removeprefix("whsec_")]},
            "channels[0].keys[0]: want whsec_ and 24 to 64 random bytes in base64",
        ),
        ({"kind": '"slack"'}, "channels[0]: want url with the kind slack"),
        ({"kind": '"slack"', "url": f'"{URL}"', "keys": [KEY]}, "channels[0]: keys sign webhooks"),
        (
            {"kind": '"slack"', "url": f'"{URL}"', "payload": '"full"'},
            "channels[0]: payload is for webhooks: the others carry the text",
        ),
        ({"kind": '"email"', "url": f'"{URL}"'}, "channels[0]: want no url with the kind email"),
        ({"kind": '"email"'}, "smtp: want host and sender with a channel of the kind email"),
        ({"kind": '"apprise"'}, "channels[0]: want url with the kind apprise"),
        (
            {"kind": '"slack"', "url": '"http://crm.example.com/"'},
            "channels[0]: url: want https://, or http:// with allow_http",
        ),
        (
            {"kind": '"slack"', "url": '"https://10.0.0.1/"'},
            "channels[0]: url: want a public address, or allow_private for a network of your own",
        ),
        (
            {"kind": '"slack"', "url": '"https://ada:hunter2@crm.example.com/"'},
            "channels[0]: url: want no user or password in the URL",
        ),
        (
            {"kind": '"pigeon"'},
            "channels[0].kind='pigeon': Input should be 'webhook', 'email', 'slack' or 'apprise'",
        ),
    ],
    ids=range(14),
)
def test_what_a_channel_cannot_be(tmp_path: Path, written: dict[str, object], line: str) -> None:
    assert refused(tmp_path, channel(name='"crm"', **written)) == line


def test_two_keys_at_most(tmp_path: Path) -> None:
    keys = [KEY, OLD_KEY, KEY]
    text = channel(name='"crm"', kind='"webhook"', url=f'"{URL}"', keys=keys)
    assert refused(tmp_path, text).startswith("channels[0].keys: ")
    text = channel(name='"crm"', kind='"webhook"', url=f'"{URL}"', keys=keys[:2])
    assert len(loaded(tmp_path, text).channels[0].keys) == 2


def test_names_of_channels_are_distinct(tmp_path: Path) -> None:
    assert refused(tmp_path, CRM + CRM) == "channels: want distinct names"


@pytest.mark.parametrize("table", ["reps", "queues"])
def test_a_channel_that_a_rep_or_queue_names_is_one_that_there_is(
    tmp_path: Path, table: str
) -> None:
    named = f'[[{table}]]\nid = "ada"\nchannels = ["cmr"]\n'
    assert refused(tmp_path, CRM + named) == "reps, queues: channels of ada: 'cmr' is none"
    assert loaded(tmp_path, CRM + named.replace("cmr", "crm")).channels


def test_whoever_gets_mail_has_an_address(tmp_path: Path) -> None:
    rep = '[[reps]]\nid = "ada"\nchannels = ["mail"]\n'
    assert refused(tmp_path, MAIL + rep + SMTP) == (
        "reps, queues: ada: want address such as name@example.com for the channel 'mail'"
    )
    assert loaded(tmp_path, MAIL + rep + 'address = "ada@example.com"\n' + SMTP).channels


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('sender = "alerts"', "smtp.sender='alerts': want an address such as"),
        ('username = "ada"', "smtp: want username and password together, or neither"),
        (
            'host = "m.example.com"\nusername = "ada"\npassword = "hunter2"\nsecurity = "none"',
            "smtp: want security starttls or tls with a password",
        ),
    ],
    ids=["sender", "username", "security"],
)
def test_what_the_mail_server_cannot_be(tmp_path: Path, line: str, wanted: str) -> None:
    assert refused(tmp_path, f"[smtp]\n{line}\n").startswith(wanted)


def test_a_password_may_go_to_this_machine_in_the_clear(tmp_path: Path) -> None:
    text = '[smtp]\nhost = "127.0.0.1"\nusername = "a"\npassword = "b"\nsecurity = "none"\n'
    assert loaded(tmp_path, text).smtp.security == "none"


def test_settings_show_no_url_key_or_password(tmp_path: Path) -> None:
    settings = loaded(tmp_path, CRM + SMTP, SMTP__USERNAME="ada", SMTP__PASSWORD="hunter2")
    for secret in (URL, KEY, "hunter2"):
        assert secret not in repr(settings)
        assert secret not in str(settings)


@pytest.mark.parametrize(
    "text",
    [
        CRM.replace(KEY, "whsec_hunter2"),
        CRM.replace(KEY, "hunter2"),
        CRM.replace(f'["{KEY}"]', '"hunter2"'),
        CRM.replace(URL, "http://hunter2.example.com"),
        CRM.replace(URL, "hunter2"),
        CRM.replace(f'"{URL}"', '["hunter2"]'),
        CRM.replace("webhook", "email").replace(URL, "hunter2"),
        '[smtp]\npassword = "hunter2"\n',
        '[smtp]\npassword = ["hunter2"]\n',
    ],
    ids=range(9),
)
def test_a_refusal_shows_no_url_key_or_password(tmp_path: Path, text: str) -> None:
    assert "hunter2" not in refused(tmp_path, text)


def test_a_refused_list_in_the_environment_shows_no_secret(tmp_path: Path) -> None:
    text = '[{"name": "crm", "kind": "slack", "url": "http://hunter2.example.com"}]'
    assert "hunter2" not in refused(tmp_path, "", CHANNELS=text)


async def test_a_receiver_is_trusted_by_its_ca_file_and_by_nothing_else(tmp_path: Path) -> None:
    certified = certificate(tmp_path)
    async with receiving(certified.server) as receiver:
        for ca_file, status in ((f'"{certified.ca_file}"', "delivered"), ('""', "retry")):
            text = channel(
                name='"crm"',
                kind='"webhook"',
                url=f'"https://localhost:{receiver.port}/hook"',
                keys=[KEY],
                allow_private="true",
                ca_file=ca_file,
            )
            [crm] = open_channels(loaded(tmp_path, text)).values()
            assert (await crm.send(MESSAGE, None)).status == status
            await crm.close()
    assert len(receiver.requests) == 1


def test_a_ca_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    text = CRM + 'ca_file = "/nowhere/ca.pem"\n'
    with pytest.raises(SettingsError, match=r"^channels\.ca_file='/nowhere/ca\.pem': want a PEM"):
        open_channels(loaded(tmp_path, text))
