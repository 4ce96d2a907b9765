"""CDNOW: every purchase of 23,570 customers of an online shop, 1997-01-01 to 1998-06-30.

Fader & Hardie, "Forecasting repeat sales at CDNOW: a case study", Interfaces 31 (2001). The sample
is every tenth customer of it, the one on which the models of the literature (BG/NBD, Pareto/NBD)
were fitted.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from bench.datasets.folder import read_lines

Part = Literal["sample", "master"]

CENTS = 100


class Purchase(NamedTuple):
    """One row: what one customer bought on one day, in one order."""

    customer: str
    """As in the file, leading zeros kept; of the sample, the id that the master has too."""
    day: str
    """``1997-01-31``."""
    quantity: int
    """Compact discs; a few rows have none and cost nothing: gifts, kept as they are."""
    amount_minor: int
    """US cents."""


def purchases(part: Part) -> Iterator[Purchase]:
    """Yield the rows in the order of the file: by customer, then by day."""
    lines = read_lines("cdnow", f"CDNOW_{part}.txt.gz")
    if part == "master":
        next(lines)  # The master has a header, the sample has none.
    return map(_purchase, lines)


def _purchase(line: str) -> Purchase:
    customer, *_, day, quantity, dollars = line.split()
    return Purchase(
        customer=customer,
        day=f"{day[:4]}-{day[4:6]}-{day[6:]}",
        quantity=int(quantity),
        amount_minor=int(Decimal(dollars) * CENTS),
    )


def cdnow_events(part: Part) -> list[dict[str, Any]]:
    """One ``order.placed`` a row, sorted by day; rows of one day keep the order of the file.

    The file knows days only: noon UTC stands for the hour. The id is the row's number in its part.
    """
    rows = sorted(enumerate(purchases(part), start=1), key=lambda row: row[1].day)
    return [_order(f"{part}-{number}", purchase) for number, purchase in rows]


def _order(order: str, purchase: Purchase) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": order,
        "source": "cdnow",
        "type": "order.placed",
        "subject": purchase.customer,
        "time": f"{purchase.day}T12:00:00Z",
        "data": {
            "order": order,
            "amount_minor": purchase.amount_minor,
            "currency": "USD",
            "channel": "online",
            "items": [{"sku": "cd", "quantity": purchase.quantity}],
        },
    }
