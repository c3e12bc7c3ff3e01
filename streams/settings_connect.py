"""How to reach Kafka and the schema registry, as a person says it once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FilePath, SecretStr, field_validator, model_validator

Name = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """One table of the file. ``secrets`` are the fields that may also be given as ``<field>_file``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    secrets: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def read_secret_files(cls, values: object) -> object:
        """Put the content of each ``<secret>_file``, without the line break at its end, in the secret's place."""
        if not isinstance(values, dict):
            return values
        values = dict(values)
        for secret in cls.secrets:
            path = values.pop(f"{secret}_file", None)
            if path is None:
                continue
            if values.get(secret) is not None:
                raise ValueError(f"{secret} and {secret}_file are both given; keep one")
            try:
                values[secret] = Path(str(path)).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
                raise ValueError(f"{secret}_file: cannot read {path}: {reason}") from None
        return values


class KafkaSettings(Section):
    """How to reach Kafka; both clients, librdkafka and Faust's aiokafka, are configured from it."""

    secrets: ClassVar[tuple[str, ...]] = ("sasl_password", "oauth_client_secret", "ssl_key_password")

    bootstrap_servers: Name = "localhost:9092"
    client_id: Name = "nuestream"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = None
    sasl_username: Name | None = None
    sasl_password: SecretStr | None = None
    sasl_password_file: Path | None = None
    oauth_token_url: Annotated[str, Field(pattern="^https?://")] | None = None
    oauth_client_id: Name | None = None
    oauth_client_secret: SecretStr | None = None
    oauth_client_secret_file: Path | None = None
    oauth_scope: Name | None = None
    oauth_ca: FilePath | None = None
    ssl_ca: FilePath | None = None
    ssl_certificate: FilePath | None = None
    ssl_key: FilePath | None = None
    ssl_key_password: SecretStr | None = None
    ssl_key_password_file: Path | None = None

    @field_validator("bootstrap_servers", mode="before")
    @classmethod
    def join_servers(cls, value: object) -> object:
        """Accept a TOML list as well as ``host:port, host:port``."""
        servers = value.split(",") if isinstance(value, str) else value
        return ",".join(str(server).strip() for server in servers) if isinstance(servers, list) else value

    @model_validator(mode="after")
    def agree(self) -> Self:
        """Demand what the protocol and mechanism need, and refuse what they would silently ignore."""
        needed, useful = set[str](), set[str]()
        if self.security_protocol.startswith("SASL"):
            needed.add("sasl_mechanism")
            if self.sasl_mechanism == "OAUTHBEARER":
                needed |= {"oauth_token_url", "oauth_client_id", "oauth_client_secret"}
                useful |= {"oauth_scope", "oauth_ca"}
            elif self.sasl_mechanism:
                needed |= {"sasl_username", "sasl_password"}
        if self.security_protocol.endswith("SSL"):
            useful |= {"ssl_ca", "ssl_certificate", "ssl_key", "ssl_key_password"}
            needed |= {"ssl_certificate", "ssl_key"} if self.ssl_certificate or self.ssl_key else set()
            needed |= {"ssl_key"} if self.ssl_key_password else set()
        kind = " with ".join(filter(None, (self.security_protocol, self.sasl_mechanism)))
        for field in KafkaSettings.model_fields:
            given = getattr(self, field) is not None
            if field in needed and not given:
                raise ValueError(f"{field}: missing, {kind} needs it")
            if field.startswith(("sasl_", "oauth_", "ssl_")) and given and field not in needed | useful:
                raise ValueError(f"{field}: has no effect with {kind}; remove it or change security_protocol")
        return self


class RegistrySettings(Section):
    """The schema registry. Without a ``url`` records carry the fingerprint of a schema that we ship."""

    secrets: ClassVar[tuple[str, ...]] = ("password",)

    url: Annotated[str, Field(pattern="^https?://")] | None = None
    username: Name | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    ssl_ca: FilePath | None = None
    subject_naming: Literal["topic_record", "record"] = "topic_record"
    register_schemas: bool = True

    @model_validator(mode="after")
    def agree(self) -> Self:
        """A user name and a password come together, and nothing without a URL."""
        for field, needs in (
            ("password", "username"),
            ("username", "password"),
            ("username", "url"),
            ("ssl_ca", "url"),
        ):
            if getattr(self, field) is not None and getattr(self, needs) is None:
                raise ValueError(f"{needs}: missing, {field} needs it")
        return self
