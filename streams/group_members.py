"""Who is in a consumer group, for those who must not work beside its members."""

from __future__ import annotations

import time
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from streams.errors import NuestreamError
from streams.faults import Faults
from streams.kafka import librdkafka_config
from streams.settings import Settings

ANSWER_TIMEOUT = 15.0
_GRACE = 3.0


class GroupInUse(NuestreamError):
    """The group has members, which would go on with what they know."""


def check_no_members(settings: Settings, group: str, session_timeout: float) -> None:
    """Return once nobody is in ``group``. Static members leave it by their session timeout, in seconds, alone.

    Raises:
        GroupInUse: naming its members; at once where one of them is not static.
        KafkaUnavailable: the brokers do not answer, or refuse.
    """
    faults = Faults(settings.kafka)
    admin = faults.client(AdminClient, librdkafka_config(settings.kafka))
    until = time.monotonic() + session_timeout + _GRACE
    while members := _members(faults, admin, group):
        if time.monotonic() > until or not all(each.group_instance_id for each in members):
            names = ", ".join(sorted(f"{each.group_instance_id or each.client_id} at {each.host}" for each in members))
            raise GroupInUse(f"the group {group} has members ({names}): stop its workers")
        time.sleep(0.5)


def forget_group(settings: Settings, group: str) -> None:
    """Remove an empty group and its offsets; it does no harm where there is none.

    Raises:
        KafkaUnavailable: the brokers do not answer, or refuse.
    """
    faults = Faults(settings.kafka)
    admin = faults.client(AdminClient, librdkafka_config(settings.kafka))
    try:
        admin.delete_consumer_groups([group], request_timeout=ANSWER_TIMEOUT)[group].result(ANSWER_TIMEOUT)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
            raise faults.unavailable(f"removing the group {group}", error) from None


def _members(faults: Faults, admin: AdminClient, group: str) -> list[Any]:
    asked = admin.describe_consumer_groups([group], request_timeout=ANSWER_TIMEOUT)
    try:
        return list(asked[group].result(ANSWER_TIMEOUT).members)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
            return []
        raise faults.unavailable(f"asking who is in the group {group}", error) from None
