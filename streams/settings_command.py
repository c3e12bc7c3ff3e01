"""`nuestream settings`: every setting, its value, and where that comes from."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, SecretStr

from streams.console import results, table
from streams.settings import Settings, load_settings
from streams.settings_source import config_file, env_name, origins, setting_paths

MASK = "********"


def run_settings(config: Path | None, show_all: bool) -> int:
    """Print the settings that somebody has given, or all of them; returns 0.

    Raises:
        SettingsError: one of them is wrong.
    """
    settings = load_settings(config)
    given = origins(Settings, config_file(config))
    rows = []
    for path in setting_paths(Settings):
        value: object = settings
        for part in path:
            value = getattr(value, part)
        if isinstance(value, BaseModel) or not (show_all or path in given):
            continue
        rows.append((".".join(path), env_name(path), _shown(value, path in given), given.get(path, "default")))
    results.print(table(None, ("setting", "environment variable", "value", "from"), rows))
    return 0


def _shown(value: object, given: bool) -> str:
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else ""
    if value is None:
        return "(read)" if given else ""
    return str(value).lower() if isinstance(value, bool) else str(value)
