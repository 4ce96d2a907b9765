"""A replay leads with open customers: its summary, its page, and the bands tuned from its files."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from tests.agents.cli.command import order, touchstream
from tests.integration.replayed import replayed, rows

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

CONFIG = """
[churn]
activity = ["order.placed"]
horizon_days = 7
label_grace_days = 0

[bands]
high_per_day = 2

[learning]
minimum_examples = 40
minimum_of_each = 10
"""
CUSTOMERS, DAYS = 42, 119
BEGAN = datetime(2026, 1, 1, 10, tzinfo=UTC)


def events() -> list[bytes]:
    """Orders every third day; every second customer stops for good, one after the other."""
    placed = []
    for who in range(CUSTOMERS):
        stops = 14 + 2 * who if who % 2 else DAYS
        days = range(who % 3, stops, 3)
        moments = [BEGAN + timedelta(days=day, minutes=who) for day in days]
        placed += [(at, who, number) for number, at in enumerate(moments)]
    lines = [order(f"c{who}", number, at.isoformat()) for at, who, number in sorted(placed)]
    # One more customer, so that time goes on.
    return [*lines, order("last", 1, (BEGAN + timedelta(days=DAYS)).isoformat())]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return replayed(events(), CONFIG, tmp_path_factory.mktemp("figures"))


def test_all_customers_stand_beside_the_open_ones_and_are_marked(out: Path) -> None:
    summary = orjson.loads((out / "summary.json").read_bytes())
    remaining, gone = summary["models"]["churn"], summary["models"]["return"]
    everybody = summary["all_customers"]
    assert everybody["n"] == remaining["n"] + gone["n"] > remaining["n"] > 100
    assert everybody["note"].startswith(f"flattered: {gone['n']} of {everybody['n']} labels")
    assert everybody["roc_auc"] > remaining["roc_auc"]


def test_the_summary_counts_the_alarms_that_were_told(out: Path) -> None:
    alarms = orjson.loads((out / "summary.json").read_bytes())["alarms"]
    emitted = [
        row
        for row in rows(out / "churn-risk.jsonl")
        if row["data"]["band"] == "high" != row["data"]["band_before"]
    ]
    assert alarms["alarms"] == len(emitted) > 0
    assert (alarms["capacity_per_day"], alarms["after_the_end"]) == (2.0, 0)
    ends = [
        row["subject"]
        for row in rows(out / "customer-signals.jsonl")
        if row["type"] == "customer.relation_changed" and row["data"]["relation"] == "lapsed"
    ]
    assert 0 < alarms["leavers"] <= len(ends)


def test_scores_hold_open_customers_and_those_who_had_left_apart(out: Path) -> None:
    remaining = {(row["customer"], row["time"]) for row in rows(out / "scores.jsonl")}
    gone = {(row["customer"], row["time"]) for row in rows(out / "scores-return.jsonl")}
    assert len(remaining) > 100
    assert len(gone) > 30
    assert not remaining & gone
    labels = [row["label"] for row in rows(out / "scores-return.jsonl")]
    # Those without a label come from the states at the end, the others as they mature.
    assert None in labels
    assert 0 in labels


def test_the_page_leads_with_the_alarms(out: Path) -> None:
    assert touchstream("report", out, cwd=out).code == 0
    page = (out / "report.html").read_text()
    titles = [part.partition("</h2>")[0] for part in page.split("<h2>")[1:]]
    assert titles[:3] == ["Alarms", "Churn of open customers", "Return of those who had left"]
    assert "alarms a day (capacity 2.0)" in page
    assert "All customers together, flattered by those who were gone" in page


def test_the_bands_are_tuned_from_the_files(out: Path) -> None:
    output = touchstream("bands", "tune", "--from", out, "--json", cwd=out)
    assert output.code == 0, output.err
    found = [orjson.loads(line) for line in output.out.splitlines()]
    assert [row["high_per_day"] for row in found if row["asked"]] == [2.0]
    assert output.err.count("in the replay itself (capacity 2.0)") == 1
