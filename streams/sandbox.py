"""`nuestream sandbox`: the NetSuite to try things against, as a process."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import click
import msgspec
from aiohttp import web
from pydantic import SecretStr

from sinks.assertion import BadKey, Signer
from sinks.catalog import needed
from sinks.sandbox.account import custom_in
from sinks.sandbox.auth import SandboxCredentials
from sinks.sandbox.behaviour import Behaviour, read
from sinks.sandbox.latency import LatencySettings
from sinks.sandbox.oauth import Certificate
from sinks.sandbox.server import build_app, serve
from sinks.sandbox.store import Store
from sinks.signing import Credentials
from streams.errors import NuestreamError, SettingsError
from streams.mapping import defaults_of
from streams.netsuite_login import credentials_of
from streams.settings import Settings
from streams.settings_netsuite import CLIENT_CREDENTIALS, TOKEN_BASED
from streams.settings_source import both_names, env_name

OWN = {
    "account": "SANDBOX",
    "consumer_key": "sandbox-consumer-key",
    "consumer_secret": "sandbox-consumer-secret",
    "token_id": "sandbox-token-id",
    "token_secret": "sandbox-token-secret",
}
"""What the sandbox accepts where the settings name no account; no secrets, since it holds nothing real."""


def behaviour_of(
    path: Path | None, latency: float | None, latency_p99: float | None, concurrency: int | None
) -> Behaviour:
    """How the sandbox behaves: as a file says, single settings of it given otherwise.

    Raises:
        NuestreamError: the file cannot be read or says what cannot be, or the latency is none.
    """
    try:
        behaviour = Behaviour() if path is None else read(path)
    except (OSError, ValueError) as error:
        raise NuestreamError(f"{path}: {error}") from None
    try:
        if latency_p99 is not None:
            draw = LatencySettings(median=latency, p99=latency_p99, seed=behaviour.latency.seed)
            behaviour = msgspec.structs.replace(behaviour, latency=draw)
        elif latency is not None:
            behaviour = msgspec.structs.replace(behaviour, latency=LatencySettings(latency))
    except ValueError:
        raise NuestreamError("--latency must be above 0, and --latency-p99 not below it") from None
    if concurrency is not None:
        limits = msgspec.structs.replace(behaviour.limits, concurrency=concurrency)
        behaviour = msgspec.structs.replace(behaviour, limits=limits)
    return behaviour


def run_sandbox(
    settings: Settings, host: str, port: int, db: Path | None, tax_rate: Decimal, behaviour: Behaviour
) -> int:
    """Serve until SIGTERM or SIGINT; returns 0. The account has the custom fields that ``netsuite.mapping`` names.

    Raises:
        NuestreamError: the address cannot be listened on, or the database not be opened.
        SettingsError: the account's credentials are given in part.
    """
    credentials, is_own = _credentials(settings)
    try:
        own = custom_in(needed(defaults_of(settings.netsuite.mapping)))
        store = Store(None if db is None else str(db), tax_rate=tax_rate, custom_fields=own)
    except sqlite3.Error as error:
        raise NuestreamError(f"{db}: the sandbox cannot use it: {error}") from None
    try:
        asyncio.run(_serve(store, credentials, is_own, host, port, behaviour))
    finally:
        store.close()
    return 0


def _credentials(settings: Settings) -> tuple[SandboxCredentials, bool]:
    """What the sandbox accepts, and whether it is its own choice."""
    given = settings.netsuite
    if not given.gives("account", *CLIENT_CREDENTIALS, *TOKEN_BASED):
        return _token_based(OWN), True
    settings.require_netsuite("sandbox")
    known = credentials_of(given)
    if isinstance(known, Credentials):
        return _token_based(given.model_dump(include={"account", *TOKEN_BASED})), False
    try:
        certificate = Certificate(known.client_id, known.certificate_id, Signer(known).public_key)
    except BadKey as error:
        raise SettingsError(f"{both_names(('netsuite', 'private_key'))}: {error}") from None
    nobodys = {name: secrets.token_hex(16) for name in TOKEN_BASED}
    return replace(_token_based({"account": given.account, **nobodys}), certificate=certificate), False


def _token_based(values: Mapping[str, str | SecretStr]) -> SandboxCredentials:
    texts = {name: value if isinstance(value, str) else value.get_secret_value() for name, value in values.items()}
    return SandboxCredentials(
        account=texts["account"],
        consumer_key=texts["consumer_key"],
        consumer_secret=SecretStr(texts["consumer_secret"]),
        token_id=texts["token_id"],
        token_secret=SecretStr(texts["token_secret"]),
    )


def _app(store: Store, credentials: SandboxCredentials, behaviour: Behaviour) -> web.Application:
    store.apply(behaviour.account)
    latency = behaviour.latency.latency()
    return build_app(store, credentials, latency=latency, limits=behaviour.limits, faults=behaviour.faults)


async def _serve(
    store: Store, credentials: SandboxCredentials, is_own: bool, host: str, port: int, behaviour: Behaviour
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        runner, actual = await serve(_app(store, credentials, behaviour), host, port)
    except OSError as error:
        raise NuestreamError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    try:
        url = f"http://{f'[{host}]' if ':' in host else host}:{actual}"
        click.echo(f"NetSuite sandbox for account {credentials.account} on {url} (Ctrl-C ends it)")
        if is_own:
            click.echo("It takes these credentials:")
            for name, value in {"url": url, **OWN}.items():
                click.echo(f"  export {env_name(('netsuite', name))}={value}")
        await stopping.wait()
    finally:
        await runner.cleanup()
