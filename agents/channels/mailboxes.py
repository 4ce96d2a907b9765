"""E-mail addresses, checked before they reach a header or a server."""

from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr

from touchstream.agents.channels.message import CONTROL

LONGEST = 320
"""Characters: 64 of the local part, @, 255 of the domain."""


def mailbox(text: str, display_name: str = "") -> Address | None:
    """Read one plain address, without name, comment or quotes; None if it is none.

    >>> mailbox("ada@example.com"), mailbox("ada@example.com, bob@example.com")
    (Address(display_name='', username='ada', domain='example.com'), None)
    """
    if CONTROL.search(text) or len(text) > LONGEST:
        return None
    local, _, domain = text.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode()
        found = Address(addr_spec=f"{local}@{ascii_domain}")
    except (MessageError, ValueError, IndexError):
        return None
    if (found.username, found.domain) != (local, ascii_domain):
        return None
    return Address(display_name, found.username, found.domain)


def sender(text: str) -> Address | None:
    """Read an address with or without a name: ``Alerts <alerts@example.com>``."""
    if CONTROL.search(text):
        return None
    name, address = parseaddr(text)
    return mailbox(address, name)
