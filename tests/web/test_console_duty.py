"""Whoever gets an alert sees it and may answer it, as the notifier hands it over."""

from datetime import date

import pytest

from tests.web.console_client import (
    ADA_KEY,
    ListedAlerts,
    Recorder,
    browser,
    ports,
    settings_with_reps,
    sign_in,
    token_in,
)
from tests.web.queue_rows import row
from tests.web.test_console_queue import HTMX, customers
from touchstream.agents.notifier.book import Book, Delivery, Notice
from touchstream.agents.notifier.compose import Composer
from touchstream.agents.notifier.directory import Directory
from touchstream.agents.settings_reps import Absence, RepSettings
from touchstream.schemas.envelope import parse_time
from touchstream.web.console.app import console_app
from touchstream.web.console.duty import Roster
from touchstream.web.console.rows import QueueRow

ALWAYS = (Absence(first=date(2020, 1, 1), last=date(2999, 12, 31)),)


def bob(**fields: object) -> RepSettings:
    return RepSettings.model_validate({"id": "bob", **fields})


async def answered_by_ada(found: QueueRow, *reps: RepSettings) -> tuple[list[str], int]:
    """What Ada sees of the list of the alert's owner or queue, and the status of her answer."""
    recorder = Recorder()
    alerts = ListedAlerts(**{found.owner or found.queue: [found]})
    if found.owner is not None:
        alerts.lists[found.queue] = [found]
    app = console_app(settings_with_reps(*reps), ports(alerts=alerts, publisher=recorder))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        page = await client.get("/queue")
        headers = {**HTMX, "x-csrf-token": token_in(page)}
        done = await client.post(f"/alerts/{found.alert}/done", headers=headers)
    assert len(recorder.events) == (done.status_code == 200)
    return customers(page.text), done.status_code


FAR = row("far", owner="bob")._replace(queue="elsewhere")


@pytest.mark.parametrize(
    ("found", "reps", "expected"),
    [
        (FAR, [bob()], ([], 410)),
        (FAR, [bob(absent=ALWAYS, deputy="ada")], (["far"], 200)),
        (FAR, [bob(absent=ALWAYS, deputy="retention")], (["far"], 200)),
        (
            FAR,
            [
                bob(absent=ALWAYS, deputy="cem"),
                RepSettings(id="cem", absent=ALWAYS, deputy="ada"),
            ],
            (["far"], 200),
        ),
        (FAR, [bob(absent=ALWAYS)], ([], 410)),
        (row("far", owner="bob"), [bob(absent=ALWAYS)], (["far"], 200)),
        (row("far", owner="nobody"), [bob()], (["far"], 200)),
        (row("far", owner="retention")._replace(queue="elsewhere"), [bob()], (["far"], 200)),
        (row("far", owner="bob"), [bob()], ([], 410)),
        (FAR, [bob(answer_within_minutes=30, escalate_to="ada")], ([], 200)),
        (
            FAR,
            [
                bob(escalate_to="cem"),
                RepSettings(id="cem", absent=ALWAYS, deputy="dora"),
                RepSettings(id="dora", escalate_to="retention"),
            ],
            ([], 200),
        ),
    ],
    ids=[
        "another-rep",
        "deputy",
        "queue-as-deputy",
        "deputy-of-the-deputy",
        "absent-in-a-queue-of-others",
        "absent-without-a-deputy",
        "owner-unknown",
        "owner-is-a-queue",
        "another-rep-in-the-same-queue",
        "escalation",
        "escalation-over-deputies",
    ],
)
async def test_a_list_and_its_answers_are_of_whoever_gets_the_alert(
    found: QueueRow, reps: list[RepSettings], expected: tuple[list[str], int]
) -> None:
    assert await answered_by_ada(found, *reps) == expected


def test_the_duty_changes_with_the_day_of_the_absent_rep() -> None:
    day = Absence(first=date(2026, 11, 28), last=date(2026, 11, 28))
    away = bob(absent=(day,), deputy="ada", time_zone="Europe/Istanbul")
    now_ms = [parse_time("2026-11-27T20:59:00Z")]
    roster = Roster(settings_with_reps(away), lambda: now_ms[0])
    before = roster.duty()
    assert not before.is_seen(FAR, ("ada",))
    now_ms[0] = parse_time("2026-11-27T20:59:59Z")
    assert roster.duty() is before
    # Midnight in Istanbul.
    now_ms[0] = parse_time("2026-11-27T21:00:00Z")
    during = roster.duty()
    assert during.is_seen(FAR, ("ada",))
    assert during.lists(("ada",)) == ("ada", "bob")
    now_ms[0] = parse_time("2026-11-28T20:59:00Z")
    assert roster.duty() is during
    now_ms[0] = parse_time("2026-11-28T21:00:00Z")
    assert roster.duty().lists(("ada",)) == ("ada",)


def link_of(alert: str, customer: str) -> str:
    """The link in the notifier's message about an alert."""
    at_ms = parse_time("2026-11-28T12:00:00Z")
    notice = Notice(
        alert=alert,
        customer=customer,
        kind="churn",
        owner="ada",
        queue="retention",
        band="high",
        risk=0.8,
        score=100.0,
        action="call",
        reasons=(),
        raised_ms=at_ms,
        scored_ms=at_ms,
        expires_ms=at_ms,
    )
    book = Book()
    book.put(notice)
    delivery = Delivery(
        id="d",
        kind="raised",
        recipient="ada",
        channel="mail",
        address=None,
        made_ms=at_ms,
        next_ms=at_ms,
        alerts=(alert,),
    )
    composer = Composer(Directory(settings_with_reps()), "http://127.0.0.1:9480")
    message = composer.message(book, delivery)
    assert message is not None
    [link] = message.payload["links"]
    assert link in message.text
    return str(link)


async def test_the_link_of_a_message_leads_over_the_sign_in_to_the_customer() -> None:
    alerts = ListedAlerts(ada=[row("cy & co/1", "alert-cy")])
    link = link_of("alert-cy", "cy & co/1")
    async with browser(console_app(settings_with_reps(), ports(alerts=alerts))) as client:
        asked = await client.get(link)
        assert asked.headers["location"] == "/sign-in?to=%2Falerts%2Falert-cy"
        entered = await sign_in(client, ADA_KEY, to="/alerts/alert-cy")
        assert entered.headers["location"] == "/alerts/alert-cy"
        found = await client.get(link)
        assert (found.status_code, found.headers["location"]) == (
            303,
            "/customers/cy%20%26%20co%2F1",
        )


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "This alert is over"), ("tr", "Bu uyarı sona erdi")],
    ids=["en", "tr"],
)
async def test_the_link_of_an_alert_that_is_over_says_so(language: str, said: str) -> None:
    settings = settings_with_reps()
    reps = [one.model_copy(update={"language": language}) for one in settings.reps]
    app = console_app(settings.model_copy(update={"reps": tuple(reps)}), ports())
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        over = await client.get(link_of("alert-cy", "cy"))
    assert over.status_code == 410
    assert said in over.text
