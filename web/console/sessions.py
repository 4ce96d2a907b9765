"""Sessions in a signed cookie, and the CSRF tokens that belong to them."""

from hmac import compare_digest
from secrets import token_urlsafe
from typing import Any, NamedTuple

from itsdangerous import BadSignature, Signer, URLSafeTimedSerializer
from starlette.responses import Response

from touchstream.agents.settings import ConsoleSettings
from touchstream.agents.settings_tables import SHORTEST_SECRET

COOKIE = "touchstream_console"
CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"
HOUR_S = 3_600
_NONCE_BYTES = 18


class Session(NamedTuple):
    """A visitor; signed in if ``rep`` names somebody."""

    nonce: str
    """Random; the CSRF token is its signature."""
    rep: str | None = None
    proof: str = ""
    """Begin of the digest of the key: a new key ends the sessions of the old one."""


class Sessions:
    """Writes and reads the cookie."""

    def __init__(self, console: ConsoleSettings) -> None:
        given = None if console.secret is None else console.secret.get_secret_value()
        if given is not None and len(given) < SHORTEST_SECRET:
            raise ValueError(f"console.secret: want at least {SHORTEST_SECRET} characters")
        secret = given or token_urlsafe(32)
        self.flows = URLSafeTimedSerializer(secret, salt="touchstream.oidc")
        """Signs sign-ins under way at an OpenID provider."""
        self._cookies = URLSafeTimedSerializer(secret, salt="touchstream.session")
        self._tokens = Signer(secret, salt="touchstream.csrf")
        self.lifetime_s = console.session_hours * HOUR_S
        self._secure = (console.public_url or "").startswith("https:")

    def read(self, cookie: str | None) -> Session | None:
        """The session of a cookie; None for none, a forged or an old one."""
        if not cookie:
            return None
        try:
            fields: Any = self._cookies.loads(cookie, max_age=self.lifetime_s)
        except BadSignature:
            return None
        # Signed by us, but perhaps by another build.
        known = isinstance(fields, list) and len(fields) == len(Session._fields)
        return Session(*fields) if known else None

    def write(self, response: Response, session: Session) -> None:
        """Set the cookie; Lax, so that a link in a mail finds the session."""
        response.set_cookie(
            COOKIE,
            str(self._cookies.dumps(list(session))),
            max_age=self.lifetime_s,
            httponly=True,
            secure=self._secure,
            samesite="lax",
        )

    def csrf_token(self, session: Session) -> str:
        """The token that every POST of this session carries."""
        return self._tokens.get_signature(session.nonce).decode()

    def is_csrf_token(self, session: Session, token: str) -> bool:
        """Whether a POST's token belongs to this session."""
        return compare_digest(self.csrf_token(session).encode(), token.encode())


def fresh(rep: str | None = None, proof: str = "") -> Session:
    """A session with a nonce of its own: one from before the sign-in is worth nothing after it."""
    return Session(token_urlsafe(_NONCE_BYTES), rep, proof)
