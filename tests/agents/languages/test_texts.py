"""Labels and summaries: what a page shows of an alert."""

from datetime import UTC, datetime
from typing import NamedTuple, get_args

import msgspec
import pytest

from tests.make import days
from touchstream.agents.languages.texts import Change, Texts, Why
from touchstream.schemas.emissions.customer_risk import LastAction
from touchstream.schemas.emissions.risk import Reason
from touchstream.schemas.rules import Band

NOW_MS = days(300)
EN, TR = Texts("en"), Texts("tr")


def count(kind: str, value: int) -> Reason:
    return msgspec.convert(
        {
            "feature": "feature",
            "text": "in English",
            "contribution": 1.0,
            "change": None,
            "kind": kind,
            "value": value,
            "bound": "exactly",
            "unit": "count",
        },
        Reason,
    )


class Alert(NamedTuple):
    kind: str = "churn"
    band: Band | None = "high"
    risk: float | None = 0.82
    reasons: tuple[Reason, ...] = ()
    action: LastAction | None = None


CALL = LastAction(
    action="call_by_owner", decision="d1", recommended=datetime(2026, 11, 29, tzinfo=UTC)
)
REASONS = (count("open_tickets", 2), count("calls_28_days", 3), count("emails_28_days", 0))


def test_a_summary_says_who_may_leave_why_and_what_to_do() -> None:
    alert = Alert(reasons=REASONS, action=CALL)
    assert EN.summary(alert, NOW_MS, "ada") == (
        "ada may leave (high risk, 82 %): 2 tickets open; 3 calls in the last 28 days. "
        "Suggested: Call the customer."
    )
    assert TR.summary(alert, NOW_MS, "ada") == (
        "ada ayrılabilir (yüksek risk, %82): 2 açık talep; son 28 günde 3 telefon görüşmesi. "
        "Öneri: Müşteriyi arayın."
    )


def test_a_summary_without_reasons_action_or_name() -> None:
    assert EN.summary(Alert(), NOW_MS) == "A customer may leave (high risk, 82 %)."
    assert TR.summary(Alert(), NOW_MS) == "Bir müşteri ayrılabilir (yüksek risk, %82)."


@pytest.mark.parametrize(
    ("alert", "english", "turkish"),
    [
        (
            Alert("return", "medium", 0.4),
            "ada may come back (probability 40 %).",
            "ada geri dönebilir (olasılık %40).",
        ),
        (
            Alert("engagement", "high", 0.82),
            "ada is half as active as usual and may leave (high risk, 82 %).",
            "ada her zamankinin yarısı kadar etkin, ayrılabilir (yüksek risk, %82).",
        ),
        (
            Alert("repeat_contact", None, 0.7),
            "ada: “repeat contact” is expected (probability 70 %).",
            "ada: “repeat contact” bekleniyor (olasılık %70).",
        ),
        (
            Alert("churn", "high", None),
            "ada may leave (high risk).",
            "ada ayrılabilir (yüksek risk).",
        ),
    ],
    ids=["return", "engagement", "target", "no risk"],
)
def test_a_summary_of_each_kind(alert: Alert, english: str, turkish: str) -> None:
    assert EN.summary(alert, NOW_MS, "ada") == english
    assert TR.summary(alert, NOW_MS, "ada") == turkish


def test_kinds_bands_changes_and_ends_of_alerts_have_labels() -> None:
    assert EN.kind("churn") == "May leave"
    assert TR.kind("churn") == "Ayrılabilir"
    assert EN.kind("repeat_contact") == "Expected: repeat contact"
    assert [TR.band(band) for band in get_args(Band)] == ["düşük", "orta", "yüksek"]
    assert len({TR.cleared(why) for why in get_args(Why)}) == len(get_args(Why))
    assert len({TR.changed(what) for what in get_args(Change)}) == len(get_args(Change))


def test_an_action_of_the_deployments_own_is_shown_under_its_name() -> None:
    assert EN.action("do_nothing") == "Do nothing"
    assert EN.action("send_birthday_card") == "send birthday card"
    assert TR.action("send_birthday_card") == "send birthday card"
