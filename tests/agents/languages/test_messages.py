"""Messages to reps: what they say, in which order, how much, and what cannot be slipped in."""

from html.parser import HTMLParser

import pytest

from tests.make import days, silent
from touchstream.agents.languages.layout import MOST_IN_SUBJECT, Message
from touchstream.agents.languages.message_data import (
    AlertLine,
    ChannelOff,
    ClearedLine,
    Digest,
    Escalation,
    QuietHours,
)
from touchstream.agents.languages.messages import (
    channel_off,
    digest,
    escalation,
    quiet_summary,
    raised,
)
from touchstream.agents.languages.texts import Texts
from touchstream.schemas.units import Millis

NOW_MS = days(300)
QUEUE = "https://console.example/queue"
LANGUAGES = (Texts("en"), Texts("tr"))
EN, TR = LANGUAGES
SILENT = silent(19.3, 4.2)


def line(
    customer: str, priority: float = 1.0, since_ms: Millis = NOW_MS, link: str = ""
) -> AlertLine:
    address = link or f"https://console.example/alerts/{priority:g}"
    return AlertLine(
        customer=customer,
        kind="churn",
        risk=0.82,
        band="high",
        reasons=(SILENT,),
        scored_ms=NOW_MS,
        action="call_by_owner",
        since_ms=since_ms,
        link=address,
        priority=priority,
    )


def a_digest(*lines: AlertLine, open_count: int | None = None) -> Digest:
    return Digest(
        since_ms=days(299, hours=15),
        now_ms=NOW_MS,
        time_zone="Europe/Istanbul",
        raised=5,
        cleared=2,
        open=lines,
        open_count=len(lines) if open_count is None else open_count,
        link=QUEUE,
    )


