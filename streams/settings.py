"""Settings: what every process is told, from the environment and one TOML file.

A setting has one name in two spellings: ``kafka.sasl_username`` in the file is ``NUESTREAM_KAFKA__SASL_USERNAME``
in the environment, which wins. Durations are seconds. A secret can be given as the path of a file that holds it:
``sasl_password_file`` beside ``sasl_password``.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from projections.zones import time_zone
from schemas.policy import DocumentDate, LineRate, MixedOrders, OrderCancellations, Policy, TermBasis, ZeroOrders
from streams.errors import SettingsError
from streams.settings_connect import KafkaSettings, Name, RegistrySettings, Seconds, Section
from streams.settings_netsuite import NetSuiteSettings
from streams.settings_source import (
    both_names,
    check_environment,
    config_file,
    describe,
    merged_values,
)

__all__ = ["KafkaSettings", "NetSuiteSettings", "RegistrySettings", "Settings", "SettingsError", "load_settings"]

TopicName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,249}$")]


class TopicSettings(Section):
    """The topics. ``partitions`` is that of every topic that is ordered by customer; fixed when they are made."""

    orders: TopicName = "nue.orders.v1"
    contracts: TopicName = "nue.contracts.v1"
    commands: TopicName = "netsuite.commands.v1"
    quarantine: TopicName = "nue.quarantine.v1"
    outcomes: TopicName = "netsuite.outcomes.v1"
    dead_letters: TopicName = "netsuite.deadletters.v1"
    partitions: Annotated[int, Field(ge=1, le=10_000)] = 4
    replication: Annotated[int, Field(ge=1, le=32_767)] = 1

    @model_validator(mode="after")
    def differ(self) -> Self:
        """Every topic has one meaning."""
        fields = ("orders", "contracts", "commands", "quarantine", "outcomes", "dead_letters")
        seen: dict[str, str] = {}
        for field in fields:
            first = seen.setdefault(getattr(self, field), field)
            if first != field:
                raise ValueError(f"{field}: is the same topic as {first}")
        return self


class GroupSettings(Section):
    """Consumer groups; the projector's also names its changelog topic."""

    project: TopicName = "nuestream-project"
    apply: TopicName = "nuestream-apply"


class PolicySettings(Section):
    """The settings that change documents. They count only once they are in the log: `nuestream policy activate`."""

    mixed_orders: Literal["one_document", "split", "quarantine"] = "one_document"
    split_by_contract: bool = True
    zero_orders: Literal["post_new", "skip"] = "post_new"
    document_date: Literal["activated", "effective"] = "activated"
    tenant_time_zone: str = "UTC"
    line_rate: Literal["per_term", "per_period"] = "per_term"
    term_basis: Literal["us_30_360", "actual_actual", "actual_360", "actual_365", "eu_30_360", "whole_months"] = (
        "us_30_360"
    )
    tie_out_tolerance: Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=6)] = Decimal(1)
    post_from: date | None = None
    order_cancellations: Literal["hold", "post"] = "hold"
    release_by_two: bool = False

    @field_validator("tenant_time_zone")
    @classmethod
    def know_zone(cls, name: str) -> str:
        """Accept only zones that the time-zone data has, by their IANA names."""
        try:
            time_zone(name)
        except ValueError:
            raise ValueError(f"{name} is not an IANA time zone such as America/New_York") from None
        return name

    def to_policy(self) -> Policy:
        """The same settings as they stand in the log."""
        return Policy(
            mixed_orders=MixedOrders(self.mixed_orders.upper()),
            split_by_contract=self.split_by_contract,
            zero_orders=ZeroOrders(self.zero_orders.upper()),
            document_date=DocumentDate(self.document_date.upper()),
            tenant_time_zone=self.tenant_time_zone,
            line_rate=LineRate(self.line_rate.upper()),
            term_basis=TermBasis(self.term_basis.upper()),
            # with the decimals that the log keeps, so that the policy has the same id on both sides
            tie_out_tolerance=self.tie_out_tolerance.quantize(Decimal("0.000001")),
            post_from=self.post_from,
            order_cancellations=OrderCancellations(self.order_cancellations.upper()),
            release_by_two=self.release_by_two,
        )


