"""Kafka's settings are given once and reach both clients: librdkafka, and aiokafka under Faust."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import faust
import pytest
import trustme
from aiokafka.partitioner import murmur2
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from cryptography.hazmat.primitives import serialization
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from schemas.policy import PolicyActivated
from schemas.registry import RegistryUnavailable
from streams.errors import KafkaUnavailable, SettingsError
from streams.kafka import consumer_config, faust_options, librdkafka_config, producer_config, registry_of
from streams.oauth_token import ClientCredentialsToken
from streams.reading import TopicReader
from streams.settings_connect import KafkaSettings, RegistrySettings
from tests.environment import Kafka, OwnBroker, SecureKafka, UnavailableError, refuse
from tests.environment.brokers import Place, Plan

KEY_PASSWORD = "of the key"


@dataclass
class Files:
    """A certification authority, another one, and client certificates with plain and encrypted keys."""

    ca: Path
    other_ca: Path
    certificate: Path
    key: Path
    encrypted_key: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("tls")
    authority, other = trustme.CA(), trustme.CA()
    issued = authority.issue_cert(common_name="client")
    made = Files(*(folder / name for name in ("ca.pem", "other.pem", "cert.pem", "key.pem", "secret.pem")))
    authority.cert_pem.write_to_path(str(made.ca))
    other.cert_pem.write_to_path(str(made.other_ca))
    made.certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(made.key))
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), password=None)
    encryption = serialization.BestAvailableEncryption(KEY_PASSWORD.encode())
    made.encrypted_key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    )
    return made


def reaches_aiokafka(kafka: KafkaSettings) -> dict[str, Any]:
    """What Faust hands to aiokafka, with everything opaque turned into what tells it apart."""
    app = faust.App("test", **faust_options(kafka))
    auth = dict(credentials_to_aiokafka_auth(app.conf.broker_credentials, app.conf.ssl_context))
    told: dict[str, Any] = {"servers": [str(url) for url in app.conf.broker], "client_id": app.conf.broker_client_id}
    context = auth.pop("ssl_context", None)
    if context is not None:
        told["authorities"] = context.get_ca_certs(binary_form=True)
        told["hostname"] = context.check_hostname
    provider = auth.pop("sasl_oauth_token_provider", None)
    if provider is not None:
        told["oauth"] = (provider.url, provider.scope, provider._login._auth_header)
        told["oauth authorities"] = provider.verify.get_ca_certs(binary_form=True)
    return told | auth


PLAIN: dict[str, Any] = {}
SCRAM = {
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "SCRAM-SHA-512",
    "sasl_username": "u",
    "sasl_password": "p",
}
OAUTH = {
    "security_protocol": "SASL_PLAINTEXT",
    "sasl_mechanism": "OAUTHBEARER",
    "oauth_token_url": "https://one/token",
    "oauth_client_id": "c",
    "oauth_client_secret": "s",
}
CHANGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (PLAIN, {"bootstrap_servers": "a:1, b:2"}),
    (PLAIN, {"client_id": "other"}),
    (PLAIN, {"security_protocol": "SSL"}),
    (SCRAM, {"security_protocol": "SASL_PLAINTEXT"}),
    (SCRAM, {"sasl_mechanism": "SCRAM-SHA-256"}),
    (SCRAM, {"sasl_mechanism": "PLAIN"}),
    (SCRAM, {"sasl_username": "other"}),
    (SCRAM, {"sasl_password": "other"}),
    (OAUTH, {"oauth_token_url": "https://two/token"}),
    (OAUTH, {"oauth_client_id": "other"}),
    (OAUTH, {"oauth_client_secret": "other"}),
    (OAUTH, {"oauth_scope": "kafka"}),
]


@pytest.mark.parametrize(("base", "change"), CHANGES, ids=[str(change) for _, change in CHANGES])
def test_a_setting_reaches_both_clients(base: dict[str, Any], change: dict[str, Any]) -> None:
    before, after = KafkaSettings(**base), KafkaSettings(**(base | change))
    assert librdkafka_config(before) != librdkafka_config(after)
    assert reaches_aiokafka(before) != reaches_aiokafka(after)


def test_a_certification_authority_reaches_both_clients(files: Files) -> None:
    for field_, base in (("ssl_ca", {"security_protocol": "SSL"}), ("oauth_ca", OAUTH)):
        one, other = (KafkaSettings(**base, **{field_: ca}) for ca in (files.ca, files.other_ca))
        assert librdkafka_config(one) != librdkafka_config(other)
        assert reaches_aiokafka(one) != reaches_aiokafka(other)


TESTED_BELOW = {"ssl_ca", "oauth_ca", "ssl_certificate", "ssl_key", "ssl_key_password"}


def test_no_setting_is_forgotten_by_these_tests() -> None:
    tested = {name for _, change in CHANGES for name in change} | TESTED_BELOW
    of_both = {name for name in KafkaSettings.model_fields if not name.endswith("_file")}
    assert tested == of_both


def served_by_tls(files: Files, connect: Callable[[int], None]) -> str | None:
    """The name in the client certificate that a TLS server is shown, or None where the handshake fails."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    context.load_verify_locations(files.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    shown: list[str] = []
    done = threading.Event()

    class Server(ThreadingHTTPServer):
        def finish_request(self, request: Any, client_address: Any) -> None:
            try:
                with context.wrap_socket(request, server_side=True) as secured:
                    shown.append(str(secured.getpeercert()))
            except OSError:
                pass
            done.set()

    with Server(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        connect(server.server_address[1])
        done.wait(5)
        server.shutdown()
    return shown[0] if shown else None


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_client_certificate_and_its_key_are_shown_by_both_clients(files: Files, encrypted: bool) -> None:
    kafka = KafkaSettings(
        security_protocol="SSL",
        ssl_ca=files.ca,
        ssl_certificate=files.certificate,
        ssl_key=files.encrypted_key if encrypted else files.key,
        ssl_key_password=KEY_PASSWORD if encrypted else None,
    )

    def by_librdkafka(port: int) -> None:
        servers = {"bootstrap.servers": f"127.0.0.1:{port}", "ssl.endpoint.identification.algorithm": "none"}
        producer = Producer(librdkafka_config(kafka, **servers, log_level=0, error_cb=lambda _: None))
        until = time.monotonic() + 1
        while time.monotonic() < until:
            producer.poll(0.1)

    def by_aiokafka(port: int) -> None:
        import socket

        context = faust_options(kafka)["broker_credentials"].context
        context.check_hostname = False
        with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain) as secured:
            secured.do_handshake()

    assert "client" in (served_by_tls(files, by_librdkafka) or "")
    assert "client" in (served_by_tls(files, by_aiokafka) or "")


