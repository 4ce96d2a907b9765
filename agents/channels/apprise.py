"""Hundreds of services through apprise, an extra, at addresses that only the operator sets."""

import asyncio
import contextlib
import importlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from touchstream.agents.channels.message import Delivery, Kind, Message, within

EXTRA = "touchstream[apprise]"


class AppriseMissing(Exception):
    """The extra is not installed."""


class AppriseChannel:
    """Calls apprise in a thread of its own; a call that hangs delays this channel alone.

    Apprise connects where its URL says, without the check of addresses that webhooks have.
    """

    kind: Kind = "apprise"

    def __init__(self, name: str, url: str, *, timeout_s: float) -> None:
        self.name = name
        self._url = url
        self._timeout_s = timeout_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="apprise")

    async def send(self, message: Message, address: str | None = None) -> Delivery:
        """Notify once; the address is not used.

        Raises
        ------
        AppriseMissing
            If the extra is not installed.
        """
        apprise = load()
        return await within(self._timeout_s, self._notify(apprise, message))

    async def _notify(self, apprise: Any, message: Message) -> Delivery:  # noqa: ANN401 - an extra
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._notify_now, apprise, message)

    def _notify_now(self, apprise: Any, message: Message) -> Delivery:  # noqa: ANN401 - an extra
        failed = Delivery("retry", reason="apprise could not deliver it")
        # A plugin of somebody else that raises is one more failure.
        with contextlib.suppress(Exception):
            notifier = apprise.Apprise()
            if not notifier.add(self._url):
                return Delivery("refused", reason="apprise does not know such a URL")
            plain = apprise.NotifyFormat.TEXT
            sent = notifier.notify(body=message.text, title=message.subject, body_format=plain)
            return Delivery("delivered") if sent else failed
        return failed

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def load() -> Any:  # noqa: ANN401 - a module that may not be there
    """Import apprise.

    Raises
    ------
    AppriseMissing
        With the command that installs it.
    """
    try:
        return importlib.import_module("apprise")
    except ImportError as error:
        raise AppriseMissing(
            f"channels of the kind apprise want the extra: pip install '{EXTRA}'"
        ) from error
