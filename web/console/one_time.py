"""Tokens in an address that sign in once."""

from secrets import token_urlsafe

MOST_TOKENS = 16
"""Unused tokens that are kept; the oldest goes first."""


class OneTimeTokens:
    """Hands out tokens and takes each back once; they end with the process."""

    def __init__(self) -> None:
        self._unused: dict[str, None] = {}

    def new(self) -> str:
        """A token with 256 random bits."""
        while len(self._unused) >= MOST_TOKENS:
            del self._unused[next(iter(self._unused))]
        token = token_urlsafe(32)
        self._unused[token] = None
        return token

    def take(self, token: str) -> bool:
        """Whether the token was unused until now."""
        # A dictionary's time tells at most the hash of a random text.
        return self._unused.pop(token, self) is not self
