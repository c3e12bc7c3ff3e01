"""The policy in the log: read, compared, activated, and a worker that refuses another one."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from click.testing import CliRunner
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewPartitions
from hypothesis import given
from hypothesis import strategies as st

from projections.in_force import PolicyInForce
from schemas.codec import Decoder, Encoder
from schemas.policy import DocumentDate, LineRate, MixedOrders, Policy, PolicyActivated, TermBasis, ZeroOrders
from streams.cli import cli
from streams.errors import PolicyMissing, StateLost
from streams.kafka import librdkafka_config
from streams.policy import (
    PolicyDiffers,
    activate,
    activate_initial,
    check_in_force,
    differences,
    first_policy_check,
    policies_in_log,
)
from streams.policy_command import activate_policy, show_policy
from streams.sending import Sender
from streams.settings import PolicySettings, Settings
from streams.topics import create_topics
from tests.environment import Kafka
from tests.streams.own_topics import settings_on


def log_with(settings: Settings) -> Settings:
    create_topics(settings, by="the first")
    return settings


def changed(settings: Settings, **policy: object) -> Settings:
    return settings.model_copy(update={"policy": settings.policy.model_copy(update=policy)})


def check_start(settings: Settings) -> None:
    """What a worker without any state yet checks, on all partitions."""
    log_ids = first_policy_check(settings)
    check_in_force(settings, log_ids, dict.fromkeys(log_ids), {})


def fill(settings: Settings, records: int) -> None:
    sender = Sender(settings.kafka)
    for number in range(records):
        sender.send(settings.topics.orders, f"customer-{number}".encode(), b"x" * 200, [])
    sender.flush()


def known(enum: type) -> st.SearchStrategy:
    return st.sampled_from([symbol for symbol in enum if symbol.value != "UNKNOWN"])  # type: ignore[attr-defined]


POLICIES = st.builds(
    Policy,
    mixed_orders=known(MixedOrders),
    split_by_contract=st.booleans(),
    zero_orders=known(ZeroOrders),
    document_date=known(DocumentDate),
    tenant_time_zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata"]),
    line_rate=known(LineRate),
    term_basis=known(TermBasis),
    tie_out_tolerance=st.decimals(min_value=0, max_value=1000, places=6),
)


@given(POLICIES, POLICIES)
def test_differences_name_exactly_the_fields_that_differ(one: Policy, other: Policy) -> None:
    fields = msgspec.structs.asdict(one).keys()
    expected = [field for field in fields if getattr(one, field) != getattr(other, field)]
    assert [field for field, _, _ in differences(one, other)] == expected


def test_differences_are_spelled_as_settings_are() -> None:
    log, settings = Policy(), Policy(mixed_orders=MixedOrders.SPLIT, tie_out_tolerance=Decimal("2.50"))
    assert differences(log, settings) == [("mixed_orders", "one_document", "split"), ("tie_out_tolerance", "1", "2.5")]


def test_a_policy_has_the_same_id_in_the_log_and_in_the_settings() -> None:
    wanted = PolicySettings(tie_out_tolerance=Decimal("0.5")).to_policy()
    record = PolicyActivated(
        event_id="e", partition=0, partitions=1, activated_at=datetime.now(UTC), activated_by="me", policy=wanted
    )
    read = Decoder(None).decode(Encoder(None).encode("t", record))
    assert isinstance(read, PolicyActivated)
    assert read.policy.policy_id == wanted.policy_id


def test_the_newest_policy_of_each_partition_is_found_among_other_records(kafka: Kafka, topic_prefix: str) -> None:
    settings = log_with(settings_on(kafka.bootstrap, topic_prefix))
    fill(settings, 5_000)
    split = changed(settings, mixed_orders="split")
    assert activate(split, by="the second") == [0, 1, 2, 3]
    fill(settings, 100)
    for at in policies_in_log(settings).values():
        assert at.offset > 500
        assert at.policy.mixed_orders is MixedOrders.SPLIT
        assert at.activated.activated_by == "the second"


def test_an_activation_that_was_stopped_half_way_is_completed(kafka: Kafka, topic_prefix: str) -> None:
    settings = log_with(settings_on(kafka.bootstrap, topic_prefix))
    split = changed(settings, mixed_orders="split")
    activate_initial(split, [2], 4)
    with pytest.raises(PolicyDiffers, match=r"\[0\]"):
        check_start(split)
    assert activate(split) == [0, 1, 3]
    assert activate(split) == []
    check_start(split)


def test_a_worker_whose_settings_differ_is_refused_with_the_difference(kafka: Kafka, topic_prefix: str) -> None:
    settings = log_with(settings_on(kafka.bootstrap, topic_prefix))
    check_start(settings)
    with pytest.raises(PolicyDiffers) as refused:
        check_start(changed(settings, mixed_orders="split", zero_orders="skip"))
    assert "mixed_orders is one_document in the log and split in the settings" in str(refused.value)
    assert "zero_orders is post_new in the log and skip in the settings" in str(refused.value)
    assert "nuestream policy activate" in str(refused.value)


def test_the_policy_of_the_state_counts_and_the_log_is_read_from_the_committed_offset_on(
    kafka: Kafka, topic_prefix: str
) -> None:
    settings = log_with(settings_on(kafka.bootstrap, topic_prefix))
    split = changed(settings, mixed_orders="split")
    log_ids = first_policy_check(settings)
    known = PolicyInForce(0, log_ids[1], 4, split.policy.to_policy())
    check_in_force(split, log_ids, {1: known}, {1: 1})
    with pytest.raises(PolicyDiffers, match=r"\[1\]: mixed_orders is split in the log and one_document"):
        check_in_force(settings, log_ids, {1: known}, {1: 1})
    activate_initial(settings, [1], 4)  # newer, behind the committed offset
    check_in_force(settings, log_ids, {1: known}, {1: 1})
    with pytest.raises(PolicyDiffers, match="mixed_orders is one_document in the log"):
        check_in_force(split, log_ids, {1: known}, {1: 1})
    # the state may contain what is not committed yet
    check_in_force(split, log_ids, {1: PolicyInForce(1, log_ids[1], 4, split.policy.to_policy())}, {1: 1})


def test_state_of_another_log_is_refused(kafka: Kafka, topic_prefix: str) -> None:
    settings = log_with(settings_on(kafka.bootstrap, topic_prefix))
    log_ids = first_policy_check(settings)
    foreign = PolicyInForce(0, "another", 4, settings.policy.to_policy())
    with pytest.raises(PolicyMissing, match="belongs to another log"):
        check_in_force(settings, log_ids, {0: foreign}, {0: 1})


def test_a_group_that_has_read_a_log_of_which_it_has_no_state_is_refused(kafka: Kafka, topic_prefix: str) -> None:
    settings = log_with(settings_on(kafka.bootstrap, topic_prefix))
    with pytest.raises(StateLost, match="--rebuild-state"):
        check_in_force(settings, first_policy_check(settings), {2: None}, {2: 1})


def test_without_the_topic_the_message_says_what_to_run(kafka: Kafka, topic_prefix: str) -> None:
    settings = settings_on(kafka.bootstrap, topic_prefix)
    for ask in (first_policy_check, policies_in_log, check_start):
        with pytest.raises(PolicyMissing, match="is not there: run `nuestream topics create`"):
            ask(settings)


def test_partitions_that_were_added_later_are_noticed(kafka: Kafka, topic_prefix: str) -> None:
    settings = log_with(settings_on(kafka.bootstrap, topic_prefix))
    activate_initial(changed(settings, mixed_orders="split"), [0], 5)  # not the first record: does not count
    assert sorted(first_policy_check(settings)) == [0, 1, 2, 3]
    admin = AdminClient(librdkafka_config(settings.kafka))
    admin.create_partitions([NewPartitions(settings.topics.orders, 5)])[settings.topics.orders].result(30)
    with pytest.raises(PolicyMissing, match="5 partitions, but was made with 4"):
        first_policy_check(settings)


def test_a_broker_without_administration_needs_no_more_than_a_producer() -> None:
    owner = Producer({"test.mock.num.brokers": 1})
    broker = next(iter(owner.list_topics(timeout=10).brokers.values()))
    settings = settings_on(f"{broker.host}:{broker.port}", f"{uuid.uuid4().hex}.")
    activate_initial(settings, range(4), 4)
    check_start(settings)
    assert sorted(policies_in_log(settings)) == [0, 1, 2, 3]


def test_show_says_whether_log_and_settings_agree(
    kafka: Kafka, topic_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = log_with(settings_on(kafka.bootstrap, topic_prefix))
    assert show_policy(settings, as_json=False) == 0
    capsys.readouterr()
    split = changed(settings, mixed_orders="split")
    assert show_policy(split, as_json=False) == 1
    shown = capsys.readouterr().out
    line = next(line for line in shown.splitlines() if line.startswith("mixed_orders"))
    assert line.split() == ["mixed_orders", "one_document", "split", "differs"]
    assert show_policy(split, as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["settings"]["policy"]["mixed_orders"] == "split"
    assert [row["differs_in"] for row in told["partitions"]] == [["mixed_orders"]] * 4
    assert {row["policy_id"] for row in told["partitions"]} == {settings.policy.to_policy().policy_id}


def test_partitions_with_different_policies_are_shown_apart(
    kafka: Kafka, topic_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = log_with(settings_on(kafka.bootstrap, topic_prefix))
    activate_initial(changed(settings, mixed_orders="split"), [1], 4)
    assert show_policy(settings, as_json=False) == 1
    shown = capsys.readouterr().out
    assert "on partitions 0, 2, 3 of" in shown
    assert "on partitions 1 of" in shown


def test_activate_asks_first_and_a_no_changes_nothing(kafka: Kafka, topic_prefix: str) -> None:
    settings = log_with(settings_on(kafka.bootstrap, topic_prefix))
    environment = {
        "NUESTREAM_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap,
        "NUESTREAM_TOPICS__ORDERS": settings.topics.orders,
        "NUESTREAM_GROUPS__PROJECT": settings.groups.project,
        "NUESTREAM_POLICY__MIXED_ORDERS": "split",
    }
    before = policies_in_log(settings)
    refused = CliRunner().invoke(cli, ["policy", "activate"], input="n\n", env=environment)
    assert refused.exit_code == 1
    assert "differs" in refused.output
    assert policies_in_log(settings) == before
    done = CliRunner().invoke(cli, ["policy", "activate", "--by", "a person"], input="y\n", env=environment)
    assert done.exit_code == 0, done.output
    assert {at.activated.activated_by for at in policies_in_log(settings).values()} == {"a person"}
    check_start(changed(settings, mixed_orders="split"))


def test_activating_what_is_in_force_does_nothing(
    kafka: Kafka, topic_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = log_with(settings_on(kafka.bootstrap, topic_prefix))
    before = policies_in_log(settings)
    assert activate_policy(settings, yes=True, by=None) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert policies_in_log(settings) == before
