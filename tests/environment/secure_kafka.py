"""A Kafka as companies run it: TLS, SCRAM users, and nothing allowed that no ACL grants."""

import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import trustme
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives import serialization

from tests.environment import daemon
from tests.environment.brokers import OwnBroker, Place, Plan
from tests.environment.processes import poll_until

MECHANISM = "SCRAM-SHA-512"
TIMEOUT_S = 30.0


class SecureKafka:
    """A broker of its own with one SASL_SSL listener and ACLs; a context manager that ends it."""

    def __init__(self, properties: Mapping[str, str] | None = None) -> None:
        self.admin_user = "admin"
        self.admin_password = secrets.token_hex(12)
        self._authority = trustme.CA(organization_name="nuestream tests")
        self._folder = tempfile.TemporaryDirectory(prefix="nuestream-tls-")
        self.ca_path = Path(self._folder.name, "ca.pem")
        self._authority.cert_pem.write_to_path(str(self.ca_path))
        try:
            self._broker = OwnBroker(self._plan(dict(properties or {})))
        except BaseException:
            self._folder.cleanup()
            raise

    @property
    def bootstrap(self) -> str:
        """The value for bootstrap.servers; the certificate is valid for its host."""
        return self._broker.bootstrap

    @property
    def origin(self) -> str:
        """Where the broker came from, for people."""
        return self._broker.origin

    def client(self, user: str, password: str) -> dict[str, str]:
        """The librdkafka settings with which a user connects."""
        return {**self._security(user, password), "bootstrap.servers": self.bootstrap}

    def admin(self) -> AdminClient:
        """An admin client of the super user."""
        return AdminClient(self.client(self.admin_user, self.admin_password))

    def add_user(self, name: str) -> str:
        """Create a SCRAM user, who may do nothing yet, or give it a new password; returns the password."""
        password = secrets.token_hex(12)
        credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        wish = UserScramCredentialUpsertion(name, credential, password.encode())
        admin = self.admin()
        admin.alter_user_scram_credentials([wish])[name].result(TIMEOUT_S)

        def known() -> bool:
            return name in admin.describe_user_scram_credentials().result(TIMEOUT_S)

        poll_until(known, TIMEOUT_S, f"the user {name} is not known")
        return password

    def allow(
        self, user: str, operation: AclOperation, kind: ResourceType, name: str, *, prefixed: bool = False
    ) -> None:
        """Grant one operation on a resource, or on all whose names begin so; returns when it is in force."""
        pattern = ResourcePatternType.PREFIXED if prefixed else ResourcePatternType.LITERAL
        parts = (kind, name, pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW)
        admin = self.admin()
        for done in admin.create_acls([AclBinding(*parts)]).values():
            done.result(TIMEOUT_S)
        poll_until(lambda: bool(_matching(admin, AclBindingFilter(*parts))), TIMEOUT_S, f"no ACL for {user}")

    def revoke(self, user: str, operation: AclOperation = AclOperation.ANY) -> None:
        """Take one operation, or all of them, from a user on every resource; returns when it is in force."""
        of_user = AclBindingFilter(
            ResourceType.ANY, None, ResourcePatternType.ANY, f"User:{user}", None, operation, AclPermissionType.ANY
        )
        admin = self.admin()
        for done in admin.delete_acls([of_user]).values():
            done.result(TIMEOUT_S)
        poll_until(lambda: not _matching(admin, of_user), TIMEOUT_S, f"{user} still has ACLs")

    def client_certificate(self, name: str) -> tuple[Path, Path]:
        """The paths of a new client certificate and its key, for a listener that asks for one."""
        issued = self._authority.issue_cert(f"{name}.example.org", common_name=name)
        certificate, key = (Path(self._folder.name, f"{name}{ending}.pem") for ending in ("", "-key"))
        certificate.write_bytes(_chain(issued))
        key.write_bytes(_pkcs8(issued))
        return certificate, key

    def kill(self) -> None:
        """SIGKILL the broker; its log, users and ACLs stay."""
        self._broker.kill()

    def start(self) -> None:
        """Start the broker again after kill()."""
        self._broker.start()

    def close(self) -> None:
        """End the broker, remove its log and the certificates."""
        self._broker.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _security(self, user: str, password: str) -> dict[str, str]:
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": MECHANISM,
            "sasl.username": user,
            "sasl.password": password,
            "ssl.ca.location": str(self.ca_path),
        }

    def _plan(self, properties: dict[str, str]) -> Plan:
        issued = self._authority.issue_cert("localhost", "127.0.0.1", daemon.host() or "localhost")
        certificate, key = self.client_certificate(self.admin_user)  # should the listener require one
        return Plan(
            properties=lambda place: {**self._properties(place), **properties},
            client={
                **self._security(self.admin_user, self.admin_password),
                "ssl.certificate.location": str(certificate),
                "ssl.key.location": str(key),
            },
            files={"ca.pem": self._authority.cert_pem.bytes(), "broker.pem": _pkcs8(issued) + _chain(issued)},
            format_arguments=(
                "--add-scram",
                f"{MECHANISM}=[name={self.admin_user},password={self.admin_password}]",
            ),
        )

    def _properties(self, place: Place) -> dict[str, str]:
        login = "org.apache.kafka.common.security.scram.ScramLoginModule required"
        return {
            "listeners": f"SASL_SSL://{place.bind}:{place.port},CONTROLLER://127.0.0.1:{place.controller_port}",
            "advertised.listeners": f"SASL_SSL://{place.host}:{place.port}",
            "listener.security.protocol.map": "SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "SASL_SSL",
            "sasl.enabled.mechanisms": MECHANISM,
            "sasl.mechanism.inter.broker.protocol": MECHANISM,
            f"listener.name.sasl_ssl.{MECHANISM.lower()}.sasl.jaas.config": (
                f'{login} username="{self.admin_user}" password="{self.admin_password}";'
            ),
            "listener.name.sasl_ssl.ssl.client.auth": "requested",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": f"{place.folder}/broker.pem",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": f"{place.folder}/ca.pem",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            # the broker speaks to its controller without authentication, on the loopback address only
            "super.users": f"User:{self.admin_user};User:ANONYMOUS",
        }


def start_secure_kafka(properties: Mapping[str, str] | None = None) -> SecureKafka:
    """Start a secured broker with the properties above the defaults; raises UnavailableError."""
    return SecureKafka(properties)


def _matching(admin: AdminClient, of: AclBindingFilter) -> list[AclBinding]:
    return list(admin.describe_acls(of).result(TIMEOUT_S))


def _chain(issued: trustme.LeafCert) -> bytes:
    return b"".join(pem.bytes() for pem in issued.cert_chain_pems)


def _pkcs8(issued: trustme.LeafCert) -> bytes:
    # the only form of a key that Kafka reads
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), password=None)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
