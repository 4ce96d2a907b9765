"""Interest in leaving: views of prices, or of how to cancel.

A word counts if it stands alone in a page's path, a search or a form's name. Sites with other words
add them here.
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
# Not \b, which takes digits and underscores for parts of a word.
_LETTER = r"[^\W\d_]"
_ALONE = re.compile(rf"(?<!{_LETTER})(?:{'|'.join(WORDS)})(?!{_LETTER})", re.IGNORECASE)


@lru_cache(1_024)  # a site has few distinct pages
def is_leaving(text: str) -> bool:
    """Whether the text contains one of :data:`WORDS`.

    >>> is_leaving("/account/cancel?step=1"), is_leaving("/plants"), is_leaving("Change plan")
    (True, False, True)
    """
    return _ALONE.search(text) is not None
