"""HTTP POST to an address that others may have chosen: it never reaches the own network (SSRF).

Every address that a name resolves to must be public, and the connection goes to one of these
very addresses: a name that resolves differently a moment later (DNS rebinding) gains nothing.
Redirects are not followed, proxies of the environment not asked, answers not read.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from touchstream.agents.channels.public_addresses import is_public, url_fault

AddressInfo = tuple[Any, ...]
"""Family, type, protocol, canonical name, socket address: as ``getaddrinfo`` has them."""
Resolve = Callable[[str, int], list[AddressInfo]]
OpenSocket = Callable[[AddressInfo], socket.socket]

NOT_PUBLIC = "the name resolves to an address that is not public"


class NotPublic(OSError):
    """An address that nothing is sent to."""


class UrlRefused(Exception):
    """A URL that nothing is sent to; says why, without the URL."""


class HttpAnswer(NamedTuple):
    """Status line and one header; the body is never read."""

    status: int
    retry_after: str | None


def resolve(host: str, port: int) -> list[AddressInfo]:
    """Ask the system's resolver; blocks."""
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def open_socket(info: AddressInfo) -> socket.socket:
    return socket.socket(info[0], info[1], info[2])


class SafeHttp:
    """POSTs for one channel. ``allow_private`` lifts the check of addresses and nothing else.

    A thread of its own resolves names, so that a dead name server holds up nobody else.
    """

    def __init__(
        self,
        *,
        allow_http: bool = False,
        allow_private: bool = False,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
        open_socket: OpenSocket = open_socket,
    ) -> None:
        self._allow_http = allow_http
        self._allow_private = allow_private
        self._tls = tls
        self._resolve = resolve
        self._open_socket = open_socket
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="resolver")

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Send a body and return the answer's head; the caller bounds the time.

        Raises
        ------
        UrlRefused
            If the URL itself is not allowed.
        aiohttp.ClientError
            If there is no answer; by :class:`NotPublic` if an address was refused.
        """
        fault = url_fault(url, allow_http=self._allow_http, allow_private=self._allow_private)
        if fault is not None:
            raise UrlRefused(fault)
        async with (
            self._session() as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            return HttpAnswer(answer.status, answer.headers.get("Retry-After"))

    def _session(self) -> aiohttp.ClientSession:
        """A session of one request: no connection, cookie or resolved name outlives it."""
        connector = aiohttp.TCPConnector(
            resolver=_CheckedResolver(self._thread, self._resolve, self._allowed),
            force_close=True,  # also what is left of an answer is not read
            ssl=True if self._tls is None else self._tls,
            socket_factory=self.checked_socket,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
            auto_decompress=False,
        )

    def _allowed(self, address: str) -> bool:
        return self._allow_private or is_public(address)

    def checked_socket(self, info: AddressInfo) -> socket.socket:
        """Open the socket of one connection: the last check, whatever path led to the address.

        Raises
        ------
        NotPublic
            If nothing may be sent there.
        """
        if not self._allowed(info[4][0]):
            raise NotPublic(NOT_PUBLIC)
        return self._open_socket(info)

    def close(self) -> None:
        """End the thread, without waiting for a lookup; safe to repeat."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class _CheckedResolver(AbstractResolver):
    """All addresses of a name, or none if one of them is not allowed."""

    def __init__(
        self, thread: ThreadPoolExecutor, resolve: Resolve, allowed: Callable[[str], bool]
    ) -> None:
        self._thread = thread
        self._resolve = resolve
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        infos = await loop.run_in_executor(self._thread, self._resolve, host, port)
        found = [
            ResolveResult(
                hostname=host,
                host=info[4][0],
                port=port,
                family=info[0],
                proto=info[2],
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for info in infos
            if info[0] in (socket.AF_INET, socket.AF_INET6)
        ]
        if not found:
            raise OSError(None, "the name has no address")
        if not all(self._allowed(one["host"]) for one in found):
            raise NotPublic(NOT_PUBLIC)
        return found

    async def close(self) -> None:
        """Nothing: the thread outlives the session."""


def failure_of(error: Exception) -> str:
    """Name a failure in words of ours: the library's own hold names and addresses."""
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, NotPublic):
            return NOT_PUBLIC
        chain = chain.__cause__ or chain.__context__
    words = (
        (aiohttp.ClientConnectorDNSError, "the name cannot be resolved"),
        (aiohttp.ClientSSLError, "TLS failed, or the certificate does not fit"),
        (aiohttp.ClientConnectorError, "no connection"),
        (aiohttp.ServerDisconnectedError, "the connection was closed without an answer"),
        (aiohttp.ClientConnectionError, "the connection was lost"),
        (aiohttp.ClientResponseError, "the answer is not HTTP"),
    )
    return next((text for kind, text in words if isinstance(error, kind)), "no valid answer")


def retry_after_s(text: str | None, now_s: float) -> float | None:
    """Read a Retry-After header: seconds, or a date of HTTP. None: not there, or not readable.

    >>> retry_after_s("120", 0.0), retry_after_s("Thu, 01 Jan 1970 00:01:00 GMT", 10.0)
    (120.0, 50.0)
    """
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_s)
    except (ValueError, OverflowError):
        return None
