"""Settings for one test: topics and groups of its own on a broker that others use too."""

from __future__ import annotations

from typing import Any

from streams.settings import Settings

FIELDS = ("orders", "contracts", "commands", "quarantine", "outcomes", "dead_letters")


def settings_on(bootstrap: str, prefix: str, **over: dict[str, Any]) -> Settings:
    """Settings whose topics and groups begin with `prefix`; `over` are tables of settings above them."""
    tables: dict[str, dict[str, Any]] = {
        "kafka": {"bootstrap_servers": bootstrap},
        "topics": {field: f"{prefix}{field}" for field in FIELDS},
        "groups": {"project": f"{prefix}project", "apply": f"{prefix}apply"},
    }
    for name, table in over.items():
        tables[name] = {**tables.get(name, {}), **table}
    return Settings(**tables)
