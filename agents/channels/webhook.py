"""Webhooks with the signatures of Standard Webhooks (https://www.standardwebhooks.com)."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Literal

import orjson
import standardwebhooks

from touchstream.agents.channels.http_delivery import deliver
from touchstream.agents.channels.message import Delivery, Kind, Message, within
from touchstream.agents.channels.safe_http import SafeHttp
from touchstream.schemas.envelope import format_time

USER_AGENT = "touchstream"


class WebhookChannel:
    """Signs with every key, newest first: a receiver that knows one of them accepts."""

    kind: Kind = "webhook"

    def __init__(
        self,
        name: str,
        url: str,
        keys: Sequence[str],
        http: SafeHttp,
        *,
        payload: Literal["thin", "full"] = "thin",
        timeout_s: float,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self._url = url
        self._signers = [standardwebhooks.Webhook(key) for key in keys]
        self._http = http
        self._payload = payload
        self._timeout_s = timeout_s
        self._now_s = now_s

    async def send(self, message: Message, address: str | None = None) -> Delivery:
        """POST once; the address is not used: the URL comes from the settings."""
        now_s = self._now_s()
        body = self.body(message)
        headers = self.headers(message.id, body, now_s)
        return await within(self._timeout_s, deliver(self._http, self._url, body, headers, now_s))

    def body(self, message: Message) -> bytes:
        """Compose the JSON; thin: nothing but ids and a link, so that it holds no personal data."""
        data = {**message.payload}
        if self._payload == "full":
            data |= {**message.details, "subject": message.subject, "text": message.text}
            data["language"] = message.language
        return orjson.dumps(
            {"type": message.type, "timestamp": format_time(message.time_ms), "data": data}
        )

    def headers(self, message_id: str, body: bytes, now_s: float) -> dict[str, str]:
        """Sign the body as of this attempt."""
        at = datetime.fromtimestamp(int(now_s), UTC)
        signatures = [signer.sign(message_id, at, body.decode()) for signer in self._signers]
        return {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now_s)),
            "webhook-signature": " ".join(signatures),
        }

    async def close(self) -> None:
        self._http.close()
