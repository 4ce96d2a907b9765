from touchstream.schemas.units import DAY_MS, HOUR_MS
from touchstream.simulator.journal import Journal


def kinds(journal: Journal) -> list[str]:
    return [event["type"] for _, event in journal.close()]


def test_a_moment_beyond_midnight_is_told_on_its_day() -> None:
    journal = Journal(start_ms=0)
    journal.open(0)
    journal.note("web.visit", "ann", 2 * DAY_MS + HOUR_MS, {"page": "/"})
    assert kinds(journal) == []
    journal.open(2)
    journal.keep_calendar()
    (moment_ms, event), *rest = journal.close()
    assert not rest
    assert moment_ms == 2 * DAY_MS + HOUR_MS
    assert event["time"] == "1970-01-03T01:00:00.000Z"


def test_the_calendar_holds_nothing_by_a_customer_after_he_left_on_that_day() -> None:
    journal = Journal(start_ms=0)
    journal.plan(1, "survey.answered", "ann", 9 * HOUR_MS, {})
    journal.plan(1, "survey.answered", "ann", 11 * HOUR_MS, {})
    journal.plan(1, "order.returned", "ann", 12 * HOUR_MS, {})
    journal.open(1)
    journal.end("ann", 10 * HOUR_MS)
    journal.keep_calendar()
    assert kinds(journal) == ["survey.answered", "order.returned"]


def test_after_the_day_on_which_he_left_a_customer_does_nothing() -> None:
    journal = Journal(start_ms=0)
    journal.open(0)
    journal.end("ann", 10 * HOUR_MS)
    journal.note("web.visit", "ann", 10 * HOUR_MS, {"page": "/"})
    assert kinds(journal) == ["web.visit"]
    journal.open(1)
    journal.note("web.visit", "ann", 0, {"page": "/"})
    journal.note("web.visit", "bob", 0, {"page": "/"})
    assert [event["subject"] for _, event in journal.close()] == ["bob"]


def test_nobody_speaks_of_who_will_be_erased_but_to_erase_him() -> None:
    journal = Journal(start_ms=0)
    journal.open(0)
    journal.end("ann", 0)
    journal.unmention("ann")
    journal.note("email.delivered", "ann", HOUR_MS, {})
    journal.note("customer.erased", "ann", HOUR_MS, {})
    assert kinds(journal) == ["customer.erased"]
