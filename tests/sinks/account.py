"""A NetSuite account for tests: the sandbox behind a line that can fail, and a deliverer whose time is the test's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from schemas.command import Command, UpsertCustomer, UpsertItem
from schemas.outcome import Outcome
from sinks.assertion import CertificateCredentials
from sinks.client import NetSuiteClient
from sinks.deliver import Applied, Deliverer
from sinks.signing import Credentials
from sinks.translate import Defaults
from tests.sinks import orders
from tests.sinks.bad_line import BadLine, bad_line
from tests.sinks.orders import CUSTOMER, SEAT

REQUEST_LIMIT = 900.0


class Time:
    """A clock that moves when somebody sleeps. ``sleeps`` are what was slept, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleeps: list[float] = []
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        self._news = asyncio.Condition()

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        async with self._news:
            self._news.notify_all()
        if seconds > 100 and self.meanwhile is not None:
            await self.meanwhile()
        self.now += seconds

    async def slept(self, times: int) -> None:
        """Wait until somebody has gone to sleep so many times."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.sleeps) >= times)


class Account:
    """The sandbox, what the sink sees of it, and what the test sees."""

    def __init__(self, line: BadLine, client: NetSuiteClient, name: str, **options: Any) -> None:
        self.line = line
        self.client = client
        self.time = Time()
        self.known: dict[str, str] = {}
        options.setdefault("defaults", Defaults())
        self.deliverer = Deliverer(
            client,
            account=name,
            **options,
            request_limit=REQUEST_LIMIT,
            retry_initial=1.0,
            retry_max=60.0,
            failures_limit=3,
            clock=lambda: self.time.now,
            sleep=self.time.sleep,
            rand=lambda: 1.0,
        )

    async def prepare(self) -> None:
        """Bring in a customer and an item, which documents can then name."""
        for command in (orders.customer(), orders.item()):
            verdict = await self.deliverer.deliver(command, {})
            assert isinstance(verdict, Applied), verdict
            self.known[command.external_id] = verdict.internal_id
        self.line.calls.clear()
        self.time.sleeps.clear()

    async def deliver(self, command: Command, newest: Outcome | None = None, **more: Any) -> Any:
        """Deliver with the references that ``prepare`` made."""
        return await self.deliverer.deliver(command, self.known, newest, **more)

    async def record(self, record: str, external_id: str) -> dict[str, Any] | None:
        """What NetSuite holds under an external id."""
        answer = await self.client.get_by_eid(record, external_id)
        if answer.status == 404:
            return None
        assert answer.status == 200, answer
        assert isinstance(answer.body, dict)
        return answer.body


def outcome_of(command: Command, verdict: Applied, **changes: Any) -> Outcome:
    """The outcome that a sink would record for a verdict."""
    fields: dict[str, Any] = {
        "account": "any",
        "external_id": command.external_id,
        "record_type": verdict.record_type,
        "internal_id": verdict.internal_id,
        "command_id": command.command_id,
        "result": verdict.result,
        "order_id": command.origin.order_id,
        "customer_id": command.origin.customer_id,
        "content_hash": verdict.content_hash,
        "applied_at": datetime(2025, 1, 1, tzinfo=UTC),
        "activated_at": command.activated_at if isinstance(command, UpsertCustomer | UpsertItem) else None,
    }
    return Outcome(**(fields | changes))


@asynccontextmanager
async def account_behind_a_bad_line(
    sandbox: Any,
    *,
    prepared: bool = True,
    token_secret: str | None = None,
    certificate: CertificateCredentials | None = None,
    **options: Any,
) -> AsyncIterator[Account]:
    """An account of ``sandbox``, reached through a line that can fail, by OAuth 2.0 where a certificate is given.

    ``options`` are those of the deliverer.
    """
    given = sandbox.credentials
    credentials = certificate or Credentials(
        consumer_key=given.consumer_key,
        consumer_secret=given.consumer_secret,
        token_id=given.token_id,
        token_secret=SecretStr(token_secret) if token_secret else given.token_secret,
    )
    async with (
        bad_line(sandbox.url) as line,
        NetSuiteClient(line.url, given.account, credentials, timeout=5.0) as client,
    ):
        account = Account(line, client, given.account, **options)
        if prepared:
            await account.prepare()
        yield account


__all__ = ["CUSTOMER", "REQUEST_LIMIT", "SEAT", "Account", "account_behind_a_bad_line", "outcome_of"]
