"""Settings that an operator may write, and the messages when one is wrong."""

import re
import tomllib
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.agents.settings import Settings, SettingsError, known_keys
from touchstream.agents.settings_channels import ChannelSettings
from touchstream.agents.settings_reps import Absence, QueueSettings, RepSettings
from touchstream.agents.settings_sources import KnownKeys
from touchstream.agents.settings_tables import Table
from touchstream.schemas.event_types import EventTypeRules, FieldRules
from touchstream.schemas.rules import ActionRules, RoutingRules, Rules, TargetRules

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "touchstream.example.toml"


@pytest.fixture(autouse=True)
def _folder_without_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal(environ: dict[str, str], path: Path | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.load(path, environ)
    return str(caught.value)


def refusal_or_none(environ: dict[str, str]) -> str | None:
    try:
        Settings.load(None, environ)
    except SettingsError as error:
        return str(error)
    return None


def dotted(known: KnownKeys, within: str = "") -> set[str]:
    leaves = {within + key for key, below in known.items() if not below}
    return leaves.union(*(dotted(below, f"{within}{key}.") for key, below in known.items()))


def written(text: str) -> set[str]:
    """Every key of a TOML text by its dotted name; the entries of a list of tables as one."""
    return set(keys_in(tomllib.loads(text), ""))


def keys_in(value: object, name: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from keys_in(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for table in value:
            yield from keys_in(table, name)
    else:
        yield name


def test_nothing_written_gives_the_defaults() -> None:
    settings = Settings.load(None, {})
    assert settings == Settings()
    assert settings.kafka.bootstrap == "127.0.0.1:9092"
    assert settings.rules == Rules()


def test_the_example_file_holds_exactly_the_defaults() -> None:
    assert Settings.load(EXAMPLE, {}) == Settings()


def example_with_its_comments() -> str:
    """The example file with the tables that stand in it as comments."""
    return re.sub(r"^# (?=\[\[|\[\w+\]$|\w+ = )", "", EXAMPLE.read_text(), flags=re.MULTILINE)


def test_the_example_file_holds_every_key() -> None:
    assert written(example_with_its_comments()) == dotted(known_keys())


def test_the_event_type_in_the_example_file_is_one(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text(example_with_its_comments())
    [kind] = Settings.load(file, {}).rules.event_types
    assert (kind.name, kind.family, kind.by_customer) == ("meter.read", "content", True)
    assert kind.fields == (
        FieldRules(
            name="kwh",
            type="integer",
            required=True,
            unit="kWh",
            description="Energy since the last reading.",
            minimum=0,
            maximum=100_000,
        ),
        FieldRules(name="channel", type="string", values=("app", "phone")),
    )


def test_the_target_in_the_example_file_is_one(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text(example_with_its_comments())
    assert Settings.load(file, {}).rules.targets == (
        TargetRules(
            name="repeat_contact", after=("call.ended",), events=("call.ended",), signal_at=0.5
        ),
    )


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text('namespace = "shop"\n[kafka]\npartitions = 3\nbootstrap = "a:1"\n')
    settings = Settings.load(file, {"TOUCHSTREAM_KAFKA__PARTITIONS": "4"})
    assert (settings.namespace, settings.kafka.partitions) == ("shop", 4)
    assert settings.kafka.bootstrap == "a:1"


def test_the_variable_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text("seed = 7\n")
    assert Settings.load(None, {"TOUCHSTREAM_CONFIG": str(file)}).rules.seed == 7


def test_the_argument_wins_over_the_variable(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text("seed = 7\n")
    assert Settings.load(file, {"TOUCHSTREAM_CONFIG": "/nowhere"}).rules.seed == 7


def test_touchstream_toml_in_the_working_directory_is_read(tmp_path: Path) -> None:
    (tmp_path / "touchstream.toml").write_text("seed = 9\n")
    assert Settings.load(None, {}).rules.seed == 9


def test_rules_come_from_both_sources(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text('[churn]\nhorizon_days = 14\n[[actions]]\nname = "call"\nchannel = "phone"\n')
    rules = Settings.load(file, {"TOUCHSTREAM_DECIDING__EPSILON": "0.2"}).rules
    assert (rules.churn.horizon_days, rules.deciding.epsilon) == (14, 0.2)
    assert rules.actions == (ActionRules(name="call", channel="phone"),)


def test_lists_in_the_environment_are_json() -> None:
    settings = Settings.load(None, {"TOUCHSTREAM_CHURN__CANCEL": '["order.returned"]'})
    assert settings.rules.churn.cancel == ("order.returned",)


def test_empty_text_is_not_set() -> None:
    settings = Settings.load(
        None, {"TOUCHSTREAM_REDIS__PASSWORD": "", "TOUCHSTREAM_KAFKA__CA_FILE": ""}
    )
    assert (settings.redis.password, settings.kafka.ca_file) == (None, None)


def test_empty_text_is_no_challenger(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text('[learning]\nchallenger = ""\n')
    assert Settings.load(file, {}).rules.learning.challenger is None
    assert Settings.load(None, {"TOUCHSTREAM_LEARNING__CHALLENGER": ""}) == Settings()


def test_empty_text_for_what_has_to_be_there_is_refused() -> None:
    assert refusal({"TOUCHSTREAM_LEARNING__MODEL": ""}) == (
        "learning.model='': Invalid enum value '' (from TOUCHSTREAM_LEARNING__MODEL)"
    )


def test_targets_in_the_environment_are_json() -> None:
    text = '[{"name": "again", "after": ["call.ended"], "events": ["call.ended"]}]'
    assert Settings.load(None, {"TOUCHSTREAM_TARGETS": text}).rules.targets == (
        TargetRules(name="again", after=("call.ended",), events=("call.ended",)),
    )


def test_services_of_kubernetes_are_no_settings() -> None:
    environ = {
        "TOUCHSTREAM_WEB_SERVICE_HOST": "10.0.0.1",
        "TOUCHSTREAM_WEB_SERVICE_PORT": "80",
        "TOUCHSTREAM_WEB_PORT": "tcp://10.0.0.1:80",
        "TOUCHSTREAM_WEB_PORT_80_TCP_ADDR": "10.0.0.1",
    }
    assert Settings.load(None, environ) == Settings()


def test_variables_of_bench_are_no_settings() -> None:
    environ = {"TOUCHSTREAM_DATA": "/data", "TOUCHSTREAM_KAFKA_LIBS": "/jars"}
    assert Settings.load(None, environ) == Settings()


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        (
            "TOUCHSTREAM_KAFKA__BOOSTRAP",
            "a:1",
            "kafka.boostrap: no such setting (from TOUCHSTREAM_KAFKA__BOOSTRAP); "
            "did you mean kafka.bootstrap?",
        ),
        (
            "TOUCHSTREAM_KAFKA_BOOTSTRAP",
            "a:1",
            "kafka_bootstrap: no such setting (from TOUCHSTREAM_KAFKA_BOOTSTRAP); "
            "did you mean kafka.bootstrap?",
        ),
        (
            "TOUCHSTREAM_XYZZY",
            "1",
            "xyzzy: no such setting (from TOUCHSTREAM_XYZZY); see docs/settings.md",
        ),
        (
            "TOUCHSTREAM_ACTIONS",
            '[{"name": "call", "chanel": "phone"}]',
            "actions[0].chanel: no such setting (from TOUCHSTREAM_ACTIONS); "
            "did you mean actions[0].channel?",
        ),
        (
            "TOUCHSTREAM_TARGETS",
            '[{"name": "again", "after": ["call"], "events": ["call.ended"]}]',
            "targets[0].after: 'call' is no event type; see docs/events.md "
            "(from TOUCHSTREAM_TARGETS)",
        ),
        (
            "TOUCHSTREAM_TARGETS",
            '[{"name": "again", "after": ["call.ended"], "events": ["order.place"]}]',
            "targets[0].events: 'order.place' is no event type; did you mean 'order.placed'? "
            "(from TOUCHSTREAM_TARGETS)",
        ),
        (
            "TOUCHSTREAM_TARGETS",
            '[{"name": "again", "horizon_days": 1}]',
            "targets[0].horizon_days: no such setting (from TOUCHSTREAM_TARGETS); "
            "did you mean targets[0].horizon_hours?",
        ),
        (
            "TOUCHSTREAM_KAFKA__PARTITIONS",
            "0",
            "kafka.partitions='0': Input should be greater than or equal to 1 "
            "(from TOUCHSTREAM_KAFKA__PARTITIONS)",
        ),
        (
            "TOUCHSTREAM_KAFKA__BOOTSTRAP",
            "broker",
            "kafka.bootstrap='broker': want host:port, several separated by commas "
            "(from TOUCHSTREAM_KAFKA__BOOTSTRAP)",
        ),
        (
            "TOUCHSTREAM_KAFKA__SECURITY_PROTOCOL",
            "SASL_SSL",
            "kafka: SASL_SSL wants username and password "
            "(from TOUCHSTREAM_KAFKA__SECURITY_PROTOCOL)",
        ),
        (
            "TOUCHSTREAM_KAFKA__CERT_FILE",
            "c.pem",
            "kafka: want cert_file and key_file together, or neither "
            "(from TOUCHSTREAM_KAFKA__CERT_FILE)",
        ),
        (
            "TOUCHSTREAM_WORKER__DEAD_LETTER_WINDOW",
            "10",
            "worker: want dead_letter_limit <= dead_letter_window "
            "(from TOUCHSTREAM_WORKER__DEAD_LETTER_WINDOW)",
        ),
        (
            "TOUCHSTREAM_CHURN__HORIZON_DAYS",
            "0",
            "churn.horizon_days='0': Expected `int` >= 1 (from TOUCHSTREAM_CHURN__HORIZON_DAYS)",
        ),
        (
            "TOUCHSTREAM_CHURN__CANCEL",
            '["left"]',
            "churn.cancel: 'left' is no event type; see docs/events.md "
            "(from TOUCHSTREAM_CHURN__CANCEL)",
        ),
        (
            "TOUCHSTREAM_BANDS__HIGH_ENTER",
            "0.1",
            "bands: want medium_leave <= medium_enter <= high_enter "
            "(from TOUCHSTREAM_BANDS__HIGH_ENTER)",
        ),
        (
            "TOUCHSTREAM_ACTIONS",
            '[{"name": "call"}]',
            "actions[0]: Object missing required field `channel` (from TOUCHSTREAM_ACTIONS)",
        ),
        (
            "TOUCHSTREAM_EVENT_TYPES",
            '[{"name": "meter.read", "by_customer": true}]',
            "event_types[0]: Object missing required field `family` (from TOUCHSTREAM_EVENT_TYPES)",
        ),
        (
            "TOUCHSTREAM_EVENT_TYPES",
            '[{"name": "meter.read", "family": "meter", "by_customer": true}]',
            "event_types[0].family='meter': Invalid enum value 'meter' "
            "(from TOUCHSTREAM_EVENT_TYPES)",
        ),
        (
            "TOUCHSTREAM_EVENT_TYPES",
            '[{"name": "order.placed", "family": "order", "by_customer": true}]',
            "event_types[0].name: 'order.placed' is built in; see docs/events.md "
            "(from TOUCHSTREAM_EVENT_TYPES)",
        ),
        (
            "TOUCHSTREAM_EVENT_TYPES",
            '[{"name": "meter.read", "family": "content", "by_customer": true, "fields": '
            '[{"name": "kwh", "type": "float"}]}]',
            "event_types[0].fields[0].type='float': Invalid enum value 'float' "
            "(from TOUCHSTREAM_EVENT_TYPES)",
        ),
        (
            "TOUCHSTREAM_EVENT_TYPES",
            '[{"name": "meter.read", "family": "content", "by_customer": true, "fields": '
            '[{"name": "plan", "type": "string", "minimum": 1}]}]',
            "event_types[0].fields[0]: minimum: want it for integer and number, not for string "
            "(from TOUCHSTREAM_EVENT_TYPES)",
        ),
        (
            "TOUCHSTREAM_EVENT_TYPES",
            '[{"name": "meter.read", "family": "content", "by_customer": true, "fields": '
            '[{"name": "kwh", "type": "integer", "uint": "kWh"}]}]',
            "event_types[0].fields[0].uint: no such setting (from TOUCHSTREAM_EVENT_TYPES); "
            "did you mean event_types[0].fields[0].unit?",
        ),
        (
            "TOUCHSTREAM_CHURN__CANCEL",
            "[",
            "TOUCHSTREAM_CHURN__CANCEL: want JSON after '[': "
            "Expecting value: line 1 column 2 (char 1)",
        ),
        (
            "TOUCHSTREAM_KAFKA",
            "broker",
            "kafka='broker': Input should be a valid dictionary or instance of KafkaSettings "
            "(from TOUCHSTREAM_KAFKA)",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_origin(name: str, text: str, line: str) -> None:
    assert refusal({name: text}) == line


def test_equal_action_names_are_refused_with_their_origin() -> None:
    entry = '{"name": "call", "channel": "phone"}'
    assert refusal({"TOUCHSTREAM_ACTIONS": f"[{entry}, {entry}]"}) == (
        "actions: want distinct names, and do_nothing is always there (from TOUCHSTREAM_ACTIONS)"
    )


def test_a_wrong_key_in_the_file_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text("[redis]\ntimeout = 3\n")
    assert refusal({}, file) == (
        f"redis.timeout: no such setting (from {file}); did you mean redis.timeout_s?"
    )


def test_a_missing_file_is_refused() -> None:
    assert refusal({}, Path("/nowhere/t.toml")) == (
        "/nowhere/t.toml: want a readable TOML file: No such file or directory"
    )


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text("seed: 3\n")
    assert refusal({}, file).startswith(f"{file}: want TOML in UTF-8: ")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TOUCHSTREAM_REDIS__URL", "redis://reader:hunter2@host"),
        ("TOUCHSTREAM_REDIS__URL", "hunter2://host"),
        ("TOUCHSTREAM_TICKS__SECRET", "hunter2"),
    ],
)
def test_a_refusal_never_shows_a_secret(name: str, text: str) -> None:
    assert "hunter2" not in refusal({name: text})


def test_settings_never_show_a_secret() -> None:
    settings = Settings.load(None, {"TOUCHSTREAM_REDIS__PASSWORD": "hunter2"})
    assert "hunter2" not in repr(settings)


def test_settings_cannot_be_changed() -> None:
    settings = Settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.kafka.partitions = 3


@given(st.sampled_from(sorted(dotted(known_keys()))), st.text(max_size=40))
def test_any_text_for_any_setting_loads_or_is_refused_in_one_line(setting: str, text: str) -> None:
    name = "TOUCHSTREAM_" + setting.upper().replace(".", "__")
    line = refusal_or_none({name: text})
    assert line is None or (name in line and len(line.splitlines()) == 1)


LISTED: dict[str, type[msgspec.Struct]] = {
    "actions": ActionRules,
    "targets": TargetRules,
    "routing": RoutingRules,
    "event_types": EventTypeRules,
    "event_types.fields": FieldRules,
}
"""The lists of tables that shape results, and what an entry is."""

TABLES: dict[str, type[Table]] = {
    "channels": ChannelSettings,
    "queues": QueueSettings,
    "reps": RepSettings,
    "reps.absent": Absence,
}
"""The other lists of tables."""


def documented_rows() -> dict[str, str]:
    """Setting -> default, as docs/settings.md has them."""
    text = (ROOT / "docs" / "settings.md").read_text()
    return dict(re.findall(r"^\| `([a-z_0-9.]+)` \| (.+?) \| .+ \|$", text, re.MULTILINE))


def default_of(setting: str) -> object:
    table, _, key = setting.rpartition(".")
    settings = Settings()
    if table in LISTED:
        field = {field.name: field for field in msgspec.structs.fields(LISTED[table])}[key]
        return "required" if field.required else field.default
    if table in TABLES:
        known = TABLES[table].model_fields[key]
        return "required" if known.is_required() else known.default
    first = setting.partition(".")[0]
    holder: object = settings.rules if hasattr(settings.rules, first) else settings
    return attrgetter(setting)(holder)


def as_documented(default: object) -> str:
    if default is None:
        return "not set"
    if default == "required":
        return "required"
    if default == Rules().churn.activity:
        return "all marked ° in [events.md](events.md)"
    text = msgspec.json.encode(default).decode().replace('","', '", "')
    return f"`{text}`"


def test_the_documented_settings_are_all_there_are() -> None:
    assert set(documented_rows()) == dotted(known_keys())


def test_the_documented_defaults_are_the_defaults() -> None:
    expected = {setting: as_documented(default_of(setting)) for setting in documented_rows()}
    assert documented_rows() == expected


def test_a_capacity_set_aside_by_an_empty_text_is_the_share() -> None:
    settings = Settings.load(None, {"TOUCHSTREAM_BANDS__HIGH_PER_DAY": ""})
    assert settings.rules.bands == Rules().bands


def test_a_capacity_beside_a_typed_threshold_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text("[bands]\nhigh_per_day = 50\nhigh_enter = 0.8\n")
    assert refusal({}, file).startswith(
        "bands: want high_per_day or thresholds such as high_enter, not both (from "
    )


def test_the_bands_of_win_back_have_thresholds_alone(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text("[win_back.bands]\nhigh_enter = 0.75\n")
    assert Settings.load(file, {}).rules.win_back.bands.typed is not None
    file.write_text("[win_back.bands]\nhigh_per_day = 5\n")
    assert refusal({}, file).startswith("win_back.bands.high_per_day: no such setting")


def test_a_rep_or_queue_that_another_names_is_one_that_there_is(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text('[[reps]]\nid = "ada"\ndeputy = "bob"\n')
    assert refusal({}, file) == (
        f"reps, queues: deputy of ada is 'bob', which is none (from {file})"
    )
    file.write_text('[[reps]]\nid = "ada"\n[[queues]]\nid = "ada"\n')
    assert refusal({}, file) == f"reps, queues: want distinct ids (from {file})"


def test_no_rep_has_the_name_of_the_consoles_guest(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text('[[reps]]\nid = "guest"\n')
    assert "want another id than 'guest', the console's own" in refusal({}, file)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('quiet_hours = "8-18"', "want hours such as 18:00-08:00"),
        ('time_zone = "Istanbul"', "want a time zone such as Europe/Istanbul"),
        (
            'digest_hours = [8, 18]\nquiet_hours = "18:00-08:30"',
            "want digest_hours outside of quiet_hours, not 18",
        ),
        ("answer_within_minutes = 5", "want escalate_to with answer_within_minutes"),
        ('escalate_to = "ada"', "want escalate_to to name another rep or queue"),
        ("absent = [{first = 2026-12-31, last = 2026-12-24}]", "want first <= last"),
    ],
    ids=lambda text: text.partition(" ")[0],
)
def test_what_a_rep_cannot_be(line: str, wanted: str, tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text(f'[[reps]]\nid = "ada"\n{line}\n')
    assert wanted in refusal({}, file)
