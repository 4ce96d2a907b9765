"""The emissions of topic ``alerts``."""

from touchstream.schemas.emissions.alerts import AlertCleared, AlertRaised, AlertUpdated
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.rules import Probability
from touchstream.schemas.topics import ALERTS_TOPIC
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.emit.identity import emission_id

_TYPES: dict[type[AlertRaised | AlertUpdated | AlertCleared], str] = {
    AlertRaised: "alert.raised",
    AlertUpdated: "alert.updated",
    AlertCleared: "alert.cleared",
}


def alert_id(subject: CustomerId, cause: Cause, kind: str) -> str:
    """The id of an alert, and of the emission that raises it."""
    return emission_id(subject, cause, f"alert.raised {kind}")


def alert_emission(
    subject: CustomerId,
    data: AlertRaised | AlertUpdated | AlertCleared,
    now_ms: Millis,
    index: int = 0,
) -> Emission:
    """One event about an alert; ``index`` among those of its type and kind in a step."""
    name = _TYPES[type(data)]
    return Emission(
        type=name,
        topic=ALERTS_TOPIC,
        id=emission_id(subject, data.cause, f"{name} {data.kind}", index),
        subject=subject,
        time_ms=now_ms,
        data=data,
    )


def summary_of(
    kind: str, risk: Probability, horizon_days: int, reasons: tuple[str, ...], action: str | None
) -> str:
    """Event and advice in English.

    >>> summary_of("churn", 0.812, 28, ("silent for 19 days, usually comes every 4",), "send_offer")
    'May leave within 28 days (81 %): silent for 19 days, usually comes every 4. Do: send offer.'
    """
    percent = f"{100 * risk:.0f} %"
    said = {
        "churn": f"May leave within {horizon_days} days ({percent})",
        "return": f"May come back within {horizon_days} days ({percent})",
        "engagement": f"Half as active as usual, may leave ({percent})",
    }.get(kind, f"{kind.replace('_', ' ').capitalize()} is likely ({percent})")
    because = f": {reasons[0]}" if reasons else ""
    advice = f" Do: {action.replace('_', ' ')}." if action else ""
    return f"{said}{because}.{advice}"