def test_a_wrong_password_of_the_key_is_no_prompt_but_an_error_in_both_clients(files: Files) -> None:
    tls = {"security_protocol": "SSL", "ssl_certificate": files.certificate, "ssl_key": files.encrypted_key}
    for password in ({"ssl_key_password": "wrong"}, {}):
        kafka = KafkaSettings(**tls, **password)
        with pytest.raises(SettingsError, match=r"ssl\.key\.location"):
            TopicReader(kafka)
        with pytest.raises(SettingsError, match=r"kafka\.ssl_key"):
            faust_options(kafka)


@dataclass
class TokenServer:
    """An OAuth 2.0 token endpoint that remembers what it was asked."""

    url: str = ""
    life: float = 300
    status: int = 200
    asked: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def token_server() -> Iterator[TokenServer]:
    told = TokenServer()

    def encoded(part: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            login = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
            told.asked.append({"login": login, **{name: values[0] for name, values in parse_qs(form).items()}})
            now = int(time.time())
            claims = {"sub": "client", "scope": "kafka", "iat": now, "exp": now + int(told.life), "n": len(told.asked)}
            token = f"{encoded({'alg': 'none'})}.{encoded(claims)}."
            body = json.dumps({"access_token": token, "expires_in": told.life, "token_type": "bearer"}).encode()
            self.send_response(told.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815  the names that the server calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        told.url = f"http://127.0.0.1:{server.server_address[1]}/token"
        yield told
        server.shutdown()


def oauth_at(server: TokenServer, **over: Any) -> KafkaSettings:
    return KafkaSettings(**{**OAUTH, "oauth_token_url": server.url, "oauth_scope": "kafka", **over})


async def test_both_clients_ask_the_token_endpoint_alike(token_server: TokenServer) -> None:
    kafka = oauth_at(token_server)
    await ClientCredentialsToken(kafka).token()
    producer = Producer(producer_config(kafka, log_level=0, error_cb=lambda _: None))
    until = time.monotonic() + 10
    while len(token_server.asked) < 2 and time.monotonic() < until:
        producer.poll(0.1)
    ours, librdkafka_s = token_server.asked[:2]
    assert ours == librdkafka_s == {"login": "c:s", "grant_type": "client_credentials", "scope": "kafka"}


async def test_a_token_is_kept_while_it_is_fresh_and_fetched_again_before_it_expires(token_server: TokenServer) -> None:
    provider = ClientCredentialsToken(oauth_at(token_server))
    assert await provider.token() == await provider.token()
    assert len(token_server.asked) == 1
    token_server.life = 0
    expiring = ClientCredentialsToken(oauth_at(token_server))
    assert await expiring.token() != await expiring.token()


async def test_a_refusing_or_absent_token_endpoint_is_told_without_the_secret(token_server: TokenServer) -> None:
    token_server.status = 401
    with pytest.raises(KafkaUnavailable, match="no access token: HTTP 401") as refused:
        await ClientCredentialsToken(oauth_at(token_server, oauth_client_secret="hunter2")).token()
    assert "hunter2" not in str(refused.value)
    with pytest.raises(KafkaUnavailable, match="no access token: ConnectError"):
        await ClientCredentialsToken(oauth_at(token_server, oauth_token_url="http://127.0.0.1:9/")).token()


def test_both_clients_speak_to_a_broker_that_asks_for_tokens(token_server: TokenServer) -> None:
    module = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
    unsecured = "org.apache.kafka.common.security.oauthbearer.internals.unsecured.OAuthBearerUnsecured"
    listener = "listener.name.tokens.oauthbearer"

    def properties(place: Place) -> dict[str, str]:
        return {
            "listeners": f"TOKENS://{place.bind}:{place.port},CONTROLLER://127.0.0.1:{place.controller_port}",
            "advertised.listeners": f"TOKENS://{place.host}:{place.port}",
            "listener.security.protocol.map": "TOKENS:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "TOKENS",
            "sasl.enabled.mechanisms": "OAUTHBEARER",
            "sasl.mechanism.inter.broker.protocol": "OAUTHBEARER",
            f"{listener}.sasl.jaas.config": f'{module} required unsecuredLoginStringClaim_sub="broker";',
            f"{listener}.sasl.server.callback.handler.class": f"{unsecured}ValidatorCallbackHandler",
            f"{listener}.sasl.login.callback.handler.class": f"{unsecured}LoginCallbackHandler",
        }

    client = {name: str(value) for name, value in librdkafka_config(oauth_at(token_server)).items()}
    try:
        broker = OwnBroker(Plan(properties=properties, client=client, files={}))
    except UnavailableError as why:
        refuse("A Kafka that asks for tokens", why)
    with broker:
        kafka = oauth_at(token_server, bootstrap_servers=broker.bootstrap)
        with TopicReader(kafka) as reader:
            assert reader.partitions("absent") == 0
        before = len(token_server.asked)
        aiokafka_sees(kafka)
        assert len(token_server.asked) == before + 1


def aiokafka_sees(kafka: KafkaSettings) -> set[str]:
    """The topics that an aiokafka client sees which was configured as Faust configures it."""
    import asyncio

    from aiokafka import AIOKafkaConsumer

    async def ask() -> set[str]:
        options = faust_options(kafka)
        auth = credentials_to_aiokafka_auth(options["broker_credentials"], None)
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap_servers, **auth)
        await consumer.start()
        try:
            return set(await consumer.topics())
        finally:
            await consumer.stop()

    return asyncio.run(asyncio.wait_for(ask(), 30))


def secured(broker: SecureKafka, user: str, password: str, **over: Any) -> KafkaSettings:
    return KafkaSettings(
        **{
            "bootstrap_servers": broker.bootstrap,
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_username": user,
            "sasl_password": password,
            "ssl_ca": broker.ca_path,
            **over,
        }
    )


def test_both_clients_speak_to_a_secured_broker(secure_kafka: SecureKafka) -> None:
    kafka = secured(secure_kafka, secure_kafka.admin_user, secure_kafka.admin_password)
    with TopicReader(kafka) as reader:
        assert reader.partitions("absent") == 0
    aiokafka_sees(kafka)


def test_refused_credentials_are_told_at_once_and_without_the_password(secure_kafka: SecureKafka) -> None:
    kafka = secured(secure_kafka, "nobody", "hunter2")
    started = time.monotonic()
    with TopicReader(kafka) as reader, pytest.raises(KafkaUnavailable, match=r"(?i)authentication failed") as refused:
        reader.partitions("absent")
    assert time.monotonic() - started < 8
    assert "hunter2" not in str(refused.value)


def test_another_authority_s_broker_is_not_trusted(secure_kafka: SecureKafka, files: Files) -> None:
    kafka = secured(secure_kafka, secure_kafka.admin_user, secure_kafka.admin_password, ssl_ca=files.other_ca)
    with TopicReader(kafka) as reader, pytest.raises(KafkaUnavailable, match=r"(?i)certificate"):
        reader.partitions("absent")
    with pytest.raises(Exception, match=r"(?i)bootstrap"):
        aiokafka_sees(kafka)


def make(kafka: KafkaSettings, topic: str, partitions: int) -> None:
    admin = AdminClient(librdkafka_config(kafka))
    admin.create_topics([NewTopic(topic, partitions)])[topic].result(30)


def test_the_producer_finds_the_partitions_that_java_and_faust_find(kafka: Kafka, topic_prefix: str) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap)
    topic = f"{topic_prefix}keys"
    make(settings, topic, 7)
    found: dict[bytes, int] = {}
    producer = Producer(producer_config(settings))
    for number in range(200):
        producer.produce(
            topic, b"", f"customer-{number}".encode(), on_delivery=lambda _, m: found.update({m.key(): m.partition()})
        )
    assert producer.flush(30) == 0
    assert found == {key: (murmur2(key) & 0x7FFFFFFF) % 7 for key in found}
    assert len(found) == 200


