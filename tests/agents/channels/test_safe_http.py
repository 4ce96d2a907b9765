"""The connection goes to an address that was checked, and to no other."""

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Sequence

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.agents.channels.receivers import Receiver
from touchstream.agents.channels.http_delivery import deliver
from touchstream.agents.channels.public_addresses import is_public
from touchstream.agents.channels.safe_http import AddressInfo, NotPublic, SafeHttp, UrlRefused

NOT_PUBLIC = "the name resolves to an address that is not public"
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def found(*addresses: str, port: int = 443) -> list[AddressInfo]:
    """What ``getaddrinfo`` returns for a name with these addresses."""
    return [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
        if ":" in address
        else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
        for address in addresses
    ]


class Network:
    """Resolves every name to ``addresses`` (a list per lookup), and connects nowhere."""

    def __init__(self, *lookups: Sequence[str]) -> None:
        self.lookups = list(lookups)
        self.asked: list[str] = []
        self.connected: list[str] = []

    def resolve(self, host: str, port: int) -> list[AddressInfo]:
        self.asked.append(host)
        return found(*self.lookups[min(len(self.asked), len(self.lookups)) - 1], port=port)

    def open_socket(self, info: AddressInfo) -> socket.socket:
        self.connected.append(info[4][0])
        raise OSError("the test goes no further")

    async def sent_to(self, url: str, *, allow_private: bool = False) -> str | None:
        http = SafeHttp(
            allow_http=True,
            allow_private=allow_private,
            resolve=self.resolve,
            open_socket=self.open_socket,
        )
        try:
            return (await deliver(http, url, b"{}", {}, 0.0)).reason
        finally:
            http.close()


async def test_a_name_with_public_addresses_is_connected_to_at_one_of_them() -> None:
    network = Network(["8.8.8.8", "1.1.1.1"])
    assert await network.sent_to("https://hooks.example.com/") == "no connection"
    assert set(network.connected) == {"8.8.8.8", "1.1.1.1"}
    assert network.asked == ["hooks.example.com"]


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.1"], ["::1"], ["8.8.8.8", "192.168.0.1"], ["fe80::1%eth0"]],
    ids=str,
)
async def test_a_name_with_an_address_that_is_not_public_is_not_connected_to(
    addresses: list[str],
) -> None:
    network = Network(addresses)
    assert await network.sent_to("https://hooks.example.com/") == NOT_PUBLIC
    assert network.connected == []


async def test_a_name_that_turns_private_after_the_check_gains_nothing() -> None:
    network = Network(["8.8.8.8"], ["127.0.0.1"])
    await network.sent_to("https://hooks.example.com/")
    assert (len(network.asked), network.connected) == (1, ["8.8.8.8"])
    assert await network.sent_to("https://hooks.example.com/") == NOT_PUBLIC
    assert network.connected == ["8.8.8.8"]


async def test_a_name_without_an_address_is_not_resolved() -> None:
    assert await Network([]).sent_to("https://hooks.example.com/") == "the name cannot be resolved"


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "http://127.0.0.1/",
        "https://[::ffff:7f00:1]/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://017700000001/",
    ],
)
async def test_an_address_in_the_url_is_refused_before_anything_is_asked(url: str) -> None:
    network = Network(["8.8.8.8"])
    reason = await network.sent_to(url)
    assert reason is not None
    assert reason.startswith("want a ")
    assert (network.asked, network.connected) == ([], [])


async def test_a_system_that_reads_numbers_as_addresses_is_checked_too() -> None:
    network = Network(["127.0.0.1"])
    assert await network.sent_to("https://localhost/") == NOT_PUBLIC
    assert network.connected == []


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:10.0.0.1", "2002:7f00:1::1"])
def test_no_socket_is_opened_for_an_address_that_is_not_public(address: str) -> None:
    network = Network([])
    http = SafeHttp(open_socket=network.open_socket)
    with pytest.raises(NotPublic):
        http.checked_socket(found(address)[0])
    http.close()
    assert network.connected == []


