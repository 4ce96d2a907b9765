"""Whether somebody looks at the way out: at prices, or at how to leave.

A word counts wherever it stands alone in a page's path, a search or a form's name. What one site
calls otherwise is one word more here.
"""

import re
from functools import lru_cache

WORDS = (
    "cancel",
    "cancellation",
    "compare",
    "downgrade",
    "plan",
    "plans",
    "price",
    "prices",
    "pricing",
    "refund",
    "switch",
    "terminate",
    "termination",
    "unsubscribe",
)
_LETTER = r"[^\W\d_]"
_ALONE = re.compile(rf"(?<!{_LETTER})(?:{'|'.join(WORDS)})(?!{_LETTER})", re.IGNORECASE)


@lru_cache(1_024)  # pages are few, and asked for again and again
def is_leaving(text: str) -> bool:
    """Whether one of :data:`WORDS` stands in it.

    >>> is_leaving("/account/cancel?step=1"), is_leaving("/plants"), is_leaving("Change plan")
    (True, False, True)
    """
    return _ALONE.search(text) is not None
