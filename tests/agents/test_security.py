"""TLS contexts come from files, or say which file is wrong."""

import ssl
from pathlib import Path

import pytest

from touchstream.agents.security import kafka_tls, server_trust
from touchstream.agents.settings import KafkaSettings, SettingsError


def test_plaintext_has_no_context() -> None:
    assert kafka_tls(KafkaSettings()) is None


@pytest.mark.parametrize("protocol", ["SSL", "SASL_SSL"])
def test_an_encrypted_protocol_checks_the_server_and_its_name(protocol: str) -> None:
    kafka = KafkaSettings.model_validate(
        {"security_protocol": protocol, "username": "u", "password": "p"}
    )
    context = kafka_tls(kafka)
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_missing_authority_file_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^redis\.ca_file='/nowhere/ca\.pem': want a PEM"):
        server_trust(Path("/nowhere/ca.pem"), "redis.ca_file")


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    file = tmp_path / "client.pem"
    file.write_text("not a certificate")
    kafka = KafkaSettings(security_protocol="SSL", cert_file=file, key_file=file)
    with pytest.raises(SettingsError, match=r"^kafka\.cert_file="):
        kafka_tls(kafka)
