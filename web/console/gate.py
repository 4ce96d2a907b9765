"""The gate of every page: the principal behind a request, and the token of a POST."""

from collections.abc import Mapping
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request
from starlette.responses import Response

from touchstream.agents.settings import RepSettings, Settings
from touchstream.web.console.principal import GUEST, Principal, can_sign_in, principal_of
from touchstream.web.console.sessions import (
    COOKIE,
    CSRF_FIELD,
    CSRF_HEADER,
    Session,
    Sessions,
    fresh,
)

PROOF_CHARS = 16


class NotSignedIn(Exception):
    """Nobody is signed in: a page leads to the sign-in, anything else gets 401."""

    def __init__(self, back_to: str) -> None:
        super().__init__("not signed in")
        self.back_to = back_to


class Refused(Exception):
    """A request that this principal may not make; ``why`` is the key of a text."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Gate:
    """Reads sessions and checks tokens."""

    def __init__(self, settings: Settings, sessions: Sessions) -> None:
        self._settings = settings
        self._reps: Mapping[str, RepSettings] = {rep.id: rep for rep in settings.reps}
        self._guest_proof = token_urlsafe(PROOF_CHARS)
        self.takes_guests = not can_sign_in(settings)
        """Whether a one-time token signs in; never beside reps who have a way in of their own."""
        self.sessions = sessions

    def session(self, request: Request) -> Session:
        """The visitor's session; a new one if they have none."""
        found = getattr(request.state, "session", None)
        if found is None:
            found = self.sessions.read(request.cookies.get(COOKIE)) or fresh()
            request.state.session = found
        return found

    def principal(self, request: Request) -> Principal | None:
        """The principal signed in; None for nobody, and for a rep who is no more."""
        session = self.session(request)
        if session.rep == GUEST.id:
            return GUEST if self._is_guest(session) else None
        rep = self._reps.get(session.rep or "")
        if rep is None or session.proof != proof_of(rep):
            return None
        return principal_of(rep)

    def sign_in(self, response: Response, rep: RepSettings) -> None:
        """Begin a session of this rep."""
        self.sessions.write(response, fresh(rep.id, proof_of(rep)))

    def sign_in_guest(self, response: Response) -> None:
        """Begin a session of the guest; it ends with this process at the latest."""
        self.sessions.write(response, fresh(GUEST.id, self._guest_proof))

    def _is_guest(self, session: Session) -> bool:
        return self.takes_guests and compare_digest(session.proof, self._guest_proof)

    def sign_out(self, response: Response) -> None:
        """Begin a session of nobody."""
        self.sessions.write(response, fresh())

    async def check_token(self, request: Request) -> None:
        """Raise :class:`Refused` unless the POST carries the session's token."""
        token = request.headers.get(CSRF_HEADER)
        if token is None:
            token = str((await request.form()).get(CSRF_FIELD, ""))
        if not self.sessions.is_csrf_token(self.session(request), token):
            raise Refused(403, "error-csrf")


def proof_of(rep: RepSettings) -> str:
    """Part of a session that another key of the same rep would not have."""
    return (rep.key_sha256 or "")[:PROOF_CHARS]


def gate_of(request: Request) -> Gate:
    gate: Gate = request.app.state.gate
    return gate


async def signed_in(request: Request) -> Principal:
    """The principal of the request; a POST must carry its token."""
    gate = gate_of(request)
    principal = gate.principal(request)
    if principal is None:
        raise NotSignedIn(back_to(request))
    if request.method != "GET":
        await gate.check_token(request)
    return principal


SignedIn = Annotated[Principal, Depends(signed_in)]


def back_to(request: Request) -> str:
    """The path and query of the page, to return to after the sign-in."""
    query = request.url.query
    return quote(request.url.path + (f"?{query}" if query else ""), safe="")


def local_path(text: str) -> str:
    """A path of this console to redirect to; anything else leads to the first page."""
    safe = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if safe else "/"
