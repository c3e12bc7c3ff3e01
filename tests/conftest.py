"""Fixtures over the real servers of tests/environment."""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest
from confluent_kafka.admin import AdminClient
from hypothesis import Phase, settings

from tests.environment import (
    Cluster,
    Kafka,
    OwnBroker,
    SchemaRegistry,
    SecureKafka,
    UnavailableError,
    find_kafka,
    find_schema_registry,
    refuse,
    start_cluster,
    start_kafka,
    start_secure_kafka,
)

# for `make mutate`: that a test fails is all that counts there, and a score is to be had again
settings.register_profile("mutants", phases=(Phase.explicit, Phase.generate), derandomize=True, database=None)


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """The broker that all tests share; each names its topics and groups by `topic_prefix`."""
    try:
        found = find_kafka()
    except UnavailableError as why:
        refuse("Apache Kafka", why)
    yield found
    found.close()


@pytest.fixture(scope="session")
def schema_registry() -> Iterator[SchemaRegistry]:
    """The schema registry that all tests share; subjects begin with `topic_prefix`."""
    try:
        found = find_schema_registry()
    except UnavailableError as why:
        refuse("A schema registry", why)
    yield found
    found.close()


@pytest.fixture(scope="session")
def secure_kafka() -> Iterator[SecureKafka]:
    """A broker with TLS, SCRAM users and ACLs, shared by the tests that ask for it."""
    try:
        started = start_secure_kafka()
    except UnavailableError as why:
        refuse("A secured Apache Kafka", why)
    yield started
    started.close()


@pytest.fixture
def new_kafka() -> Iterator[Callable[[Mapping[str, str] | None], OwnBroker]]:
    """Starts brokers of the test's own, with properties of its choice; it may kill and start them."""
    with ExitStack() as running:

        def start(properties: Mapping[str, str] | None = None) -> OwnBroker:
            try:
                return running.enter_context(start_kafka(properties))
            except UnavailableError as why:
                refuse("A Kafka of the test's own", why)

        yield start


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Three brokers of the test's own, which it may kill and start one by one."""
    try:
        started = start_cluster()
    except UnavailableError as why:
        refuse("A cluster of Apache Kafka", why)
    with started:
        yield started


@pytest.fixture
def topic_prefix(request: pytest.FixtureRequest) -> Iterator[str]:
    """A beginning for names of topics, groups and subjects that no other test has.

    What a test leaves on the shared broker under it is deleted afterwards.
    """
    yield from _prefix(request)


@pytest.fixture(scope="module")
def module_prefix(request: pytest.FixtureRequest) -> Iterator[str]:
    """The same for all tests of a module together."""
    yield from _prefix(request)


def _prefix(request: pytest.FixtureRequest) -> Iterator[str]:
    test = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[-40:].strip("-")
    prefix = f"{test}-{uuid.uuid4().hex[:8]}."
    yield prefix
    if "kafka" in request.fixturenames:
        shared: Kafka = request.getfixturevalue("kafka")
        admin = AdminClient({"bootstrap.servers": shared.bootstrap, "log_level": 0})
        left = [topic for topic in admin.list_topics(timeout=10).topics if topic.startswith(prefix)]
        for deletion in (admin.delete_topics(left) if left else {}).values():
            deletion.result(10)


# These take longest as a whole: begun first, none of them is what all others have long ended for.
_LONG = ("test_readme", "test_cluster_crashes", "test_state_rebuild", "test_secure_bus", "test_topics", "test_pipeline")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest before all others."""
    order = {name: place for place, name in enumerate(_LONG)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))
