"""My queue: what is listed, and what a rep's answer becomes."""

import re
import time

import pytest

from tests.web.console_client import (
    ADA_KEY,
    LALE_KEY,
    ListedAlerts,
    Published,
    Recorder,
    browser,
    ports,
    settings_with_reps,
    sign_in,
    token_in,
)
from tests.web.queue_rows import row
from touchstream.agents.stores.claims import MemoryClaims
from touchstream.schemas.envelope import parse_time
from touchstream.web.console.answers import OUTCOMES, Chosen, Outcome, Verb, answer_of
from touchstream.web.console.app import console_app
from touchstream.web.console.principal import principal_of
from touchstream.web.console.rows import MOST_READ, MOST_ROWS, QueueRow, View

HTMX = {"hx-request": "true"}
NOW_MS = parse_time("2026-03-28T20:30:00Z")
ADA = principal_of(settings_with_reps().reps[0])


def customers(page: str) -> list[str]:
    return re.findall(r'<h2><a href="/customers/[^"]+">([^<]+)</a>', page)


LISTS = {
    "ada": [
        row("cy", score=300.0, risk=0.6, band="medium", since="2026-11-28T13:00:00Z"),
        row("dan", score=200.0, risk=0.9, since="2026-11-28T11:00:00Z"),
    ],
    "retention": [row("eve", score=250.0, risk=0.7, owner=None, kind="return")],
    "bob": [row("far", owner="bob")],
}


async def test_a_rep_sees_their_own_alerts_and_those_of_their_queues() -> None:
    app = console_app(settings_with_reps(), ports(alerts=ListedAlerts(**LISTS)))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        page = (await client.get("/queue")).text
    assert customers(page) == ["cy", "eve", "dan"]
    assert "silent for 40 days" in page
    assert "3 open alerts" in page


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (View(sort="risk"), ["dan", "eve", "cy"]),
        (View(sort="since"), ["cy", "eve", "dan"]),
        (View(band="high"), ["eve", "dan"]),
        (View(kind="return"), ["eve"]),
    ],
    ids=["risk", "since", "band", "kind"],
)
async def test_filters_and_orders(view: View, expected: list[str]) -> None:
    app = console_app(settings_with_reps(), ports(alerts=ListedAlerts(**LISTS)))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        assert customers((await client.get("/queue", params=view._asdict())).text) == expected


async def test_an_answer_is_an_event_about_the_customer() -> None:
    recorder = Recorder()
    alerts = ListedAlerts(ada=[row("cy")])
    app = console_app(settings_with_reps(), ports(alerts=alerts, publisher=recorder))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        token = token_in(await client.get("/queue"))
        done = await client.post(
            "/alerts/alert-cy/done", headers={**HTMX, "x-csrf-token": token}, data={"reason": "hi"}
        )
    assert recorder.events == [
        Published(
            "cy",
            "alert.feedback",
            {
                "alert": "alert-cy",
                "rep": "ada",
                "verdict": "resolved",
                "reason": "hi",
            },
        )
    ]
    assert done.status_code == 200
    assert "Sent for cy." in done.text
    assert "Done, being applied" in done.text


@pytest.mark.parametrize(
    ("verb", "rating"),
    [("done", None), ("useful", "useful"), ("noise", "noise"), ("snooze", None)],
    ids=["done", "useful", "noise", "snooze"],
)
def test_an_answer_rates_the_alert_only_if_it_says_so(verb: Verb, rating: str | None) -> None:
    answer = answer_of(verb, row("cy"), Chosen(), ADA, NOW_MS)
    assert answer is not None
    assert answer.data.get("rating") == rating


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_outcome_of_an_action_names_its_decision(outcome: Outcome) -> None:
    answer = answer_of("outcome", row("cy"), Chosen(outcome=outcome), ADA, NOW_MS)
    assert answer is not None
    assert (answer.kind, answer.data) == (
        "action.outcome",
        {"decision": "00ff", "action": "call", "outcome": outcome},
    )
    assert answer_of("outcome", row("cy", action=None), Chosen(), ADA, NOW_MS) is None


def test_tomorrow_at_nine_is_nine_after_a_change_of_the_clocks() -> None:
    rep = ADA._replace(time_zone="Europe/Tallinn")
    answer = answer_of("snooze", row("cy"), Chosen(until="tomorrow"), rep, NOW_MS)
    assert answer is not None
    # Summer time begins on 29 March: nine o'clock is 06:00Z, the day before it was 07:00Z.
    assert answer.data == {
        "alert": "alert-cy",
        "rep": "ada",
        "verdict": "snoozed",
        "until": "2026-03-29T06:00:00.000Z",
    }


