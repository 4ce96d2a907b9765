"""The deployment's settings, read once at start into one frozen object.

Sources, the later wins: the defaults here, one TOML file, the environment. Settings that shape
results (``seed`` and the tables of ``Rules``) come from the same places and become
``Settings.rules``; no other setting may affect results.

The file is the argument, else what ``TOUCHSTREAM_CONFIG`` names, else ``touchstream.toml`` in the
working directory when it is there. A variable is ``TOUCHSTREAM_<KEY>`` for a key at the top,
``TOUCHSTREAM_<TABLE>__<KEY>`` for one in a table; lists and tables are written as JSON. An empty
text stands for "not set" where a setting has no default.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import msgspec
from pydantic import ConfigDict, Field, ValidationError, model_validator

from touchstream.agents.settings_channels import (
    ChannelSettings,
    SmtpSettings,
    require_known_channels,
)
from touchstream.agents.settings_console import ConsoleSettings
from touchstream.agents.settings_reps import Absence, QueueSettings, RepSettings
from touchstream.agents.settings_sources import Given, KnownKeys, SettingsError, read
from touchstream.agents.settings_tables import (
    HttpSettings,
    KafkaSettings,
    LearnerSettings,
    LoggingSettings,
    NotifierSettings,
    RedisSettings,
    Table,
    TickSettings,
    WorkerSettings,
)
from touchstream.schemas.event_types import EventTypeRules, FieldRules
from touchstream.schemas.rules import (
    ActionRules,
    BandRules,
    LearningRules,
    RoutingRules,
    Rules,
    TargetRules,
    Thresholds,
)

__all__ = [
    "ChannelSettings",
    "ConsoleSettings",
    "HttpSettings",
    "KafkaSettings",
    "LearnerSettings",
    "LoggingSettings",
    "NotifierSettings",
    "QueueSettings",
    "RedisSettings",
    "RepSettings",
    "Settings",
    "SettingsError",
    "SmtpSettings",
    "TickSettings",
    "WorkerSettings",
    "known_keys",
]

MAY_BE_UNSET = frozenset(
    field.name
    for table in (LearningRules, BandRules, ActionRules, TargetRules, EventTypeRules, FieldRules)
    for field in msgspec.structs.fields(table)
    if field.default is None
)
"""Keys of the rules that may be unset; an empty text unsets them."""
SECRETS = frozenset(
    {
        "channels.keys",
        "channels.url",
        "console.oidc_secret",
        "console.secret",
        "kafka.password",
        "redis.password",
        "redis.url",
        "smtp.password",
        "ticks.secret",
    }
)
"""Never shown in a message; an operator may have put a password into the URL."""


class Settings(Table):
    """Everything an operator can set; see docs/settings.md."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    namespace: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] = "touchstream"
    """Prefix of every key in Redis and every consumer group, so namespaces never collide."""
    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    ticks: TickSettings = TickSettings()
    worker: WorkerSettings = WorkerSettings()
    learner: LearnerSettings = LearnerSettings()
    notifier: NotifierSettings = NotifierSettings()
    http: HttpSettings = HttpSettings()
    logging: LoggingSettings = LoggingSettings()
    console: ConsoleSettings = ConsoleSettings()
    reps: tuple[RepSettings, ...] = ()
    """Who answers alerts."""
    queues: tuple[QueueSettings, ...] = ()
    """Where alerts without an owner wait."""
    channels: tuple[ChannelSettings, ...] = ()
    """The ways that alerts leave."""
    smtp: SmtpSettings = SmtpSettings()
    rules: Rules = Rules()

    @classmethod
    def load(cls, path: Path | None = None, environ: Mapping[str, str] | None = None) -> Self:
        """Read file and environment; ``environ`` is the process's own unless given.

        Raises
        ------
        SettingsError
            With one line that names the setting, its source and the valid values.
        """
        given = read(path, os.environ if environ is None else environ, known_keys())
        shaping = Rules.__struct_fields__
        deployment = {key: value for key, value in given.values.items() if key not in shaping}
        rules = {key: value for key, value in given.values.items() if key in shaping}
        try:
            return cls.model_validate({**deployment, "rules": _convert_rules(rules, given)})
        except ValidationError as error:
            # One line is enough: pydantic's own report would show the values of secrets.
            raise SettingsError(_first_fault(error, given)) from None

    @model_validator(mode="after")
    def _names_are_distinct_and_known(self) -> Self:
        names = [one.id for one in (*self.reps, *self.queues)]
        if len(set(names)) < len(names):
            raise ValueError("reps, queues: want distinct ids")
        for one in (*self.reps, *self.queues):
            deputy = one.deputy if isinstance(one, RepSettings) else None
            for key, named in (("escalate_to", one.escalate_to), ("deputy", deputy)):
                if named is not None and named not in names:
                    raise ValueError(f"reps, queues: {key} of {one.id} is {named!r}, which is none")
        return self

    @model_validator(mode="after")
    def _channels_are_known(self) -> Self:
        require_known_channels(self.channels, self.smtp, (*self.reps, *self.queues))
        return self

    def answering_within(self, patience_s: float) -> Self:
        """The settings of a command that waits so many seconds for Kafka or Redis."""
        services = {
            "kafka": self.kafka.answering_within(patience_s),
            "redis": self.redis.answering_within(patience_s),
        }
        return self.model_copy(update=services)


