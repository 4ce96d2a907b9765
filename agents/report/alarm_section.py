"""The section of the page about the alarms: how many, what they were worth, who was warned."""

from collections.abc import Sequence
from html import escape

from touchstream.agents.report.alarms import Worth
from touchstream.agents.report.capacities import Foreseen
from touchstream.agents.report.findings import alarm_cautions
from touchstream.agents.report.html import (
    Cell,
    Written,
    figure,
    narrow,
    notice,
    percent,
    table,
    tiles,
)
from touchstream.agents.report.plots import alarms_plot
from touchstream.streams.decide.capacity import EARLIEST_DAYS, LATEST_DAYS

NOBODY = "No customer entered a band of churn risk in this period, so there was no alarm."
HEAD = (
    "capacity a day",
    "high from a risk of",
    "until below",
    "alarms a day",
    "followed by churn",
    "leavers warned",
    "days before (median)",
)


def alarm_section(
    found: Worth | None, foreseen: Sequence[Foreseen], horizon_days: int, base_rate: float | None
) -> str:
    """Sentences, numbers, a plot, and the table of other capacities.

    ``base_rate``: share of all scores of open customers that were followed by churn.
    """
    if found is None:
        return f"<h2>Alarms</h2>{notice(NOBODY, 'warn')}"
    parts = ["<h2>Alarms</h2>", _lead(found, horizon_days)]
    parts += [notice(sentence, "warn") for sentence in alarm_cautions(found)]
    parts += [_tiles(found, horizon_days), _open(found, base_rate)]
    plot = figure(
        "Alarms a day",
        alarms_plot(found),
        "Each week's rises into the band high, by day. The capacity is an average, not a limit.",
    )
    return "\n".join([*parts, narrow(plot), _capacities(foreseen, typed=found.capacity is None)])


def _lead(found: Worth, horizon_days: int) -> str:
    text = (
        "An alarm is a rise of an open customer's churn risk into the band high. Evaluated: "
        f"{found.first_day} to {found.last_day}. Leavers are customers whose relation ended; a "
        f"silence counts as an end when it has lasted {horizon_days} days."
    )
    return f"<p>{escape(text)}</p>"


def _tiles(found: Worth, horizon_days: int) -> str:
    judged = found.found
    wanted = "no capacity: typed thresholds"
    if found.capacity is not None:
        wanted = f"capacity {found.capacity:.1f}"
    numbers: list[tuple[str, Cell]] = [
        (f"alarms a day ({wanted})", _decimal(judged.alarms_per_day)),
        (f"of them followed by churn within {horizon_days} days", percent(judged.precision)),
        (
            f"of {judged.leavers:,} leavers warned {LATEST_DAYS} to {EARLIEST_DAYS} days before",
            percent(judged.warned),
        ),
        ("days before, median", _decimal(judged.lead_days)),
    ]
    return tiles(numbers)


def _open(found: Worth, base_rate: float | None) -> str:
    times = ""
    if base_rate and found.found.precision is not None:
        times = (
            f" Churn follows an alarm {found.found.precision / base_rate:.1f} times as often as it "
            f"follows a score of any open customer ({100 * base_rate:.1f} %)."
        )
    text = (
        f"{found.found.alarms:,} alarms, of which {found.open:,} were too recent to know what "
        f"followed. {found.leavers_warned:,} of {found.found.leavers:,} leavers were warned: they "
        f"were in the band high at some moment {LATEST_DAYS} to {EARLIEST_DAYS} days before.{times}"
    )
    return f'<p class="quiet">{escape(text)}</p>'


def _capacities(foreseen: Sequence[Foreseen], *, typed: bool) -> str:
    if not foreseen:
        return ""
    return table(
        "What other capacities would have led to, from the scores of the snapshot days alone "
        "(touchstream bands tune): events between them raise further alarms. High means at least "
        "twice the odds of the average customer, so that a large capacity is not filled.",
        HEAD,
        [_row(one, " (the default)" if typed else " (as configured)") for one in foreseen],
    )


def _row(one: Foreseen, asked: str) -> tuple[Cell, ...]:
    return (
        Written(f"{one.customers_per_day:.1f}{asked * one.asked}"),
        Written(f"{one.thresholds.high_enter:.3f}"),
        Written(f"{one.thresholds.high_leave:.3f}"),
        _decimal(one.alarms_per_day),
        percent(one.precision),
        percent(one.warned),
        _decimal(one.lead_days),
    )


def _decimal(value: float | None) -> Written | None:
    return None if value is None else Written(f"{value:.1f}")
