"""The folder of a replay without its scores: the summary and the emissions."""

from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct, field

from touchstream.agents.replay.collector import RULES_FILE
from touchstream.agents.replay.outputs import mixture
from touchstream.agents.report.scores import EVER, Foreign, read_lines
from touchstream.schemas.envelope import OWN_SOURCE
from touchstream.schemas.rules import Rules
from touchstream.schemas.topics import (
    CHURN_RISK_TOPIC,
    CUSTOMER_SIGNALS_TOPIC,
    NEXT_BEST_ACTION_TOPIC,
)
from touchstream.streams.learn.snapshot import CHURN

BASELINES = ("base_rate", "recency")
OF_MODELS = ("drift.", "model.")
"""Prefixes of signals about models; names of signals about customers have no dot."""
MOST_SIGNALS = 50
"""Signals about models that are kept, the newest."""

Measures = dict[str, float | None]


class Group(Struct):
    """Outcomes of treated or of untreated customers."""

    n: int
    churned: float | None
    mean_risk: float | None


class UnknownField(Struct):
    """A field that a type does not know, and the optional one that it probably stands for."""

    type: str
    field: str
    events: int
    did_you_mean: str | None


class Summary(Struct):
    """The part of ``summary.json`` that the page shows."""

    records: dict[str, int]
    dead_by_reason: dict[str, int]
    dropped_by_reason: dict[str, int]
    customers: int
    ticks: int
    models: dict[str, Measures] | None
    unknown_types: tuple[str, ...] = ()
    """A sentence for each unknown type that resembles a known one."""
    all_customers: dict[str, str | float | None] | None = None
    """Churn and return together; an earlier build has none."""
    served: dict[str, str] | None = None
    treatment: dict[str, Group] | None = None
    unknown_fields: list[UnknownField] = []
    outcome_faults: dict[str, int] = {}
    files: dict[str, str] | None = None
    """Fingerprints of the run's other outputs; an earlier build has none."""
    odd_events: dict[str, int] = {}
    """Applied events that were late, clamped ...; an earlier build has none."""

    @property
    def targets(self) -> list[str]:
        """The predicted targets, churn first."""
        further = [name for name in self.models or {} if name not in (CHURN, *BASELINES)]
        return [CHURN, *further]


class ModelSignal(NamedTuple):
    """A signal about a model: it drifts, is promoted, falls back."""

    day: date
    target: str
    signal: str
    before: str
    after: str


class Emitted(Struct):
    """Counts over the emissions of a replay."""

    horizon_days: int | None = None
    crossings: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By band before ("" for none) and band after."""
    weightiest: Counter[str] = field(default_factory=Counter)
    """The first reason of customers who entered the band high, by its kind."""
    examples: dict[str, str] = field(default_factory=dict)
    """Kind of reason -> the newest sentence."""
    chosen: Counter[str] = field(default_factory=Counter)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By action and reason."""
    signals: Counter[str] = field(default_factory=Counter)
    """Signals about customers, by name."""
    model_signals: list[ModelSignal] = []


class _Reason(Struct):
    text: str
    kind: str | None = None
    """Absent in replays by earlier builds, whose texts held no numbers."""


class _Risk(Struct):
    horizon_days: int
    band_before: str | None
    band: str
    reasons: list[_Reason]


class _LeftOut(Struct):
    action: str
    reason: str


class _Action(Struct):
    action: str
    left_out: list[_LeftOut]


class _Signal(Struct):
    signal: str | None = None
    """Absent from a type of its own, such as ``engagement.dropping``."""
    before: str | float | bool | None = None
    value: str | float | bool | None = None


class _RiskEvent(Struct):
    time: datetime
    data: _Risk


class _ActionEvent(Struct):
    time: datetime
    data: _Action


class _SignalEvent(Struct):
    type: str
    time: datetime
    subject: str
    data: _Signal


def read_summary(folder: Path) -> Summary:
    """Read ``summary.json``; raises :class:`Foreign` if it is of another format.

    So it does if the summary is missing, or stands beside files of another run.
    """
    path = folder / "summary.json"
    try:
        summary = msgspec.json.decode(path.read_bytes(), type=Summary)
    except OSError as exc:
        raise Foreign(f"{path.name}: {exc.strerror}") from exc
    except msgspec.MsgspecError as exc:
        raise Foreign(f"{path.name}: {exc}") from exc
    other = None if summary.files is None else mixture(folder, summary.files)
    if other is not None:
        raise Foreign(f"{other}: not of the run that wrote {path.name}")
    return summary


def read_rules(folder: Path) -> Rules | None:
    """Read the rules of the replay; None if an earlier build wrote the folder."""
    path = folder / RULES_FILE
    try:
        return Rules.from_text(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise Foreign(f"{path.name}: {exc.strerror}") from exc
    except (msgspec.MsgspecError, KeyError, TypeError) as exc:
        raise Foreign(f"{path.name}: {exc}") from exc


def read_emissions(folder: Path, since: date = EVER) -> Emitted:
    """Count the emissions from the day ``since`` on."""
    found = Emitted()
    for risk in read_lines(folder / f"{CHURN_RISK_TOPIC}.jsonl", _RiskEvent):
        if risk.time.date() >= since:
            _count_risk(found, risk.data)
    for action in read_lines(folder / f"{NEXT_BEST_ACTION_TOPIC}.jsonl", _ActionEvent):
        if action.time.date() >= since:
            found.chosen[action.data.action] += 1
            found.left_out.update((out.action, out.reason) for out in action.data.left_out)
    for signal in read_lines(folder / f"{CUSTOMER_SIGNALS_TOPIC}.jsonl", _SignalEvent):
        if signal.time.date() >= since:
            _count_signal(found, signal)
    return found


def _count_risk(found: Emitted, risk: _Risk) -> None:
    found.horizon_days = risk.horizon_days
    found.crossings[risk.band_before or "", risk.band] += 1
    if risk.band == "high" and risk.reasons:
        first = risk.reasons[0]
        kind = first.text if first.kind is None else first.kind.replace("_", " ")
        found.weightiest[kind] += 1
        found.examples[kind] = first.text


def _count_signal(found: Emitted, event: _SignalEvent) -> None:
    """Count a signal by its name, or by its type where it has none."""
    data = event.data
    name = data.signal or event.type
    if data.signal is None or not name.startswith(OF_MODELS):
        found.signals[name] += 1
        return
    target = event.subject.removeprefix(f"{OWN_SOURCE}.")
    model_signals = ModelSignal(
        event.time.date(), target, name, _text(data.before), _text(data.value)
    )
    found.model_signals = [*found.model_signals, model_signals][-MOST_SIGNALS:]


def _text(value: str | float | bool | None) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)
