"""Turkish as a support rep reads it: each kind of reason, labels, numbers and dates."""

from typing import get_args

import pytest

from tests.make import days
from touchstream.agents.languages.texts import Texts
from touchstream.schemas.emissions.risk import (
    Bound,
    ComparedWith,
    Reason,
    ReasonKind,
    ReasonUnit,
)
from touchstream.schemas.envelope import format_time

TURKISH = Texts("tr")
NOW_MS = days(300)
AT = format_time(days(297))


def reason(
    kind: ReasonKind,
    value: float,
    unit: ReasonUnit,
    usual: float | None = None,
    *,
    own: bool = True,
    bound: Bound = "exactly",
    currency: str | None = None,
) -> Reason:
    compared: ComparedWith = "own" if own else "customers"
    return Reason(
        feature="feature",
        text="in English",
        contribution=1.0,
        change=None,
        kind=kind,
        value=value,
        bound=bound,
        unit=unit,
        usual=usual,
        compared_with=None if usual is None else compared,
        direction="raises",
        at=AT,
        currency=currency,
    )


SENTENCES = (
    (reason("silence", 19.5, "days", 4.2), "19 gündür sessiz, genelde 4 günde bir gelir"),
    (reason("silence", 0.4, "days", 4.2), "en son 9 saat önce görüldü, genelde 4 günde bir gelir"),
    (reason("silence", 0.0, "days", 4.2), "en son az önce görüldü, genelde 4 günde bir gelir"),
    (reason("silence", 19.5, "days", 6, own=False), "19 gündür sessiz (ortalama müşteride 6 gün)"),
    (
        reason("silence", 40, "days", bound="at_least"),
        "40 gündür kayıtlı, henüz hiç hareket yok",
    ),
    (reason("activity_7_days", 0, "count", 5), "son 7 günde hiç hareket yok, genelde 5"),
    (
        reason("activity_28_days", 4, "count", 14, bound="at_most"),
        "son 28 günde en çok 4 hareket, genelde 14",
    ),
    (reason("activity_91_days", 1, "count", 68), "son 91 günde 1 hareket, genelde 68"),
    (
        reason("spending_91_days", 123_450, "minor_units", 4_200_000, currency="TRY"),
        "son 91 günde 1.234,50 TL harcama, genelde 42.000,00 TL",
    ),
    (
        reason("spending_91_days", 0, "minor_units", 4_550, currency="EUR"),
        "son 91 günde hiç harcama yok, genelde 45,50 EUR",
    ),
    (
        reason("returned_share", 0.405, "share", 0.05, own=False),
        "sipariş tutarına göre iade oranı %40,5 (ortalama müşteride %5)",
    ),
    (reason("open_tickets", 2, "count", 0, own=False), "2 açık talep (ortalama müşteride yok)"),
    (
        reason("open_ticket_age", 12, "days", 3, own=False),
        "12 gün önce açılan talep hâlâ açık (ortalama müşteride 3 gün)",
    ),
    (reason("tickets_opened_28_days", 3, "count"), "son 28 günde 3 yeni talep"),
    (
        reason("tickets_reopened_28_days", 8, "count", bound="at_least"),
        "talepler son 28 günde en az 8 kez yeniden açıldı",
    ),
    (reason("calls_28_days", 0, "count", 1), "son 28 günde hiç görüşme yok, genelde 1"),
    (
        reason("call_duration", 725, "seconds", 300, own=False),
        "son görüşme (3 gün önce) 12 dakika 5 saniye sürdü (ortalama müşteride 5 dakika)",
    ),
    (reason("call_duration", 0, "seconds"), "son aramada (3 gün önce) görüşme olmadı"),
    (reason("call_wait", 400, "seconds"), "son aramada (3 gün önce) 6 dakika 40 saniye bekledi"),
    (reason("call_transfers", 3, "count"), "son aramada (3 gün önce) 3 kez aktarıldı"),
    (
        reason("payments_failed_28_days", 1, "count", 0),
        "son 28 günde 1 başarısız ödeme, genelde yok",
    ),
    (
        reason("web_28_days", 6, "count", 2, bound="at_least"),
        "son 28 günde web sitesinde en az 6 ziyaret ya da form, genelde 2",
    ),
    (
        reason("leaving_views_28_days", 3, "count", 0),
        "fiyat ya da ayrılma sayfalarına son 28 günde 3 kez baktı, genelde yok",
    ),
    (reason("emails_28_days", 10, "count"), "son 28 günde 10 e-posta hareketi"),
    (reason("content_28_days", 0, "count"), "son 28 günde hiç içerik kullanımı yok"),
    (
        reason("survey_score", 0.3, "share", 0.8, own=False),
        "son anket puanı (3 gün önce) %30 (ortalama müşteride %80)",
    ),
    (reason("subscription_started", 3, "days"), "abonelik 3 gün önce başladı"),
    (reason("subscription_renewed", 3, "days"), "abonelik 3 gün önce yenilendi"),
    (reason("subscription_changed", 3, "days"), "abonelik 3 gün önce değişti"),
    (reason("subscription_cancelled", 3, "days"), "abonelik 3 gün önce iptal edildi"),
    (reason("subscription_expired", 3, "days"), "abonelik süresi 3 gün önce doldu"),
    (
        reason("term_end", 12, "days", 30, own=False),
        "abonelik süresinin bitmesine kalan: 12 gün (ortalama müşteride 30 gün)",
    ),
)


@pytest.mark.parametrize(("given", "text"), SENTENCES, ids=[text for _, text in SENTENCES])
def test_a_reason_reads_as(given: Reason, text: str) -> None:
    assert TURKISH.reason(given, NOW_MS) == text


def test_every_kind_of_reason_is_among_them() -> None:
    assert {one.kind for one, _ in SENTENCES} == set(get_args(ReasonKind))


def test_a_reason_of_an_earlier_build_keeps_its_english() -> None:
    old = Reason(feature="silence_days", text="silent for long", contribution=1.0, change=None)
    assert TURKISH.reason(old, NOW_MS) == "silent for long"


def test_numbers_and_dates_are_turkish() -> None:
    assert TURKISH.percent(0.9) == "%90"
    assert TURKISH.percent(0.1239) == "%12,3"
    assert TURKISH.risk(0.825) == "%82"
    assert TURKISH.number(12_345.5) == "12.345,5"
    assert TURKISH.money(125_000, "TRY") == "1.250,00 TL"
    assert TURKISH.money(1_250, "KWD") == "1,250 KWD"
    assert TURKISH.lasting(30 * 3_600) == "30 saattir"


def test_moments_are_in_the_time_zone_of_the_rep() -> None:
    at_ms = days(0)
    assert format_time(at_ms).startswith("1997-01-01T00:00")
    assert TURKISH.moment(at_ms, "Europe/Istanbul") == "1 Oca 1997 02:00"
    assert TURKISH.near(at_ms, days(0, hours=21), "Europe/Istanbul") == "bugün 02:00"
    assert TURKISH.near(at_ms, days(0, hours=23), "Europe/Istanbul") == "dün 02:00"
    assert TURKISH.near(at_ms, days(9), "Europe/Istanbul") == "1 Oca 1997 02:00"
