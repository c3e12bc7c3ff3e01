"""The main job on somebody else's bus: TLS, SCRAM users, and ACLs that grant each process only what it needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from confluent_kafka.admin import AclOperation, ResourceType

from sinks.sandbox.show import documents_of
from streams.cli import cli
from streams.cli_topics import PROCESSES
from streams.dead_letter_acts import sinks_at_work
from streams.settings import load_settings
from tests.environment import SecureKafka
from tests.examples_of import expected_of, shape_of
from tests.pipeline import TOPICS, Pipeline
from tests.sandbox_server import running_sandbox
from tests.sinks.orders import customer, item
from tests.streams.sinking import negative, sales_order

EXAMPLES = Path(__file__).parents[1] / "examples"
OPERATIONS = {"DescribeConfigs": AclOperation.DESCRIBE_CONFIGS}


class Users:
    """One SCRAM user per process, allowed what `topics acls` prints for it."""

    def __init__(self, broker: SecureKafka, prefix: str) -> None:
        self._broker = broker
        self._names = {process: f"{prefix.rstrip('.')}-{process}" for process in PROCESSES}
        self._passwords = {process: broker.add_user(name) for process, name in self._names.items()}

    def settings(self, process: str) -> dict[str, str]:
        """What the process is started with beside the common settings."""
        return {"KAFKA__SASL_USERNAME": self._names[process], "KAFKA__SASL_PASSWORD": self._passwords[process]}

    def grant(self, pipeline: Pipeline) -> None:
        """Create every ACL that the command line prints, and no other."""
        printed = pipeline.run("topics", "acls", "--format", "json", over=self.settings("topics")).stdout
        for row in json.loads(printed):
            operation = OPERATIONS.get(row["operation"]) or AclOperation[row["operation"].upper()]
            self._broker.allow(
                self._names[row["process"]], operation, ResourceType[row["resource"].upper()], row["name"]
            )

    def revoke(self, process: str, operation: AclOperation) -> None:
        """Take an operation away from a process, on whatever it was granted."""
        self._broker.revoke(self._names[process], operation)

    def allow(self, process: str, operation: AclOperation, topic: str) -> None:
        """Give one back."""
        self._broker.allow(self._names[process], operation, ResourceType.TOPIC, topic)


@pytest.fixture
def bus(secure_kafka: SecureKafka, topic_prefix: str, tmp_path: Path) -> Iterator[tuple[Pipeline, Users]]:
    users = Users(secure_kafka, topic_prefix)
    common = {
        "KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA__SASL_MECHANISM": "SCRAM-SHA-512",
        "KAFKA__SSL_CA": str(secure_kafka.ca_path),
    }
    admin = secure_kafka.client(secure_kafka.admin_user, secure_kafka.admin_password)
    with running_sandbox() as sandbox:
        pipeline = Pipeline(tmp_path, secure_kafka.bootstrap, topic_prefix, sandbox, common, admin)
        try:
            users.grant(pipeline)
            pipeline.run("topics", "create", over=users.settings("topics"))
            yield pipeline, users
        finally:
            pipeline.close()


def test_the_main_job_runs_with_no_more_rights_than_topics_acls_prints(bus: tuple[Pipeline, Users]) -> None:
    pipeline, users = bus
    for worker in ("project", "apply"):
        pipeline.start(worker, users.settings(worker))
    text = (EXAMPLES / "activations.ndjson").read_text()
    pipeline.run("publish", "-", text=text, over=users.settings("publish"))
    pipeline.wait_until_applied()

    assert shape_of(pipeline.sandbox) == expected_of(EXAMPLES / "expected.json")
    chain = pipeline.run("history", "O-00000310", over=users.settings("history")).stdout
    assert "O-00000310" in chain
    assert "log" in pipeline.run("policy", "show", over=users.settings("policy")).stdout.lower()
    _decide_about_a_copy(pipeline, users)
    _answer_dead_letters(pipeline, users)
    assert pipeline.stop("project") == 0
    assert pipeline.stop("apply") == 0


def _decide_about_a_copy(pipeline: Pipeline, users: Users) -> None:
    """Bring along a contract, and discard an order that says something else than one before it."""
    opening = str(EXAMPLES / "opening.csv")
    pipeline.run("opening", "publish", opening, "--yes", over=users.settings("opening"))
    first = (EXAMPLES / "activations.ndjson").read_text().splitlines()[0]
    pipeline.run("publish", "-", text=first.replace('"O-00000300"', '"O-00000301"'), over=users.settings("publish"))
    pipeline.wait_until_applied()
    assert pipeline.run("held", over=users.settings("held")).stdout == "no order is held\n"
    as_person = users.settings("quarantine")
    (copy,) = json.loads(pipeline.run("quarantine", "list", "--json", over=as_person).stdout)["orders"]
    pipeline.run("quarantine", "show", copy["eventId"], over=as_person)
    done = pipeline.run("quarantine", "discard", copy["eventId"], "--why", "a test", "--yes", over=as_person)
    assert "discarded" in done.stdout


def _answer_dead_letters(pipeline: Pipeline, users: Users) -> None:
    """Look at what NetSuite refused, send it again, and discard it: what is behind it goes on."""
    pipeline.ask_for([item(), customer("NUE-CUST-acme"), negative("acme", 1), sales_order("acme", 2)])
    pipeline.wait_until_applied()
    listed = json.loads(_as_person(pipeline, users, "list", "--json", "--customer", "acme"))
    assert [(each["externalId"], each["parkedBehind"]) for each in listed] == [("NUE-SO-acme-1", 1)]
    assert "negative" in _as_person(pipeline, users, "show", "NUE-SO-acme-1")
    decided = ("NUE-SO-acme-1", "--why", "a test", "--yes")
    assert "refused again" in _as_person(pipeline, users, "redrive", *decided, status=1)
    assert "NUE-SO-acme-1: discarded" in _as_person(pipeline, users, "discard", *decided)
    pipeline.wait_for(lambda: "NUE-SO-acme-2" in str(documents_of(pipeline.sandbox.store)), 30, "apply")
    with pytest.MonkeyPatch.context() as environment:
        for name, value in pipeline.environment(users.settings("deadletters")).items():
            environment.setenv(name, value)
        assert sinks_at_work(load_settings()) == 1  # who may not look into the sinks' group is told None


def _as_person(pipeline: Pipeline, users: Users, *arguments: str, status: int = 0) -> str:
    """What `nuestream deadletters` says to the user who may do that and nothing else."""
    environment = pipeline.environment(users.settings("deadletters"))
    done = CliRunner().invoke(cli, ["deadletters", *arguments], env=environment)
    assert done.exit_code == status, done.output
    return done.output


def test_a_revoked_right_to_write_commands_stops_the_projector_and_nothing_is_skipped(
    bus: tuple[Pipeline, Users],
) -> None:
    pipeline, users = bus
    commands = pipeline.prefix + TOPICS["commands"]
    pipeline.start("project", users.settings("project"))
    pipeline.wait_for(lambda: pipeline.lag("project", "orders") == 0, 60, "project")
    users.revoke("project", AclOperation.WRITE)
    text = (EXAMPLES / "history-delta" / "activations.ndjson").read_text()
    pipeline.run("publish", "-", text=text, over=users.settings("publish"))

    assert pipeline.ended("project") == 1
    told = pipeline.tail("project")
    assert f"the broker refused a record for {commands}" in told
    assert "TopicAuthorizationFailed" in told
    assert pipeline.lag("project", "orders") > 0

    users.grant(pipeline)
    for worker in ("project", "apply"):
        pipeline.start(worker, users.settings(worker))
    pipeline.wait_until_applied()
    assert shape_of(pipeline.sandbox) == expected_of(EXAMPLES / "history-delta" / "expected.json")


@pytest.mark.parametrize("process", ["project", "apply"])
def test_a_wrong_password_is_one_clear_line_and_no_password_in_it(bus: tuple[Pipeline, Users], process: str) -> None:
    pipeline, users = bus
    wrong = users.settings(process) | {"KAFKA__SASL_PASSWORD": "not-the-password-of-anyone"}
    done = pipeline.run(process, over=wrong, status=2)
    assert "Authentication failed" in done.stderr
    assert "not-the-password-of-anyone" not in done.stdout + done.stderr