class Seen(HTMLParser):
    """Tags and links of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]


def test_an_alert_says_who_why_what_to_do_and_since_when() -> None:
    message = raised(EN, line("ada", since_ms=days(299, hours=20)), NOW_MS)
    assert message.subject == "ada may leave (high risk, 82 %)"
    assert message.text == (
        "ada may leave (high risk, 82 %)\n"
        "\n"
        "- silent for 19 days, usually comes every 4\n"
        "- Suggested: Call the customer\n"
        "- Raised 4 h ago\n"
        "Open the alert: https://console.example/alerts/1\n"
        "\n"
        "-- \n"
        "Links open a page. Nothing happens before you press a button there.\n"
    )
    assert '<html lang="en" dir="ltr">' in message.html
    assert "<li>silent for 19 days, usually comes every 4</li>" in message.html


def test_a_chat_gets_the_same_without_the_closing_note_of_a_mail() -> None:
    message = raised(EN, line("ada"), NOW_MS)
    assert message.chat.splitlines() == message.text.splitlines()[:-3]
    assert message.chat.endswith("Open the alert: https://console.example/alerts/1\n")


def test_an_alert_in_turkish() -> None:
    message = raised(TR, line("ada", since_ms=days(299, hours=20)), NOW_MS)
    assert message.subject == "ada ayrılabilir (yüksek risk, %82)"
    assert message.text.splitlines()[2:6] == [
        "- 19 gündür sessiz, genelde 4 günde bir gelir",
        "- Öneri: Müşteriyi arayın",
        "- 4 saat önce bildirildi",
        "Uyarıyı aç: https://console.example/alerts/1",
    ]
    assert '<html lang="tr" dir="ltr">' in message.html


def test_an_alert_without_reasons_says_so() -> None:
    message = raised(EN, line("ada")._replace(reasons=(), action=None), NOW_MS)
    assert message.text.splitlines()[2:4] == [
        "- No reason can be given in words.",
        "- Raised just now",
    ]


def test_a_digest_lists_by_priority_and_says_since_when() -> None:
    message = digest(EN, a_digest(line("low", 1), line("high", 9), line("middle", 5)))
    assert message.subject == "Your alerts: 5 new, 2 cleared"
    assert "Since yesterday 17:00: 5 new, 2 cleared\n" in message.text
    places = [message.text.index(f"{who} may leave") for who in ("high", "middle", "low")]
    assert places == sorted(places)
    assert Seen(message.html).links == [
        "https://console.example/alerts/9",
        "https://console.example/alerts/5",
        "https://console.example/alerts/1",
        QUEUE,
    ]


def test_a_digest_is_capped_and_counts_the_rest() -> None:
    lines = [line(f"c{number}", number) for number in range(30)]
    message = digest(EN, a_digest(*lines, open_count=1_240), listed=3)
    assert message.text.count("may leave") == 3
    assert "\n\nand 1,237 more\n\n" in message.text
    assert "<p>and 1,237 more</p>" in message.html
    assert "ve 1.237 uyarı daha" in digest(TR, a_digest(*lines, open_count=1_240), listed=3).text


def test_a_digest_without_open_alerts_says_that_nothing_is_to_be_done() -> None:
    assert "No alert is open. Nothing to do." in digest(EN, a_digest()).text
    assert "Açık uyarı yok. Yapılacak bir şey yok." in digest(TR, a_digest()).text


def test_the_end_of_quiet_hours_is_one_message_of_what_is_open_and_what_has_cleared() -> None:
    given = QuietHours(
        since_ms=days(299, hours=15),
        until_ms=days(300, hours=5),
        time_zone="Europe/Istanbul",
        raised=(line("ada"),),
        cleared=(ClearedLine("cy", "recovered"), ClearedLine("dee", "false_alarm")),
        link=QUEUE,
    )
    english, turkish = quiet_summary(EN, given), quiet_summary(TR, given)
    assert english.subject == "While you were away: 1 new, 2 cleared"
    assert "From yesterday 17:00 to today 07:00: 1 new, 2 cleared\n" in english.text
    assert "Cleared since\n\ncy: no longer at risk\n\ndee: false alarm\n" in english.text
    assert "Sessiz saatler (dün 17:00 – bugün 07:00): 1 yeni" in turkish.text
    assert "cy: artık risk altında değil\n\ndee: yanlış alarm\n" in turkish.text


def test_quiet_hours_in_which_nothing_cleared_have_no_empty_heading() -> None:
    given = QuietHours(days(299), NOW_MS, "UTC", (line("ada"),), (), QUEUE)
    assert "Cleared since" not in quiet_summary(EN, given).text
    assert "Cleared since" not in quiet_summary(EN, given).html


def test_an_escalation_names_who_did_not_answer_and_for_how_long() -> None:
    given = Escalation(line("ada"), "Deniz", 7_200.0, NOW_MS)
    assert escalation(EN, given).subject == "No answer yet: ada"
    assert "Deniz has not answered this alert for 2 h." in escalation(EN, given).text
    assert "2 saattir yanıt bekliyor (sorumlu: Deniz)" in escalation(TR, given).text


def test_a_channel_that_was_switched_off_says_why_and_what_to_do() -> None:
    given = ChannelOff("crm", "HTTP 410", days(297), NOW_MS, "UTC", "https://console.example/c")
    message = channel_off(EN, given)
    assert message.subject == "The channel crm was switched off"
    assert "- Reason: HTTP 410\n" in message.text
    assert "Open the channels: https://console.example/c\n" in message.text
    assert channel_off(TR, given).subject == "Kanal kapatıldı: crm"


EVIL = 'eve\r\nBcc: all@example.com\u202e\u2028<script>alert("1")</script>'


def every_message(texts: Texts, customer: str) -> list[Message]:
    one = line(customer)
    quiet = QuietHours(days(299), NOW_MS, "UTC", (one,), (ClearedLine(customer, "left"),), QUEUE)
    return [
        raised(texts, one, NOW_MS),
        digest(texts, a_digest(one)),
        quiet_summary(texts, quiet),
        escalation(texts, Escalation(one, customer, 60.0, NOW_MS)),
        channel_off(texts, ChannelOff(customer, customer, days(297), NOW_MS, "UTC", QUEUE)),
    ]


@pytest.mark.parametrize("texts", LANGUAGES, ids=["en", "tr"])
def test_an_id_adds_no_header_no_line_no_tag_and_no_direction(texts: Texts) -> None:
    for evil, plain in zip(every_message(texts, EVIL), every_message(texts, "eve"), strict=True):
        assert evil.subject.isprintable()
        assert len(evil.text.splitlines()) == len(plain.text.splitlines())
        assert Seen(evil.html).tags == Seen(plain.html).tags
        assert "\u202e" not in evil.text + evil.html


def test_a_long_subject_is_cut() -> None:
    subject = raised(EN, line("x" * 500), NOW_MS).subject
    assert len(subject) == MOST_IN_SUBJECT
    assert subject.endswith("x…")


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "/alerts/1", "https://a.example/ b", "https://a.example/\x00"]
)
def test_a_link_that_is_no_web_address_is_refused(link: str) -> None:
    with pytest.raises(ValueError, match=r"^want links that begin with https://"):
        raised(EN, line("ada", link=link), NOW_MS)
