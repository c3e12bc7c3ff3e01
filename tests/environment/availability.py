"""What happens to a test whose server cannot be had here."""

import os
from typing import NoReturn

import pytest

REQUIRED = "NUESTREAM_REQUIRE_KAFKA"


class UnavailableError(Exception):
    """A server that tests need cannot be had on this machine; the message says why."""


def refuse(what: str, why: UnavailableError) -> NoReturn:
    """Skip the test that asked for `what`; fail it where NUESTREAM_REQUIRE_KAFKA is 1, as in CI."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{what} is required here ({REQUIRED}=1) and cannot be had: {why}", pytrace=False)
    pytest.skip(f"{what} cannot be had: {why}")
