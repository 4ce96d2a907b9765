"""No text is left over: code or a template uses each, by its key or as one of a family."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from touchstream.agents import languages, notifier
from touchstream.agents.cli import alerts
from touchstream.agents.languages.catalogue import catalogues
from touchstream.agents.languages.texts import Change, Why
from touchstream.agents.settings_reps import Language, Role
from touchstream.schemas.emissions.alerts import SaveabilityFrom, ValueFrom
from touchstream.schemas.emissions.risk import ReasonKind
from touchstream.schemas.rules import DEFAULT_ACTIONS, Band
from touchstream.streams.decide.bands import Gate
from touchstream.streams.decide.policy import DO_NOTHING
from touchstream.streams.emit.amounts import AmountUnit
from touchstream.web import console
from touchstream.web.console.answers import OUTCOMES, SNOOZES, VERBS
from touchstream.web.console.pages import PAGES
from touchstream.web.console.rows import SORTS
from touchstream.web.console.texts import LANGUAGES

Families = Mapping[str, Iterable[str]]

FAMILY = re.compile(r"""f["']([a-z][\w-]*-)\{|["']([a-z][\w-]*-)["'] ~""")
LITERAL = re.compile(r"""["']([a-z][\w-]*\w)(?:["']|\{)""")
ALERT_KINDS = ("churn", "return", "engagement")

OF_THE_CONSOLE: Families = {
    "alert-saveability-": get_args(SaveabilityFrom),
    "alert-value-": get_args(ValueFrom),
    "answer-": VERBS,
    "answered-": ("resolved", "false_alarm", "snoozed"),
    "band-": get_args(Band),
    "gate-": get_args(Gate),
    "kind-": ALERT_KINDS,
    "left-out-": (*("target", "band", "no_open_ticket", "consent_refused", "resting", "holdout"),),
    "measure-": ("log_loss", "roc_auc", "average_precision", "ece"),
    "outcome-": OUTCOMES,
    "page-": [page.key for page in PAGES],
    "queue-more-": ("snooze", "outcome"),
    "role-": get_args(Role),
    "snooze-": SNOOZES,
    "sort-": SORTS,
    "target-": ("churn", "return", "base_rate", "recency"),
    "verb-": (*VERBS, "claim", "release"),
}
OF_FACTS: Families = {
    "action-": (*(action.name for action in DEFAULT_ACTIONS), DO_NOTHING),
    "amount-": get_args(AmountUnit),
    "band-": get_args(Band),
    "change-": get_args(Change),
    "cleared-": get_args(Why),
    "column-": (
        *("customer", "kind", "why", "action", "since", "owner", "queue", "state", "value"),
        "priority",
    ),
    "kind-": ALERT_KINDS,
    "reason-": get_args(ReasonKind),
    "summary-": ALERT_KINDS,
    "value-": get_args(ValueFrom),
}


def folder(module: ModuleType) -> Path:
    assert module.__file__ is not None
    return Path(module.__file__).parent


CONSOLE = folder(console)
SOURCES_OF_THE_CONSOLE = [*CONSOLE.glob("*.py"), *CONSOLE.glob("templates/*.html")]
SOURCES_OF_FACTS = [
    *folder(languages).glob("*.py"),
    *folder(languages).glob("mail/*.j2"),
    *folder(notifier).glob("*.py"),
    folder(alerts) / "alerts.py",
]


def text_of(sources: Iterable[Path]) -> str:
    return "".join(source.read_text(encoding="utf-8") for source in sources)


def left_over(keys: Iterable[str], sources: Iterable[Path], families: Families) -> list[str]:
    """The keys that are neither written in a source nor in a family that one uses."""
    text = text_of(sources)
    used = set(LITERAL.findall(text))
    in_use = {first or second for first, second in FAMILY.findall(text)}
    used |= {prefix + one for prefix in families if prefix in in_use for one in families[prefix]}
    return sorted(key for key in keys if key not in used)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_console_is_used(language: Language) -> None:
    source = (CONSOLE / "texts" / f"{language}.ftl").read_text(encoding="utf-8")
    keys = re.findall(r"^([a-z][\w-]*) =", source, re.MULTILINE)
    assert left_over(keys, SOURCES_OF_THE_CONSOLE, OF_THE_CONSOLE) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_about_alerts_is_used(language: Language) -> None:
    keys = {key.partition(".")[0] for key in catalogues()[language].keys}
    assert left_over(keys, SOURCES_OF_FACTS, OF_FACTS) == []


def test_a_text_that_nothing_uses_is_found() -> None:
    keys = ["page-channels", "page-queue", "of-nobody"]
    found = left_over(keys, SOURCES_OF_THE_CONSOLE, OF_THE_CONSOLE)
    assert found == ["of-nobody", "page-channels"]
