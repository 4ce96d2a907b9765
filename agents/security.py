"""TLS for Kafka and Redis, from files named in the settings."""

import ssl
from pathlib import Path

from touchstream.agents.settings import KafkaSettings, SettingsError


def kafka_tls(kafka: KafkaSettings) -> ssl.SSLContext | None:
    """Return the context for the broker, or None where the protocol is not encrypted.

    Pass it on explicitly: Faust silently takes SASL without a context for SASL_PLAINTEXT.

    Raises
    ------
    SettingsError
        When a named file cannot be read or is no certificate or key.
    """
    if kafka.security_protocol not in ("SSL", "SASL_SSL"):
        return None
    context = server_trust(kafka.ca_file, "kafka.ca_file")
    if kafka.cert_file is not None:
        _present_certificate(context, kafka.cert_file, kafka.key_file)
    return context


def server_trust(ca_file: Path | None, setting: str) -> ssl.SSLContext:
    """Return a context that checks the server against ``ca_file``, or the system's authorities."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise SettingsError(
            f"{setting}={str(ca_file)!r}: want a PEM file of certificates: {error}"
        ) from error


def _present_certificate(context: ssl.SSLContext, cert_file: Path, key_file: Path | None) -> None:
    try:
        context.load_cert_chain(cert_file, key_file)
    except OSError as error:
        raise SettingsError(
            f"kafka.cert_file={str(cert_file)!r}, kafka.key_file={str(key_file)!r}: "
            f"want a PEM certificate and its key: {error}"
        ) from error
