"""docker-compose.yml is valid, starts in the right order, and shows nothing to the outside.

No Docker here: the Compose Specification's own JSON Schema (shipped by check-jsonschema) judges it.
"""

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from touchstream.agents.settings import Settings

ROOT = Path(__file__).parents[2]
VARIABLES = {"REDIS_PASSWORD": "s3cret", "PARTITIONS": "12"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def environment_of(service: dict[str, Any]) -> dict[str, str]:
    """The variables a container gets, with what the operator's shell substitutes."""

    def substitute(match: re.Match[str]) -> str:
        return VARIABLES[match["name"]]

    return {
        name: re.sub(r"\$\{(?P<name>\w+)[^}]*\}", substitute, str(value))
        for name, value in service["environment"].items()
    }


def test_it_obeys_the_compose_specification(compose: dict[str, Any]) -> None:
    vendored = resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    schema = json.loads(vendored.read_text())
    # The extension field only holds the YAML anchor.
    jsonschema.Draft202012Validator(schema).validate(compose)


def test_the_specification_refuses_a_misspelt_key(compose: dict[str, Any]) -> None:
    vendored = resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    schema = json.loads(vendored.read_text())
    worker = {**compose["services"]["worker"], "dependson": []}
    wrong = {**compose, "services": {**compose["services"], "worker": worker}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(wrong)


def test_the_services_are_those_of_the_design(compose: dict[str, Any]) -> None:
    images = {name: service["image"] for name, service in compose["services"].items()}
    assert images == {
        "kafka": "apache/kafka:4.1.1",
        "redis": "redis:7",
        "topics": "touchstream:0.1.0",
        "worker": "touchstream:0.1.0",
        "learner": "touchstream:0.1.0",
        "notifier": "touchstream:0.1.0",
    }


def test_only_loopback_is_published(compose: dict[str, Any]) -> None:
    published = {
        name: service["ports"]
        for name, service in compose["services"].items()
        if "ports" in service
    }
    assert published == {"kafka": ["127.0.0.1:9092:9092"], "redis": ["127.0.0.1:6379:6379"]}


@pytest.mark.parametrize("role", ["worker", "learner"])
def test_a_role_starts_when_its_services_answer_and_the_topics_are_there(
    compose: dict[str, Any], role: str
) -> None:
    conditions = {
        name: entry["condition"] for name, entry in compose["services"][role]["depends_on"].items()
    }
    assert conditions == {
        "kafka": "service_healthy",
        "redis": "service_healthy",
        "topics": "service_completed_successfully",
    }


def test_whatever_is_waited_for_can_tell_that_it_is_healthy(compose: dict[str, Any]) -> None:
    services = compose["services"]
    awaited = {
        name
        for service in services.values()
        for name, entry in service.get("depends_on", {}).items()
        if entry["condition"] == "service_healthy"
    }
    assert awaited == {"kafka", "redis"}
    assert all("test" in services[name]["healthcheck"] for name in awaited)


def test_workers_can_be_scaled(compose: dict[str, Any]) -> None:
    assert not {"container_name", "ports", "hostname"} & compose["services"]["worker"].keys()


def test_redis_never_evicts_and_writes_a_log(compose: dict[str, Any]) -> None:
    command = " ".join(compose["services"]["redis"]["command"])
    assert "--maxmemory-policy noeviction" in command
    assert "--appendonly yes" in command


def test_the_password_of_redis_must_be_given(compose: dict[str, Any]) -> None:
    for name in ("redis", "worker"):
        environment = compose["services"][name]["environment"]
        (password,) = (value for key, value in environment.items() if key.endswith("PASSWORD"))
        assert password.startswith("${REDIS_PASSWORD:?")


@pytest.mark.parametrize("role", ["topics", "worker", "learner"])
def test_the_variables_of_a_role_are_settings(compose: dict[str, Any], role: str) -> None:
    settings = Settings.load(None, environment_of(compose["services"][role]))
    assert settings.kafka.bootstrap == "kafka:19092"
    assert settings.redis.url == "redis://redis:6379/0"
    assert settings.redis.password is not None
    assert settings.redis.password.get_secret_value() == "s3cret"


def test_workers_reach_the_listener_that_kafka_advertises_inside(compose: dict[str, Any]) -> None:
    kafka = compose["services"]["kafka"]["environment"]
    assert "INSIDE://kafka:19092" in kafka["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert "INSIDE://:19092" in kafka["KAFKA_LISTENERS"].split(",")


def test_the_image_checks_the_port_that_the_defaults_serve() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert f"http://127.0.0.1:{Settings().http.port}/live" in text


def test_the_image_runs_as_a_user_without_rights_and_installs_by_hash() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert "USER touchstream" in lines
    assert lines.index("USER touchstream") < lines.index('ENTRYPOINT ["touchstream"]')
    assert any("--require-hashes -r requirements-runtime.lock" in line for line in lines)
