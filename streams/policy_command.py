"""`nuestream policy`: the policy in the log beside that of the settings, and its activation."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import click

from streams.console import results, table
from streams.policy import PolicyAt, activate, as_settings, differences, first_policy_check, policies_in_log
from streams.settings import Settings


def show_policy(settings: Settings, as_json: bool) -> int:
    """Print what is in force; returns 1 where the settings differ from it, else 0."""
    first_policy_check(settings)
    found = policies_in_log(settings)
    differing = _differing(settings, found)
    if as_json:
        click.echo(json.dumps(_told(settings, found, differing), indent=2))
    else:
        _print(settings, found, differing)
    return 1 if differing else 0


def activate_policy(settings: Settings, yes: bool, by: str | None) -> int:
    """Append the settings' policy where another one is in force; returns 0, or 1 where a person said no."""
    first_policy_check(settings)
    found = policies_in_log(settings)
    differing = _differing(settings, found)
    if not differing:
        click.echo(f"the policy in {settings.topics.orders} is that of the settings: nothing to do")
        return 0
    _print(settings, found, differing)
    if not yes and not click.confirm("Orders from here on will be decided by the settings. Activate?", err=True):
        return 1
    changed = activate(settings, by)
    policy_id = settings.policy.to_policy().policy_id
    click.echo(f"policy {policy_id} activated on {len(changed)} partitions of {settings.topics.orders}")
    return 0


def _differing(settings: Settings, found: dict[int, PolicyAt]) -> dict[int, list[tuple[str, str, str]]]:
    wanted = settings.policy.to_policy()
    all_of_them = {number: differences(at.policy, wanted) for number, at in sorted(found.items())}
    return {number: fields for number, fields in all_of_them.items() if fields}


def _print(settings: Settings, found: dict[int, PolicyAt], differing: dict[int, list[tuple[str, str, str]]]) -> None:
    wanted = as_settings(settings.policy.to_policy())
    groups: dict[str, list[int]] = {}
    for number, at in sorted(found.items()):
        groups.setdefault(at.policy.policy_id, []).append(number)
    for policy_id, numbers in groups.items():
        at = found[numbers[0]]
        fields = {field for field, _, _ in differing.get(numbers[0], [])}
        places = "every partition" if len(groups) == 1 else "partitions " + ", ".join(map(str, numbers))
        when = at.activated.activated_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        results.print(f"policy {policy_id} on {places} of {settings.topics.orders}", style="bold")
        results.print(f"activated {when} by {at.activated.activated_by}")
        rows = [
            (field, value, wanted[field], "differs" if field in fields else "")
            for field, value in as_settings(at.policy).items()
        ]
        results.print(table(None, ("field", "in the log", "in the settings", ""), rows))
    if differing:
        results.print("The settings differ: change them, or put them into the log with `nuestream policy activate`.")


def _told(
    settings: Settings, found: dict[int, PolicyAt], differing: dict[int, list[tuple[str, str, str]]]
) -> dict[str, Any]:
    wanted = settings.policy.to_policy()
    return {
        "topic": settings.topics.orders,
        "settings": {"policy_id": wanted.policy_id, "policy": as_settings(wanted)},
        "partitions": [
            {
                "partition": number,
                "offset": at.offset,
                "policy_id": at.policy.policy_id,
                "activated_at": at.activated.activated_at.isoformat(),
                "activated_by": at.activated.activated_by,
                "policy": as_settings(at.policy),
                "differs_in": [field for field, _, _ in differing.get(number, [])],
            }
            for number, at in sorted(found.items())
        ],
    }
