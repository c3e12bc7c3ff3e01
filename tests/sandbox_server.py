"""The NetSuite sandbox, running beside a test."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from sinks.sandbox.account_rules import AccountRules
from sinks.sandbox.auth import Verifier
from sinks.sandbox.faults import Plan
from sinks.sandbox.server import VERIFIER, SandboxCredentials, build_app, serve
from sinks.sandbox.slots import Limits
from sinks.sandbox.store import Store

CREDENTIALS = SandboxCredentials(
    account="123456_SB1",
    consumer_key="consumer-of-the-tests",
    consumer_secret=SecretStr("consumer-secret-of-the-tests"),
    token_id="token-of-the-tests",
    token_secret=SecretStr("token-secret-of-the-tests"),
)

_NONE, _PLAIN = Plan(), AccountRules()


@dataclass(frozen=True)
class RunningSandbox:
    """Where it listens, what it holds, who may log in and how that is judged."""

    url: str
    store: Store
    credentials: SandboxCredentials
    verifier: Verifier

    def admin(self, method: str, what: str, body: object = None) -> Any:
        """Set something, or ask for the report; see `nuestream sandbox --help`."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}/sandbox/{what}", data=data, method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.loads(answer.read() or b"null")


@contextmanager
def running_sandbox(
    *,
    path: str | None = None,
    latency: Callable[[], float] | float = 0.0,
    concurrency: int | None = None,
    lenience: int = 0,
    faults: Plan = _NONE,
    rules: AccountRules = _PLAIN,
    port: int = 0,
    credentials: SandboxCredentials = CREDENTIALS,
    clock: Callable[[], float] = time.time,
    **store_options: Any,
) -> Iterator[RunningSandbox]:
    """Serve a sandbox from a thread of its own. ``store_options`` are those of its ``Store``, such as ``tax_rate``."""
    store = Store(path, **store_options)
    store.apply(rules)
    limits = Limits(concurrency, lenience)
    app = build_app(store, credentials, latency=latency, limits=limits, faults=faults, login_clock=clock)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        runner, actual = asyncio.run_coroutine_threadsafe(serve(app, "127.0.0.1", port), loop).result(10)
        try:
            yield RunningSandbox(f"http://127.0.0.1:{actual}", store, credentials, app[VERIFIER])
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
        store.close()
