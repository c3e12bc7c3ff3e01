"""Fetches beforehand what the tests will start, so that no test's time limit has to pay for a download."""

import os

from tests.environment import artifacts, daemon
from tests.environment.availability import UnavailableError
from tests.environment.kafka import BOOTSTRAP
from tests.environment.registry import REGISTRY_URL


def main() -> None:
    """Say in one line what the tests will run against."""
    if daemon.host() is not None:
        print("tests: Kafka and a schema registry will run in Docker")
        return
    given = [name for name in (BOOTSTRAP, REGISTRY_URL) if os.environ.get(name)]
    try:
        artifacts.java()
        folders = artifacts.kafka_jars(), artifacts.registry_folder()
    except UnavailableError as why:
        print(f"tests: those that need a Kafka of their own are not going to run: {why}")
    else:
        print(f"tests: Kafka and a schema registry from {' and '.join(str(folder) for folder in folders)}")
    if given:
        print(f"tests: given by {' and '.join(given)}")


main()