def known_keys() -> KnownKeys:
    """Every key an operator may write, by table; of a list of tables, those of each entry."""
    keys: dict[str, KnownKeys] = {name: {} for name in Rules.__struct_fields__}
    for field in msgspec.structs.fields(Rules):
        if isinstance(field.default, msgspec.Struct):
            keys[field.name] = {key: {} for key in field.default.__struct_fields__}
    # These bands have no capacity, and share the cooldown.
    keys["win_back"] = {"bands": {key: {} for key in Thresholds.__struct_fields__}}
    keys["actions"] = {key: {} for key in ActionRules.__struct_fields__}
    keys["targets"] = {key: {} for key in TargetRules.__struct_fields__}
    fields: KnownKeys = {key: {} for key in FieldRules.__struct_fields__}
    own: KnownKeys = {key: {} for key in EventTypeRules.__struct_fields__}
    keys["routing"] = {key: {} for key in RoutingRules.__struct_fields__}
    keys["event_types"] = {**own, "fields": fields}
    for name, table in Settings.model_fields.items():
        if name != "rules":
            inner = getattr(table.annotation, "model_fields", {})
            keys[name] = {key: {} for key in inner}
    keys["reps"] = {key: {} for key in RepSettings.model_fields}
    keys["reps"] = {**keys["reps"], "absent": {key: {} for key in Absence.model_fields}}
    keys["channels"] = {key: {} for key in ChannelSettings.model_fields}
    keys["queues"] = {key: {} for key in QueueSettings.model_fields}
    return keys


def _convert_rules(values: Mapping[str, object], given: Given) -> Rules:
    try:
        # Not strict, because the environment has no numbers, only their text.
        return msgspec.convert(_without_unset(values), Rules, strict=False)
    except msgspec.ValidationError as error:
        wanted, _, path = str(error).partition(" - at `$.")
        setting = path.removesuffix("`")
        raise SettingsError(_fault(setting, _value_at(given, setting), wanted, given)) from None


def _without_unset(value: object) -> object:
    """Remove the keys that an empty text unsets."""
    if isinstance(value, list):
        return [_without_unset(entry) for entry in value]
    if not isinstance(value, Mapping):
        return value
    return {
        key: _without_unset(below)
        for key, below in value.items()
        if not (below == "" and key in MAY_BE_UNSET)
    }


def _value_at(given: Given, setting: str) -> object:
    value: Any = given.values
    for key in re.findall(r"[^.\[\]]+", setting):
        value = value[int(key)] if isinstance(value, list) else value.get(key)
    return value


def _first_fault(error: ValidationError, given: Given) -> str:
    fault = error.errors()[0]
    path = ".".join(str(key) for key in fault["loc"])
    setting = re.sub(r"\.(\d+)\b", r"[\1]", path)
    return _fault(setting, fault["input"], fault["msg"].removeprefix("Value error, "), given)


def _fault(setting: str, value: object, wanted: str, given: Given) -> str:
    """Compose the one line; a rule that spans several keys names itself in ``wanted``."""
    named = setting or wanted.partition(":")[0]
    origin = f"(from {given.origin(named)})"
    table = re.sub(r"\[\d+\]$", "", named)
    if wanted.startswith((f"{table}.", f"{table}:")):
        return f"{named}{wanted.removeprefix(table)} {origin}"
    secret = re.sub(r"\[\d+\]", "", named) in SECRETS
    shown = "" if secret or not isinstance(value, str | int | float) else f"={value!r}"
    return f"{named}{shown}: {wanted} {origin}"
