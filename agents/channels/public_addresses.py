"""Which addresses and URLs a message may go to: no server of the own network, by any spelling."""

import ipaddress
import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from yarl import URL

NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
"""After the encoding of international names; others make the system's resolver raise."""
GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that IANA has given out; outside of it are NAT64, unique local, link-local, multicast."""
NOT_PUBLIC_6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo (2001::/32) among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)
NOT_PUBLIC_4 = tuple(
    IPv4Network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # relays of 6to4
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved
    )
)
"""Beside those that Python's ``is_global`` knows; it lets some of these pass, by version."""


def is_public(text: str) -> bool:
    """Tell whether an address is of the public internet; False for a text that is none.

    >>> [is_public(text) for text in ("192.0.78.1", "10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::1")]
    [True, False, False, False]
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return _is_public_6(address) if mapped is None else _is_public_4(mapped)
    return _is_public_4(address)


def _is_public_4(address: IPv4Address) -> bool:
    return address.is_global and not any(address in network for network in NOT_PUBLIC_4)


def _is_public_6(address: IPv6Address) -> bool:
    if address.scope_id is not None or address not in GLOBAL_UNICAST:
        return False
    return address.is_global and not any(address in network for network in NOT_PUBLIC_6)


def url_fault(text: str, *, allow_http: bool = False, allow_private: bool = False) -> str | None:
    """Say why nothing may be sent to a URL, without the URL; None if it may.

    A name is not looked up here: the connection checks the addresses it has at that moment.
    """
    try:
        url = URL(text)
        host, _ = url.raw_host, url.port
    except ValueError:
        return "want a URL"
    if url.scheme not in ("https", "http"):
        return "want https://"
    if url.scheme == "http" and not allow_http:
        return "want https://, or http:// with allow_http"
    if not host:
        return "want a URL with a host"
    if url.user is not None or url.password is not None:
        return "want no user or password in the URL"
    return _host_fault(host, allow_private=allow_private)


def _host_fault(host: str, *, allow_private: bool) -> str | None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if not NAME.fullmatch(host):
            return "want a URL with the name of a host"
        return "want a name, or an address in its usual spelling" if _is_numeric(host) else None
    if allow_private or is_public(host):
        return None
    return "want a public address, or allow_private for a network of your own"


def _is_numeric(host: str) -> bool:
    """Tell whether the system reads a host as IPv4, such as ``127.1`` or ``0x7f000001``."""
    try:
        socket.inet_aton(host.rstrip("."))
    except OSError:
        return False
    return True
