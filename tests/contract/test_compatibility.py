"""The wire of this build is compatible with the one that others rely on, or says that it is not."""

from copy import deepcopy
from typing import Any

import pytest

from tests.contract.wire import breaks_consumers, breaks_producers, released, today
from touchstream.schemas.documents.asyncapi import CONTRACT_VERSION

OLD: dict[str, Any] = released()
NEW: dict[str, Any] = today()


def major(version: str) -> int:
    return int(version.partition(".")[0])


def test_nobody_is_broken_by_this_build_unless_the_major_version_says_so() -> None:
    """If this fails: keep the old name beside the new one, or raise ``CONTRACT_VERSION``."""
    broken = [
        *breaks_producers(OLD["touchpoints"], NEW["touchpoints"]),
        *breaks_consumers(OLD, NEW),
    ]
    assert broken == [] or major(CONTRACT_VERSION) > major(OLD["version"])


def changed(part: str, kind: str, path: str, **facts: object) -> dict[str, Any]:
    """The wire with one field changed; without facts it is gone."""
    new = deepcopy(NEW)
    fields = new[part][kind]
    if facts:
        new_field = {"required": False, "types": ["string"], "values": []}
        fields[path] = new_field | fields.get(path, {}) | facts
    else:
        del fields[path]
    return new


@pytest.mark.parametrize(
    ("new", "fault"),
    [
        (changed("touchpoints", "order.placed", "channel"), "order.placed.channel: gone"),
        (
            changed("touchpoints", "order.placed", "channel", required=True),
            "order.placed.channel: required",
        ),
        (
            changed("touchpoints", "order.placed", "channel", values=["online"]),
            "order.placed.channel: no longer store",
        ),
        (
            changed("touchpoints", "order.placed", "amount_minor", types=["string"]),
            "order.placed.amount_minor: no longer integer",
        ),
        (
            changed("touchpoints", "order.placed", "order", maxLength=9),
            "order.placed.order: maxLength 9, was 256",
        ),
        (
            changed("touchpoints", "order.placed", "order", minLength=2),
            "order.placed.order: minLength 2, was 1",
        ),
        (
            changed("touchpoints", "order.placed", "shop", required=True),
            "order.placed.shop: new and required",
        ),
        (changed("touchpoints", "order.placed", "items[].sku"), "order.placed.items[].sku: gone"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_change_that_breaks_producers_is_seen(new: dict[str, Any], fault: str) -> None:
    assert list(breaks_producers(NEW["touchpoints"], new["touchpoints"])) == [fault]


@pytest.mark.parametrize(
    ("new", "fault"),
    [
        (changed("emissions", "action.recommended", "decision"), "decision: gone"),
        (changed("emissions", "action.recommended", "risk", required=False), "risk: optional"),
        (
            changed("emissions", "churn.risk_changed", "risk", types=["number", "null"]),
            "risk: now also null",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_change_that_breaks_consumers_is_seen(new: dict[str, Any], fault: str) -> None:
    [found] = breaks_consumers(NEW, new)
    assert found.endswith(f".{fault}")


@pytest.mark.parametrize(
    "new",
    [
        changed("touchpoints", "order.placed", "shop", required=False),
        changed("touchpoints", "order.placed", "channel", values=["online", "store", "fair"]),
        changed("touchpoints", "order.placed", "order", maxLength=999, minLength=0),
        changed("touchpoints", "order.placed", "order", required=False),
        changed("emissions", "action.recommended", "expires", required=True),
        changed("emissions", "churn.risk_changed", "band", values=["low", "medium", "high", "top"]),
    ],
    ids=str,
)
def test_additions_break_nobody(new: dict[str, Any]) -> None:
    assert [*breaks_producers(NEW["touchpoints"], new["touchpoints"])] == []
    assert [*breaks_consumers(NEW, new)] == []
