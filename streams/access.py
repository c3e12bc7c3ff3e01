"""Who may do what: the least that each process must be granted on a broker with ACLs.

Read and Write each include Describe. Nothing needs a cluster permission: a producer that may write to a topic may
be idempotent.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from streams.settings import Settings

READ, WRITE, CREATE, DESCRIBE, DESCRIBE_CONFIGS = "Read", "Write", "Create", "Describe", "DescribeConfigs"
DELETE = "Delete"
TOPIC, GROUP = "Topic", "Group"


@dataclass(frozen=True, slots=True)
class Grant:
    """One operation that one process must be allowed on one resource, or, ``prefixed``, on all whose name begins so."""

    process: str
    resource: str
    name: str
    operation: str
    why: str
    prefixed: bool = False


def grants(settings: Settings) -> list[Grant]:
    """All that must be granted, per process in the order of the flow."""
    names, groups = settings.topics, settings.groups
    six = (names.orders, names.contracts, names.commands, names.quarantine, names.outcomes, names.dead_letters)
    told = (names.contracts, names.quarantine, names.outcomes, names.dead_letters)
    rows = [
        ("publish", TOPIC, names.orders, READ, "sees that every partition begins with a policy"),
        ("publish", TOPIC, names.orders, WRITE, "order events"),
        ("project", TOPIC, names.orders, READ, "folds the log"),
        ("project", TOPIC, names.orders, WRITE, "says that an order waited too long"),
        ("project", TOPIC, names.contracts, WRITE, "contract events"),
        ("project", TOPIC, names.commands, WRITE, "commands"),
        ("project", TOPIC, names.quarantine, WRITE, "what is held back"),
        ("project", TOPIC, settings.changelog, READ, "recovers its state"),
        ("project", TOPIC, settings.changelog, WRITE, "keeps its state"),
        ("project", GROUP, groups.project, READ, "shares the partitions, commits offsets"),
        ("apply", TOPIC, names.commands, READ, "takes commands"),
        ("apply", TOPIC, names.outcomes, READ, "knows what NetSuite holds"),
        ("apply", TOPIC, names.outcomes, WRITE, "says what NetSuite answered"),
        ("apply", TOPIC, names.dead_letters, READ, "knows what is parked"),
        ("apply", TOPIC, names.dead_letters, WRITE, "parks what NetSuite refused, answers what people ask for"),
        ("apply", GROUP, groups.apply, READ, "shares the partitions, commits offsets"),
        *(("history", TOPIC, name, READ, "tells what happened") for name in told),
        ("held", TOPIC, names.quarantine, READ, "tells what waits"),
        ("quarantine", TOPIC, names.quarantine, READ, "tells what waits, and what became of it"),
        ("quarantine", TOPIC, names.contracts, READ, "tells what was decided"),
        ("quarantine", TOPIC, names.orders, READ, "shows the order that waits"),
        ("quarantine", TOPIC, names.orders, WRITE, "what a person decides (`release` and `discard` alone)"),
        ("arrangements", TOPIC, names.contracts, READ, "tells what was renewed"),
        ("arrangements", TOPIC, names.commands, READ, "tells which documents there are"),
        ("arrangements", TOPIC, names.dead_letters, READ, "tells which were discarded"),
        ("export", TOPIC, names.contracts, READ, "tells what was decided"),
        ("export", TOPIC, names.commands, READ, "tells what documents hold"),
        ("deadletters", TOPIC, names.dead_letters, READ, "tells what is parked, and what became of it"),
        ("deadletters", TOPIC, names.dead_letters, WRITE, "what a person asks for (`redrive` and `discard` alone)"),
        ("deadletters", GROUP, groups.apply, DESCRIBE, "says whether a sink runs (`redrive` and `discard` alone)"),
        *(("reconcile", TOPIC, name, READ, "compares what the topics say with NetSuite") for name in six),
        ("reconcile", TOPIC, names.commands, WRITE, "missing commands, once more (`--repair` alone)"),
        ("reconcile", GROUP, groups.project, DESCRIBE, "knows how far the orders are decided"),
        ("reconcile", GROUP, groups.apply, DESCRIBE, "knows how far the commands are applied"),
        ("replay", TOPIC, names.orders, READ, "folds the log"),
        ("replay", TOPIC, names.commands, READ, "compares with what was decided (`diff` alone)"),
        ("rebuild", TOPIC, names.orders, READ, "folds the log (`commands` alone)"),
        ("rebuild", TOPIC, names.commands, READ, "takes commands"),
        ("rebuild", TOPIC, names.commands, WRITE, "those that are lacking (`commands` alone)"),
        ("rebuild", TOPIC, names.outcomes, READ, "knows what it has made (`account` alone)"),
        ("rebuild", TOPIC, names.outcomes, WRITE, "says what NetSuite answered (`account` alone)"),
        ("rebuild", TOPIC, names.dead_letters, READ, "knows what is parked or discarded (`account` alone)"),
        ("rebuild", TOPIC, names.dead_letters, WRITE, "parks what NetSuite refuses (`account` alone)"),
        ("rebuild", GROUP, groups.project, DESCRIBE, "sees whether a projector runs (`commands` alone)"),
        ("rebuild", GROUP, groups.apply, DESCRIBE, "sees whether a sink runs (`account` alone)"),
        ("opening", TOPIC, names.orders, READ, "sees that every partition begins with a policy"),
        ("opening", TOPIC, names.orders, WRITE, "opening balances"),
        *(("archive", TOPIC, name, READ, "copies it, and sees how far an import has come") for name in six),
        *(
            ("archive", TOPIC, name, operation, f"{why} (`import` alone)")
            for name in six
            for operation, why in (
                (WRITE, "puts records back"),
                (CREATE, "makes it"),
                (DESCRIBE_CONFIGS, "sees whether records would stay"),
            )
        ),
        ("policy", TOPIC, names.orders, READ, "shows the policy in force"),
        ("policy", TOPIC, names.orders, WRITE, "activates another (`policy activate` alone)"),
        *(
            ("topics", TOPIC, name, operation, why)
            for name in (*six, settings.changelog)
            for operation, why in ((CREATE, "makes it"), (DESCRIBE_CONFIGS, "checks it"))
        ),
        *(("topics", TOPIC, name, READ, "counts its records") for name in (*six, settings.changelog)),
        ("topics", TOPIC, names.orders, WRITE, "begins the log with the policy"),
    ]
    rebuilds = f"{groups.apply}.rebuild-"
    own = [
        Grant("rebuild", GROUP, rebuilds, READ, "remembers how far it has come (`account` alone)", prefixed=True),
        Grant("rebuild", GROUP, rebuilds, DELETE, "forgets it when it is through (`account` alone)", prefixed=True),
    ]
    return [Grant(*row) for row in rows] + own


def as_commands(listed: list[Grant], principals: Mapping[str, str], servers: str) -> list[str]:
    """The grants as `kafka-acls` command lines, one per process and resource."""
    together: dict[tuple[str, str, str, bool], list[str]] = {}
    for grant in listed:
        together.setdefault((grant.process, grant.resource, grant.name, grant.prefixed), []).append(grant.operation)
    lines = []
    for (process, resource, name, prefixed), operations in together.items():
        words = ["kafka-acls", "--bootstrap-server", servers, "--add", "--allow-principal", principals[process]]
        for operation in operations:
            words += ["--operation", operation]
        if prefixed:
            words += ["--resource-pattern-type", "prefixed"]
        lines.append(shlex.join([*words, f"--{resource.lower()}", name]))
    return lines


def as_dicts(listed: list[Grant]) -> list[dict[str, object]]:
    """The grants for other programs."""
    return [asdict(grant) for grant in listed]
