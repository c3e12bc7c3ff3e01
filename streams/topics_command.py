"""`nuestream topics`: make the topics, show them, and list what each process must be allowed."""

from __future__ import annotations

import json

import click

from streams.access import as_commands, as_dicts, grants
from streams.console import results, table
from streams.policy import policies_in_log
from streams.settings import Settings
from streams.topics import TopicAdmin, TopicFound, as_json, create_topics, record_counts


def run_create(settings: Settings, by: str | None) -> int:
    """Make what is missing; returns 1 where an existing topic is not as it must be."""
    made, found, begun = create_topics(settings, by)
    for topic in found:
        state = "made" if topic.plan.name in made else "was there"
        click.echo(f"{topic.plan.name}: {state}, {topic.partitions} partitions")
    if begun:
        policy_id = settings.policy.to_policy().policy_id
        click.echo(f"policy {policy_id} begins {len(begun)} partitions of {settings.topics.orders}")
    return _complain(found)


def run_show(settings: Settings, json_wanted: bool) -> int:
    """Print the topics; returns 1 where one is missing or not as it must be."""
    found = TopicAdmin(settings).inspect()
    counts = record_counts(settings, found)
    policies: list[str] = []
    orders = next(topic for topic in found if topic.plan.role == "orders")
    if orders.partitions:
        newest = policies_in_log(settings)
        policies = sorted({at.policy.policy_id for at in newest.values()})
        without = [str(number) for number in range(orders.partitions) if number not in newest]
        if without:
            orders.problems.append(f"has no policy on partition {', '.join(without)}: run `nuestream topics create`")
    if json_wanted:
        told = [as_json(topic, counts.get(topic.plan.name), policies) for topic in found]
        click.echo(json.dumps(told, indent=2))
        return 1 if any(topic.problems for topic in found) else 0
    columns = ("topic", "holds", "partitions", "replicas", "kept", "records", "policy", "state")
    rows = [_row(topic, counts.get(topic.plan.name), policies) for topic in found]
    results.print(table(None, columns, rows, right=("partitions", "replicas", "records")))
    return _complain(found)


def run_acls(settings: Settings, layout: str, principals: dict[str, str]) -> int:
    """Print what each process must be granted; returns 0."""
    listed = grants(settings)
    if layout == "json":
        told = [row | {"principal": principals[str(row["process"])]} for row in as_dicts(listed)]
        click.echo(json.dumps(told, indent=2))
    elif layout == "kafka-acls":
        for line in as_commands(listed, principals, settings.kafka.bootstrap_servers):
            click.echo(line)
    else:
        rows = [
            (grant.process, grant.resource, f"{grant.name}{'*' if grant.prefixed else ''}", grant.operation, grant.why)
            for grant in listed
        ]
        results.print(table(None, ("process", "resource", "name", "operation", "because it"), rows))
    return 0


def _row(topic: TopicFound, records: int | None, policies: list[str]) -> tuple[str, ...]:
    kept = topic.config.get("cleanup.policy", "?")
    if kept == "delete":
        kept = "for ever" if topic.config.get("retention.ms") == "-1" else f"{topic.config.get('retention.ms')} ms"
    elif kept == "compact":
        kept = "newest per key"
    return (
        topic.plan.name,
        topic.plan.holds,
        str(topic.partitions),
        str(topic.replication),
        kept if topic.partitions else "",
        "" if records is None else str(records),
        ", ".join(policies) if topic.plan.role == "orders" else "",
        "ok" if not topic.problems else "missing" if not topic.partitions else "wrong",
    )


def _complain(found: list[TopicFound]) -> int:
    for topic in found:
        for problem in topic.problems:
            click.echo(f"nuestream: {topic.plan.name} {problem}", err=True)
    return 1 if any(topic.problems for topic in found) else 0
