"""From the settings to the channels, each by its name."""

from collections.abc import Mapping
from typing import assert_never

from touchstream.agents.channels.apprise import AppriseChannel, load
from touchstream.agents.channels.email import EmailChannel, Login, Server
from touchstream.agents.channels.mailboxes import sender
from touchstream.agents.channels.message import Channel
from touchstream.agents.channels.safe_http import SafeHttp
from touchstream.agents.channels.slack import SlackChannel
from touchstream.agents.channels.webhook import WebhookChannel
from touchstream.agents.security import server_trust
from touchstream.agents.settings import Settings
from touchstream.agents.settings_channels import ChannelSettings, SmtpSettings


def open_channels(settings: Settings) -> Mapping[str, Channel]:
    """Build every channel; none connects before its first message.

    Raises
    ------
    SettingsError
        When a ``ca_file`` cannot be read.
    AppriseMissing
        When a channel wants the extra, which is not installed.
    """
    return {channel.name: open_channel(channel, settings.smtp) for channel in settings.channels}


def open_channel(channel: ChannelSettings, smtp: SmtpSettings) -> Channel:
    """Build one channel from its table; ``Settings`` has checked that they fit."""
    name, timeout_s = channel.name, channel.timeout_s
    match channel.kind:
        case "email":
            return EmailChannel(name, _server(smtp), timeout_s=timeout_s)
        case "slack":
            return SlackChannel(name, _url(channel), _http(channel), timeout_s=timeout_s)
        case "apprise":
            load()
            return AppriseChannel(name, _url(channel), timeout_s=timeout_s)
        case "webhook":
            return WebhookChannel(
                name,
                _url(channel),
                [key.get_secret_value() for key in channel.keys],
                _http(channel),
                payload=channel.payload,
                timeout_s=timeout_s,
            )
        case _:
            assert_never(channel.kind)


def _url(channel: ChannelSettings) -> str:
    return "" if channel.url is None else channel.url.get_secret_value()


def _http(channel: ChannelSettings) -> SafeHttp:
    tls = server_trust(channel.ca_file, "channels.ca_file") if channel.ca_file else None
    return SafeHttp(allow_http=channel.allow_http, allow_private=channel.allow_private, tls=tls)


def _server(smtp: SmtpSettings) -> Server:
    written = sender(smtp.sender or "")
    if smtp.host is None or written is None:
        raise ValueError("Settings lets no e-mail channel pass without host and sender")
    login = None
    if smtp.username is not None and smtp.password is not None:
        login = Login(smtp.username, smtp.password.get_secret_value())
    tls = server_trust(smtp.ca_file, "smtp.ca_file")
    return Server(smtp.host, smtp.port, smtp.security, login, written, tls)
