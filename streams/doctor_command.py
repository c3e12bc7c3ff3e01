"""`nuestream doctor`: whether the NetSuite account is ready for the sink."""

from __future__ import annotations

import asyncio

import click
import msgspec
from rich.text import Text

from sinks.doctor import Wishes, examine
from sinks.findings import Calls, Finding, State
from streams.console import results
from streams.doctor_collisions import collisions, not_looked_for
from streams.mapping import defaults_of
from streams.netsuite_login import client_of
from streams.settings import Settings

STYLES = {State.OK: "green", State.FIX: "bold red", State.UNCHECKED: "yellow"}


def run_doctor(
    settings: Settings,
    currencies: tuple[str, ...],
    terms: tuple[str, ...],
    try_writing: bool,
    list_collisions: bool,
    as_json: bool,
) -> int:
    """Print every finding; returns 0, or 1 where something is to be fixed.

    Raises:
        SettingsError: a NetSuite setting is missing, the mapping names a field that its record cannot have, or the
            private key cannot sign.
    """
    netsuite = settings.require_netsuite("doctor")
    wishes = Wishes(
        defaults=defaults_of(netsuite.mapping),
        currencies=currencies,
        terms=terms,
        mixes=settings.policy.mixed_orders == "one_document",
        try_writing=try_writing,
    )
    findings = asyncio.run(_examine(settings, wishes, list_collisions, as_json))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(findings), indent=2).decode())
    return 1 if any(finding.state is State.FIX for finding in findings) else 0


async def _examine(settings: Settings, wishes: Wishes, list_collisions: bool, as_json: bool) -> list[Finding]:
    findings = []

    def tell(finding: Finding) -> None:
        findings.append(finding)
        if not as_json:
            line = Text(f"{finding.state:<11} ", style=STYLES[finding.state])
            results.print(line.append(f"{finding.check}: {finding.words}", style="default"), soft_wrap=True)

    async with client_of(settings.netsuite) as client:
        async for finding in examine(client, wishes, Calls()):
            tell(finding)
        if not any(finding.check == "login" and finding.state is State.OK for finding in findings):
            return findings  # whoever is refused is not to try again
        for finding in await collisions(settings, client) if list_collisions else [not_looked_for()]:
            tell(finding)
    return findings