async def test_a_name_server_that_hangs_holds_up_no_other_channel(receiver: Receiver) -> None:
    answered = threading.Event()

    def hang(_host: str, port: int) -> list[AddressInfo]:
        answered.wait()
        return found("127.0.0.1", port=port)

    stuck = [SafeHttp(allow_http=True, allow_private=True, resolve=hang) for _ in range(40)]
    http = SafeHttp(allow_http=True, allow_private=True)
    url = f"http://localhost:{receiver.port}/"
    attempts = [asyncio.create_task(deliver(one, url, b"{}", {}, 0.0)) for one in stuck]
    try:
        async with asyncio.timeout(20):
            assert (await deliver(http, url, b"{}", {}, 0.0)).well
        assert not any(attempt.done() for attempt in attempts)
    finally:
        answered.set()
    assert all(delivery.well for delivery in await asyncio.gather(*attempts))
    for one in (*stuck, http):
        one.close()


async def test_allow_private_connects_to_private_addresses() -> None:
    network = Network(["10.0.0.1"])
    await network.sent_to("https://crm.internal/", allow_private=True)
    assert network.connected == ["10.0.0.1"]


@given(st.lists(st.ip_addresses(), min_size=1, max_size=3))
def test_no_address_that_is_not_public_is_ever_connected_to(addresses: list[Address]) -> None:
    texts = [str(address) for address in addresses]
    network = Network(texts)
    asyncio.run(network.sent_to("https://hooks.example.com/"))
    if all(map(is_public, texts)):
        assert set(network.connected) == set(texts)
    else:
        assert network.connected == []


@given(st.ip_addresses())
def test_no_address_in_a_url_that_is_not_public_is_ever_connected_to(address: Address) -> None:
    network = Network(["8.8.8.8"])
    host = f"[{address}]" if address.version == 6 else str(address)
    asyncio.run(network.sent_to(f"https://{host}/"))
    assert len(network.connected) == is_public(str(address))


async def test_the_real_resolver_finds_and_refuses_this_machine(receiver: Receiver) -> None:
    http = SafeHttp(allow_http=True)
    delivery = await deliver(http, f"http://localhost:{receiver.port}/", b"{}", {}, 0.0)
    http.close()
    assert (delivery.status, delivery.reason) == ("retry", NOT_PUBLIC)
    assert receiver.requests == []


async def test_a_name_reaches_the_receiver_with_its_own_name(receiver: Receiver) -> None:
    http = SafeHttp(
        allow_http=True,
        allow_private=True,
        resolve=lambda _host, port: found("127.0.0.1", port=port),
    )
    delivery = await deliver(http, f"http://crm.internal:{receiver.port}/a", b"{}", {}, 0.0)
    http.close()
    assert delivery.well
    assert receiver.requests[0].headers["host"] == f"crm.internal:{receiver.port}"


async def test_a_proxy_of_the_environment_is_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    http = SafeHttp(allow_http=True, allow_private=True)
    assert (await deliver(http, receiver.url, b"{}", {}, 0.0)).well
    http.close()


async def test_http_is_refused_unless_allowed(receiver: Receiver) -> None:
    http = SafeHttp(allow_private=True)
    with pytest.raises(UrlRefused, match="want https://"):
        await http.post(receiver.url, b"{}", {})
    http.close()


async def test_a_receiver_without_tls_fails_at_https(receiver: Receiver) -> None:
    http = SafeHttp(allow_private=True)
    with pytest.raises(aiohttp.ClientSSLError):
        await http.post(receiver.url.replace("http://", "https://"), b"{}", {})
    delivery = await deliver(http, receiver.url.replace("http://", "https://"), b"{}", {}, 0.0)
    http.close()
    assert delivery.reason == "TLS failed, or the certificate does not fit"
