"""From an answer of HTTP to what came of an attempt: only 2xx succeeds."""

from collections.abc import Mapping

import aiohttp

from touchstream.agents.channels.message import Delivery
from touchstream.agents.channels.safe_http import (
    HttpAnswer,
    SafeHttp,
    UrlRefused,
    failure_of,
    retry_after_s,
)

GONE = 410
"""The receiver wants no message ever again."""


async def deliver(
    http: SafeHttp, url: str, body: bytes, headers: Mapping[str, str], now_s: float
) -> Delivery:
    """POST once. A failure is repeated, also after 4xx and 3xx: most receivers get repaired."""
    try:
        answer = await http.post(url, body, headers)
    except UrlRefused as refused:
        return Delivery("refused", reason=str(refused))
    except (aiohttp.ClientError, OSError) as error:
        return Delivery("retry", reason=failure_of(error))
    return _delivery(answer, now_s)


def _delivery(answer: HttpAnswer, now_s: float) -> Delivery:
    code = answer.status
    if 200 <= code < 300:  # noqa: PLR2004 - what 2xx means
        return Delivery("delivered", code)
    if code == GONE:
        return Delivery("gone", code, reason="the receiver wants no further messages")
    followed = "; redirects are not followed" if 300 <= code < 400 else ""  # noqa: PLR2004 - 3xx
    return Delivery(
        "retry",
        code,
        retry_after_s=retry_after_s(answer.retry_after, now_s),
        reason=f"HTTP status {code}{followed}",
    )