@pytest.mark.parametrize(
    ("until", "fields"),
    [
        ("hour", {"until": "2026-03-28T21:30:00.000Z"}),
        ("week", {"until": "2026-04-04T09:00:00.000Z"}),
        ("worse", {"worse_by": 0.1}),
        ("touchpoint", {"next_touchpoint": True}),
    ],
    ids=["hour", "week", "worse", "touchpoint"],
)
def test_ways_to_snooze(until: str, fields: dict[str, object]) -> None:
    chosen = Chosen()._replace(until=until)  # type: ignore[arg-type]
    answer = answer_of("snooze", row("cy"), chosen, ADA, NOW_MS)
    assert answer is not None
    assert {key: answer.data[key] for key in fields} == fields


async def test_a_link_in_a_mail_changes_nothing_and_leads_to_a_button_that_does() -> None:
    recorder = Recorder()
    alerts = ListedAlerts(ada=[row("cy")])
    app = console_app(settings_with_reps(), ports(alerts=alerts, publisher=recorder))
    async with browser(app) as client:
        asked = await client.get("/alerts/alert-cy/noise")
        assert asked.headers["location"] == "/sign-in?to=%2Falerts%2Falert-cy%2Fnoise"
        await sign_in(client, ADA_KEY)
        page = await client.get("/alerts/alert-cy/noise")
        assert "The alert about cy was noise" in page.text
        assert recorder.events == []
        answer = await client.post("/alerts/alert-cy/noise", data={"csrf": token_in(page)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue")
    assert [event.data["verdict"] for event in recorder.events] == ["false_alarm"]


async def test_an_answer_without_the_token_is_not_sent() -> None:
    recorder = Recorder()
    alerts = ListedAlerts(ada=[row("cy")])
    app = console_app(settings_with_reps(), ports(alerts=alerts, publisher=recorder))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        refused = await client.post("/alerts/alert-cy/done", headers=HTMX)
    assert refused.status_code == 403
    assert refused.headers["hx-retarget"] == "#message"
    assert recorder.events == []


async def test_an_alert_of_another_rep_is_not_answered() -> None:
    recorder = Recorder()
    alerts = ListedAlerts(bob=[row("far", owner="bob")])
    app = console_app(settings_with_reps(), ports(alerts=alerts, publisher=recorder))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        token = token_in(await client.get("/queue"))
        refused = await client.post(
            "/alerts/alert-far/done", headers={**HTMX, "x-csrf-token": token}
        )
    assert refused.status_code == 410
    assert recorder.events == []


async def test_a_broker_that_does_not_answer_is_told_and_the_alert_stays() -> None:
    alerts = ListedAlerts(ada=[row("cy")])
    app = console_app(settings_with_reps(), ports(alerts=alerts, publisher=Recorder(answers=False)))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        token = token_in(await client.get("/queue"))
        failed = await client.post("/alerts/alert-cy/done", headers={**HTMX, "x-csrf-token": token})
        assert failed.status_code == 503
        assert failed.text.startswith("Nothing was sent")
        assert "being applied" not in (await client.get("/queue")).text


async def test_of_two_reps_the_second_learns_who_was_first() -> None:
    alerts = ListedAlerts(retention=[row("eve", owner=None)])
    app = console_app(settings_with_reps(), ports(alerts=alerts))
    async with browser(app) as ada, browser(app) as lale:
        answers = []
        for client, key in ((ada, ADA_KEY), (lale, LALE_KEY)):
            await sign_in(client, key)
            headers = {**HTMX, "x-csrf-token": token_in(await client.get("/queue"))}
            answers.append(await client.post("/alerts/alert-eve/claim", headers=headers))
        assert [answer.status_code for answer in answers] == [200, 409]
        assert "Yours" in answers[0].text
        assert "ada was first with eve." in answers[1].text
        assert "ada is on it" in (await lale.get("/queue")).text
        headers = {**HTMX, "x-csrf-token": token_in(await ada.get("/queue"))}
        await ada.post("/alerts/alert-eve/release", headers=headers)
        assert "ada is on it" not in (await lale.get("/queue")).text


async def test_an_alert_that_is_given_back_is_acknowledged_no_longer() -> None:
    recorder, claims = Recorder(), MemoryClaims(time.monotonic)
    alerts = ListedAlerts(ada=[row("cy")])
    parts = ports(alerts=alerts, publisher=recorder, claims=claims)
    async with browser(console_app(settings_with_reps(), parts)) as client:
        await sign_in(client, ADA_KEY)
        headers = {**HTMX, "x-csrf-token": token_in(await client.get("/queue"))}
        await client.post("/alerts/alert-cy/release", headers=headers)
        assert recorder.events == []
        await client.post("/alerts/alert-cy/claim", headers=headers)
        await client.post("/alerts/alert-cy/release", headers=headers)
    assert [event.data for event in recorder.events] == [
        {"alert": "alert-cy", "verdict": answer, "rep": "ada"}
        for answer in ("acknowledged", "released")
    ]
    assert await claims.holders(["alert-cy"]) == {}


async def test_an_alert_stays_claimed_if_the_broker_does_not_take_it_back() -> None:
    claims = MemoryClaims(time.monotonic)
    await claims.claim("alert-cy", "ada")
    alerts = ListedAlerts(ada=[row("cy")])
    parts = ports(alerts=alerts, publisher=Recorder(answers=False), claims=claims)
    async with browser(console_app(settings_with_reps(), parts)) as client:
        await sign_in(client, ADA_KEY)
        headers = {**HTMX, "x-csrf-token": token_in(await client.get("/queue"))}
        failed = await client.post("/alerts/alert-cy/release", headers=headers)
    assert (failed.status_code, await claims.holders(["alert-cy"])) == (503, {"alert-cy": "ada"})


async def test_chosen_alerts_are_answered_together() -> None:
    recorder = Recorder()
    alerts = ListedAlerts(ada=[row("cy"), row("dan"), row("fay")])
    app = console_app(settings_with_reps(), ports(alerts=alerts, publisher=recorder))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        token = token_in(await client.get("/queue"))
        answer = await client.post(
            "/alerts/bulk/snooze",
            headers={**HTMX, "x-csrf-token": token},
            data={"alert": ["alert-cy", "alert-fay", "alert-of-another"]},
        )
    assert "Sent for 2." in answer.text
    assert [event.customer for event in recorder.events] == ["cy", "fay"]


def many(count: int, owner: str | None, **fields: object) -> list[QueueRow]:
    """Alerts of higher priority than those of others."""
    rows = [row(f"{owner}-{at}", score=1_000.0 + at, owner=owner) for at in range(count)]
    return [one._replace(**fields) for one in rows]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "above",
    [many(300, "bob"), many(300, "ada", snoozed_until_ms=NOW_MS), many(300, "ada", kind="return")],
    ids=["of-another-rep", "snoozed", "of-another-kind"],
)
async def test_what_is_filtered_out_hides_nothing_below_it(above: list[QueueRow]) -> None:
    below = row("below", owner=above[0].owner if above[0].owner == "ada" else None)
    listed = sorted([*above, below], key=lambda one: -one.score)
    alerts = ListedAlerts(ada=listed, retention=listed)
    async with browser(console_app(settings_with_reps(), ports(alerts=alerts))) as client:
        await sign_in(client, ADA_KEY)
        page = await client.get("/queue", params={"kind": "churn"})
    assert customers(page.text) == ["below"]
    assert "1 open alert<" in page.text


async def test_a_list_that_was_cut_does_not_claim_to_be_whole() -> None:
    alerts = ListedAlerts(ada=many(MOST_READ + 1, "ada"))
    app = console_app(settings_with_reps(), ports(alerts=alerts))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        page = await client.get("/queue")
        assert "1,000 open alerts or more" in page.text
        assert "950 more" in page.text
        assert len(customers(page.text)) == MOST_ROWS
        alerts.lists["ada"] = alerts.lists["ada"][2:]
        assert "999 open alerts<" in (await client.get("/queue")).text


async def test_texts_of_a_customer_are_texts_on_the_page() -> None:
    alerts = ListedAlerts(ada=[row("<b>cy</b>")])
    app = console_app(settings_with_reps(), ports(alerts=alerts))
    async with browser(app) as client:
        await sign_in(client, ADA_KEY)
        page = (await client.get("/queue")).text
    assert "<b>cy</b>" not in page
    assert "&lt;b&gt;cy&lt;/b&gt;" in page
