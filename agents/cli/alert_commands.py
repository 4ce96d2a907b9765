"""The group ``touchstream alerts``."""

from typing import Annotated

import typer

from touchstream.agents.cli.options import TIMEOUT_S, Config, Json, Timeout, load_settings

alerts = typer.Typer(
    help="List the open alerts, and answer them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AlertArgument = Annotated[str, typer.Argument(metavar="ALERT", help="As `alerts list` has it.")]
AlertArguments = Annotated[
    list[str], typer.Argument(metavar="ALERT...", help="As `alerts list` has them.")
]
Language = Annotated[str, typer.Option(metavar="LANGUAGE", help="Of the texts: en or tr.")]
Customer = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        help="Whose alerts they are: they are not looked up in Redis, and may be cleared already.",
    ),
]
Rep = Annotated[str | None, typer.Option(metavar="ID", help="Who answers.")]
Outcome = Annotated[
    str | None,
    typer.Option(
        metavar="OUTCOME",
        help="What came of the recommended action: sent, delivered, seen, accepted, declined or "
        "failed.",
    ),
]
Reason = Annotated[str | None, typer.Option(help="Why, in a few words.")]


@alerts.command("list")
def list_alerts(
    queue: Annotated[str | None, typer.Option(metavar="QUEUE", help="Only of this queue.")] = None,
    owner: Annotated[
        str | None, typer.Option(metavar="REP", help="Only of this rep's customers.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="churn, return, engagement, or the name of a target."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=10_000, help="How many, by priority.")] = 20,
    language: Language = "en",
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    as_json: Json = False,
) -> None:
    """List the open alerts: whose, how urgent, why, and what to do. Snoozed ones included."""
    from touchstream.agents.cli import alerts as command

    wanted = command.Wanted(queue, owner, kind, top)
    command.list_alerts(load_settings(config, timeout), wanted, language, as_json=as_json)


@alerts.command("show")
def show_alert(
    alert: AlertArgument,
    language: Language = "en",
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    as_json: Json = False,
) -> None:
    """Show one open alert, and how its priority comes about."""
    from touchstream.agents.cli import alerts as command

    command.show_alert(load_settings(config, timeout), alert, language, as_json=as_json)


@alerts.command("ack")
def acknowledge(
    alerts: AlertArguments,
    rep: Rep = None,
    customer: Customer = None,
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    as_json: Json = False,
) -> None:
    """Say that somebody has taken note. The alerts stay open."""
    from touchstream.agents.cli import alert_answers as command

    answered = command.Answered(alerts, customer, rep)
    given = {"verdict": "acknowledged"}
    command.answer(load_settings(config, timeout), answered, given, as_json=as_json)


@alerts.command("claim")
def claim(
    alert: AlertArgument,
    rep: Annotated[str, typer.Option(metavar="ID", help="Who sees to it.")],
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    as_json: Json = False,
) -> None:
    """Claim an alert that nobody has, for a working day, and acknowledge it."""
    from touchstream.agents.cli import alert_claims as command

    command.claim(load_settings(config, timeout), alert, rep, as_json=as_json)


@alerts.command("release")
def release(
    alert: AlertArgument,
    rep: Annotated[str, typer.Option(metavar="ID", help="Who has it.")],
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    as_json: Json = False,
) -> None:
    """Give a claimed alert back."""
    from touchstream.agents.cli import alert_claims as command

    command.release(load_settings(config, timeout), alert, rep, as_json=as_json)


@alerts.command("snooze")
def snooze(
    alerts: AlertArguments,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="2026-01-31, or a time with an offset.")
    ] = None,
    lasting: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="30m, 4h, 2d or 1w.")
    ] = None,
    worse_by: Annotated[
        float | None,
        typer.Option(min=0.001, max=1, metavar="RISE", help="Until the risk has risen by this."),
    ] = None,
    next_touchpoint: Annotated[
        bool, typer.Option("--next-touchpoint", help="Until the customer's next sign of life.")
    ] = False,
    rep: Rep = None,
    customer: Customer = None,
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    as_json: Json = False,
) -> None:
    """Put alerts off, until the first of what the options say; for a day without any."""
    from touchstream.agents.cli import alert_answers as command

    given = {
        "verdict": "snoozed",
        "until": command.until_of(until, lasting),
        "worse_by": worse_by,
        "next_touchpoint": next_touchpoint,
    }
    answered = command.Answered(alerts, customer, rep)
    command.answer(load_settings(config, timeout), answered, given, as_json=as_json)


@alerts.command("done")
def done(
    alerts: AlertArguments,
    useful: Annotated[bool, typer.Option("--useful", help="They were worth having.")] = False,
    outcome: Outcome = None,
    reason: Reason = None,
    rep: Rep = None,
    customer: Customer = None,
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    as_json: Json = False,
) -> None:
    """Resolve alerts: they are cleared, and rest for `alerts.rest_days`."""
    from touchstream.agents.cli import alert_answers as command

    given = {"verdict": "resolved", "rating": "useful" if useful else None, "reason": reason}
    answered = command.Answered(alerts, customer, rep, outcome)
    command.answer(load_settings(config, timeout), answered, given, as_json=as_json)


@alerts.command("noise")
def noise(
    alerts: AlertArguments,
    reason: Reason = None,
    rep: Rep = None,
    customer: Customer = None,
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    as_json: Json = False,
) -> None:
    """Say that alerts were not worth having: they are cleared as false alarms."""
    from touchstream.agents.cli import alert_answers as command

    given = {"verdict": "false_alarm", "rating": "noise", "reason": reason}
    answered = command.Answered(alerts, customer, rep)
    command.answer(load_settings(config, timeout), answered, given, as_json=as_json)


@alerts.command("precision")
def precision(
    days: Annotated[
        int, typer.Option(min=1, max=90, help="The last days in UTC, today among them.")
    ] = 28,
    config: Config = None,
    timeout: Timeout = TIMEOUT_S,
    as_json: Json = False,
) -> None:
    """Count by kind and queue how many alerts ended, were rated, and were useful."""
    from touchstream.agents.cli import alert_precision as command

    command.show(load_settings(config, timeout), days, as_json=as_json)