def test_a_consumer_starts_at_the_beginning_and_commits_nothing_by_itself(kafka: Kafka, topic_prefix: str) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap)
    topic = f"{topic_prefix}read"
    make(settings, topic, 1)
    producer = Producer(producer_config(settings))
    producer.produce(topic, b"first")
    producer.flush(30)
    consumer = Consumer(consumer_config(settings, f"{topic_prefix}group"))
    consumer.subscribe([topic])
    message = None
    until = time.monotonic() + 30
    while message is None and time.monotonic() < until:
        message = consumer.poll(0.5)
    assert message is not None
    assert message.value() == b"first"
    assert consumer.committed([TopicPartition(topic, 0)], timeout=10)[0].offset < 0
    consumer.close()


def test_what_producers_write_can_be_read_by_aiokafka() -> None:
    import aiokafka.codec

    codec = str(producer_config(KafkaSettings())["compression.type"])
    assert getattr(aiokafka.codec, f"has_{codec}")()


def test_the_registry_s_credentials_reach_it(token_server: TokenServer) -> None:
    assert registry_of(RegistrySettings()) is None
    url = token_server.url.removesuffix("/token")
    registry = registry_of(RegistrySettings(url=url, username="u", password="p"))
    assert registry is not None
    with pytest.raises(RegistryUnavailable):  # it is not a registry that answers
        registry.id_for("topic", PolicyActivated)
    assert {request["login"] for request in token_server.asked} == {"u:p"}