class ProjectSettings(Section):
    """The projector. ``instance_id`` makes its group membership static: a restarted worker takes up at once.

    ``store`` is where the state is held: ``memory``, or ``rocksdb`` in ``data_dir``, a folder of the worker's own that
    survives it. Either way the changelog topic has all of it. ``standby_replicas`` is how many other workers hold a
    copy of each partition, ready to take over.

    ``gap_timeout`` is how long an order waits for those before it until it is quarantined; 0 is for ever.
    """

    store: Literal["memory", "rocksdb"] = "memory"
    data_dir: Path | None = None
    standby_replicas: Annotated[int, Field(ge=0, le=10)] = 0
    session_timeout: Seconds = 10.0
    instance_id: Name | None = None
    shutdown_timeout: Seconds = 30.0
    gap_timeout: Annotated[float, Field(ge=0)] = 86_400.0


class ApplySettings(Section):
    """The sink. ``window`` is how many commands one process holds in memory; retries back off between two delays.

    ``instance_id`` makes its group membership static.
    """

    session_timeout: Seconds = 10.0
    instance_id: Name | None = None
    window: Annotated[int, Field(ge=1)] = 2000
    shutdown_timeout: Seconds = 30.0
    retry_initial: Seconds = 0.5
    retry_max: Seconds = 60.0


class PublishSettings(Section):
    """What a published event says of itself: the Nue tenant that it is from, and how it came here."""

    tenant_id: Name | None = None
    source: Literal["webhook", "backfill", "manual"] = "manual"


class ArrangementSettings(Section):
    """Revenue arrangements. ``include_renewals``: a renewal's is merged with those of the term before it."""

    include_renewals: bool = False


class Settings(BaseSettings):
    """All settings. Arguments win over the environment; :func:`load_settings` adds the file below both."""

    model_config = SettingsConfigDict(
        env_prefix="NUESTREAM_", env_nested_delimiter="__", env_ignore_empty=True, extra="forbid", frozen=True
    )

    kafka: KafkaSettings = KafkaSettings()
    registry: RegistrySettings = RegistrySettings()
    topics: TopicSettings = TopicSettings()
    groups: GroupSettings = GroupSettings()
    policy: PolicySettings = PolicySettings()
    project: ProjectSettings = ProjectSettings()
    netsuite: NetSuiteSettings = NetSuiteSettings()
    apply: ApplySettings = ApplySettings()
    publish: PublishSettings = PublishSettings()
    arrangements: ArrangementSettings = ArrangementSettings()

    @property
    def changelog(self) -> str:
        """The topic that keeps the projector's state."""
        return f"{self.groups.project}-state-changelog"

    def require_netsuite(self, command: str) -> NetSuiteSettings:
        """The NetSuite settings, complete.

        Raises:
            SettingsError: one of them is missing; ``command`` is named as what needs it.
        """
        for field in self.netsuite.needed:
            value = getattr(self.netsuite, field)
            if not (value.get_secret_value() if isinstance(value, SecretStr) else value):
                raise SettingsError(
                    f"{both_names(('netsuite', field))} is not set; `nuestream {command}` needs it"
                    f"{self.netsuite.why_needed(field)}"
                )
        return self.netsuite


def load_settings(config: Path | None = None) -> Settings:
    """Read the settings from the environment and one TOML file.

    The file is ``config``, else the one that ``NUESTREAM_CONFIG`` names, else ``./nuestream.toml`` where there is one.

    Raises:
        SettingsError: the file cannot be read, or a setting is wrong or unknown.
    """
    file = config_file(config)
    check_environment(Settings)
    try:
        return Settings(**merged_values(Settings, file))
    except ValidationError as error:
        raise SettingsError(describe(error, Settings, file)) from None
