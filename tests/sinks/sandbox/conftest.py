"""A sandbox per test, and an account in it."""

from collections.abc import Iterator

import pytest

from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.sinks.sandbox.caller import Account


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def account(sandbox: RunningSandbox) -> Account:
    return Account(sandbox)
