"""Kafka's settings, given once, in the words of both clients: librdkafka, and aiokafka under Faust."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from streams.errors import SettingsError
from streams.settings_connect import KafkaSettings, RegistrySettings

if TYPE_CHECKING:
    from schemas.registry import Registry

Config = dict[str, str | int | float | bool | object]

MAX_RECORD_BYTES = 8 * 1024 * 1024
"""The largest record that is written: a quarantined order holds the order and says what is wrong with it."""

SEND_DEADLINE_MS = 60_000
"""How long librdkafka tries to hand over a record before the send counts as refused."""


def librdkafka_config(kafka: KafkaSettings, **extra: object) -> Config:
    """What confluent-kafka's clients need to reach the brokers; ``extra`` are librdkafka's own properties."""
    told: dict[str, object | None] = {
        "bootstrap.servers": kafka.bootstrap_servers,
        "client.id": kafka.client_id,
        "security.protocol": kafka.security_protocol,
        "sasl.mechanism": kafka.sasl_mechanism,
        "sasl.username": kafka.sasl_username,
        "sasl.password": _open(kafka.sasl_password),
        "ssl.ca.location": kafka.ssl_ca and str(kafka.ssl_ca),
        "ssl.certificate.location": kafka.ssl_certificate and str(kafka.ssl_certificate),
        "ssl.key.location": kafka.ssl_key and str(kafka.ssl_key),
        "ssl.key.password": _open(kafka.ssl_key_password),
        "sasl.oauthbearer.token.endpoint.url": kafka.oauth_token_url,
        "sasl.oauthbearer.client.id": kafka.oauth_client_id,
        "sasl.oauthbearer.client.secret": _open(kafka.oauth_client_secret),
        "sasl.oauthbearer.scope": kafka.oauth_scope,
        "https.ca.location": kafka.oauth_ca and str(kafka.oauth_ca),
    }
    if kafka.sasl_mechanism == "OAUTHBEARER":
        told["sasl.oauthbearer.method"] = "oidc"
    return {name: value for name, value in told.items() if value is not None} | extra


def producer_config(kafka: KafkaSettings, **extra: object) -> Config:
    """A producer that loses and repeats nothing by itself and finds the partitions that Java and Faust find.

    Compression is gzip: the only codec that every client reads without a further library.
    """
    choices: Config = {
        "acks": "all",
        "enable.idempotence": True,
        "partitioner": "murmur2_random",
        "compression.type": "gzip",
        "linger.ms": 5,
        "delivery.timeout.ms": SEND_DEADLINE_MS,
    }
    return librdkafka_config(kafka, **(choices | extra))


def consumer_config(kafka: KafkaSettings, group: str, **extra: object) -> Config:
    """A consumer that starts at the beginning and commits only what it is told to."""
    choices: Config = {
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "allow.auto.create.topics": False,
    }
    return librdkafka_config(kafka, **(choices | extra))


def faust_options(kafka: KafkaSettings) -> dict[str, Any]:
    """The arguments of ``faust.App`` that say how to reach the brokers."""
    return {
        "broker": "kafka://" + kafka.bootstrap_servers.replace(",", ";"),
        "broker_client_id": kafka.client_id,
        "broker_credentials": faust_credentials(kafka),
    }


def faust_credentials(kafka: KafkaSettings) -> Any | None:
    """Faust's credentials, which reach aiokafka; None where Kafka asks for nothing.

    Raises:
        SettingsError: a certificate or key cannot be used.
    """
    from faust.auth import OAuthCredentials, SASLCredentials, SSLCredentials

    context = _tls(kafka) if kafka.security_protocol.endswith("SSL") else None
    if kafka.sasl_mechanism == "OAUTHBEARER":
        from streams.oauth_token import ClientCredentialsToken

        return OAuthCredentials(oauth_cb=ClientCredentialsToken(kafka), ssl_context=context)
    if kafka.sasl_mechanism:
        return SASLCredentials(
            username=kafka.sasl_username,
            password=_open(kafka.sasl_password),
            mechanism=kafka.sasl_mechanism,
            ssl_context=context,
        )
    return SSLCredentials(context) if context else None


def registry_of(settings: RegistrySettings) -> Registry | None:
    """The schema registry that the settings name, or None: records then carry a fingerprint of our own schema."""
    if settings.url is None:
        return None
    from schemas.registry import Registry, SubjectNaming

    config = {"url": settings.url}
    if settings.username is not None:
        config["basic.auth.user.info"] = f"{settings.username}:{_open(settings.password)}"
    if settings.ssl_ca is not None:
        config["ssl.ca.location"] = str(settings.ssl_ca)
    return Registry(config, naming=SubjectNaming(settings.subject_naming), register=settings.register_schemas)


def _tls(kafka: KafkaSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=kafka.ssl_ca)
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(f"kafka.ssl_ca (NUESTREAM_KAFKA__SSL_CA): {kafka.ssl_ca}: {error}") from None
    if kafka.ssl_certificate:
        try:
            # without a password OpenSSL would ask for it on the terminal
            context.load_cert_chain(kafka.ssl_certificate, kafka.ssl_key, _open(kafka.ssl_key_password) or "")
        except (ssl.SSLError, OSError) as error:
            raise SettingsError(
                f"kafka.ssl_key (NUESTREAM_KAFKA__SSL_KEY): {kafka.ssl_key} with {kafka.ssl_certificate}: {error}"
            ) from None
    return context


def _open(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
