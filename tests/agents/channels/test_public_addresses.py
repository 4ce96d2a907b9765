"""No address of an own network passes, in whatever spelling or wrapping."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.agents.channels.public_addresses import is_public, url_fault

PRIVATE = {
    "127.0.0.1": "loopback",
    "127.255.0.9": "loopback",
    "0.0.0.0": "this host",
    "10.1.2.3": "private",
    "172.16.0.1": "private",
    "192.168.1.1": "private",
    "169.254.169.254": "metadata of clouds",
    "100.64.0.1": "shared",
    "192.0.0.8": "protocol assignments",
    "192.0.2.1": "documentation",
    "192.88.99.1": "relay of 6to4",
    "198.18.0.1": "benchmarks",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::1": "loopback",
    "::7f00:1": "compatible",
    "::ffff:127.0.0.1": "mapped",
    "::ffff:10.0.0.1": "mapped",
    "::ffff:0:127.0.0.1": "translated",
    "64:ff9b::7f00:1": "NAT64",
    "64:ff9b::808:808": "NAT64 of a public one",
    "64:ff9b:1::1": "NAT64",
    "2001::1": "Teredo",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": "Teredo",
    "2001:db8::1": "documentation",
    "2002:7f00:1::1": "6to4",
    "2002:808:808::1": "6to4 of a public one",
    "3fff::1": "documentation",
    "fc00::1": "unique local",
    "fd12:3456::1": "unique local",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local with a zone",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
}
PUBLIC = (
    "1.1.1.1",
    "8.8.8.8",
    "192.0.78.1",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
)


@pytest.mark.parametrize("address", sorted(PRIVATE))
def test_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_ipv4_is_as_public_mapped_as_plain(address: ipaddress.IPv4Address) -> None:
    assert is_public(f"::ffff:{address}") == is_public(str(address))


@given(st.ip_addresses(v=4))
def test_ipv4_in_an_address_that_wraps_it_is_never_public(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    wrapped = [
        (0x2002 << 112) | (number << 80) | 1,
        (0x64FF9B << 96) | number,
        (0x20010000 << 96) | (number ^ 0xFFFFFFFF),
        number,
    ]
    assert not any(is_public(str(ipaddress.IPv6Address(each))) for each in wrapped)


@given(st.ip_addresses())
def test_public_is_global_in_the_eyes_of_python_too(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    mapped = getattr(address, "ipv4_mapped", None) or address
    assert not is_public(str(address)) or mapped.is_global


@given(st.text(max_size=40))
def test_a_text_that_is_no_address_is_not_public(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        assert not is_public(text)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://hooks.example.com/a?b=c", None),
        ("https://8.8.8.8/", None),
        ("https://[2606:4700::1111]:8443/", None),
        ("http://hooks.example.com/", "want https://"),
        ("ftp://hooks.example.com/", "want https://"),
        ("hooks.example.com", "want https://"),
        ("https://", "want a URL"),
        ("https:///path", "want a URL"),
        ("https://host:port/", "want a URL"),
        ("https://ada:secret@hooks.example.com/", "want no user or password in the URL"),
        ("https://8.8.8.8@127.0.0.1/", "want no user or password in the URL"),
        ("https://a..example.com/", "want a URL"),
        (f"https://{'a' * 64}.example.com/", "want a URL"),
        ("https://127.0.0.1/", "want a public address"),
        ("https://[::1]/", "want a public address"),
        ("https://[::ffff:7f00:1]/", "want a public address"),
        ("https://[fe80::1%25eth0]/", "want a public address"),
        ("https://\uff11\uff12\uff17.0.0.1/", "want a public address"),
        ("https://2130706433/", "want a name, or an address in its usual spelling"),
        ("https://0x7f000001/", "want a name, or an address in its usual spelling"),
        ("https://0x7f.1/", "want a name, or an address in its usual spelling"),
        ("https://017700000001/", "want a name, or an address in its usual spelling"),
        ("https://0177.0.0.1/", "want a name, or an address in its usual spelling"),
        ("https://127.1/", "want a name, or an address in its usual spelling"),
        ("https://127.1./", "want a name, or an address in its usual spelling"),
        ("https://0/", "want a name, or an address in its usual spelling"),
    ],
)
def test_urls(url: str, fault: str | None) -> None:
    found = url_fault(url)
    assert found is None if fault is None else (found or "").startswith(fault)


def test_allow_http_allows_http_and_nothing_else() -> None:
    assert url_fault("http://hooks.example.com/", allow_http=True) is None
    assert url_fault("http://127.0.0.1/", allow_http=True) is not None
    assert url_fault("ftp://hooks.example.com/", allow_http=True) is not None


def test_allow_private_allows_addresses_and_nothing_else() -> None:
    assert url_fault("https://127.0.0.1/", allow_private=True) is None
    assert url_fault("http://127.0.0.1/", allow_private=True) is not None
    assert url_fault("https://ada:secret@127.0.0.1/", allow_private=True) is not None
    assert url_fault("https://0x7f000001/", allow_private=True) is not None


@given(st.text(max_size=60))
def test_any_text_is_a_url_or_refused_without_repeating_it(text: str) -> None:
    for url in (text, f"https://{text}"):
        fault = url_fault(url)
        assert fault is None or fault.startswith("want ")
