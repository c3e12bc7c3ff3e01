"""What `nuestream adopt check` finds, as the doctor says it."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.registry import RegistryUnavailable
from sinks.client import NetSuiteClient
from sinks.findings import Finding, fix, ok, unchecked
from streams.adopt_command import twins_in_words
from streams.adopt_report import Report, report
from streams.errors import NuestreamError
from streams.settings import Settings

CHECK = "records that are in NetSuite already"
_TOLD = 20


async def collisions(settings: Settings, client: NetSuiteClient) -> list[Finding]:
    """What of the commands on the topic is in NetSuite under the same name, and what is wrong with adoptions."""
    try:
        found = await report(settings, client)
    except (NuestreamError, RegistryUnavailable) as error:
        return [fix(CHECK, " ".join(str(error).split()))]
    if found.is_clean:
        told = f"{found.customers} customers and {found.items} items of the commands: none is there without being known"
        return [ok(CHECK, told)]
    everything = list(_in_words(found))
    if (more := len(everything) - _TOLD) > 0:
        return [*everything[:_TOLD], fix(CHECK, f"{more} more: `nuestream adopt check` lists all")]
    return everything


def not_looked_for() -> Finding:
    """What is said where nobody asked for them."""
    return unchecked(CHECK, "`nuestream adopt check`, or --collisions, lists them once `nuestream project` has run")


def _in_words(found: Report) -> Iterator[Finding]:
    for each in found.collisions:
        known_as = f", external id {each.netsuite_external_id}" if each.netsuite_external_id else ""
        yield fix(
            f"{each.record} {each.external_id}",
            f"NetSuite has {each.netsuite_name} already (internal id {each.netsuite_id}{known_as}): adopt it, where it "
            "is the same (`nuestream adopt --help`)",
        )
    for twins in found.twins:
        yield fix(f"{twins.record} {twins.name}", twins_in_words(twins))
    for flaw in found.adoptions:
        yield fix(f"netsuite.adopt, line {flaw.line}", flaw.problem)
