"""Where settings come from, and how a mistake in them is told: in one line that names the setting."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource
from pydantic_settings.exceptions import SettingsError as UnreadableVariable

from streams.errors import SettingsError

PREFIX = "NUESTREAM_"
CONFIG = "NUESTREAM_CONFIG"
OURS_ELSEWHERE = ("NUESTREAM_TEST_", "NUESTREAM_REQUIRE_")
"""Variables of the test suite, which the processes that it starts inherit."""


def env_name(path: tuple[str, ...]) -> str:
    """The environment variable of the setting at ``path``."""
    return PREFIX + "__".join(path).upper()


def both_names(path: tuple[str, ...]) -> str:
    """Both spellings of the setting at ``path``, for a message."""
    return f"{'.'.join(path)} ({env_name(path)})"


def setting_paths(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all settings, sections included."""
    for name, field in model.model_fields.items():
        yield (*above, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from setting_paths(field.annotation, (*above, name))


def config_file(config: Path | None) -> Path | None:
    """The TOML file to read: the one given, else ``NUESTREAM_CONFIG``'s, else ``./nuestream.toml`` if it is there."""
    if config is not None:
        return config
    if os.environ.get(CONFIG):
        return Path(os.environ[CONFIG])
    default = Path("nuestream.toml")
    return default if default.is_file() else None


def check_environment(model: type[BaseSettings]) -> None:
    """Refuse a ``NUESTREAM_`` variable that names no setting, since a typing error would go unnoticed.

    Raises:
        SettingsError: naming the variable and the nearest one that exists.
    """
    known = {CONFIG, *map(env_name, setting_paths(model))}
    for name in sorted(os.environ):
        upper = name.upper()
        if upper.startswith(PREFIX) and not upper.startswith(OURS_ELSEWHERE) and upper not in known:
            raise SettingsError(f"{name} is not a setting{_nearest(upper, known)}")


def merged_values(model: type[BaseSettings], file: Path | None) -> dict[str, Any]:
    """The values of the environment over those of the file.

    Raises:
        SettingsError: the file or a variable cannot be read.
    """
    from_file = _read_toml(file) if file else {}
    try:
        from_environment = EnvSettingsSource(model)()
    except UnreadableVariable as error:
        raise SettingsError(f"environment: {error}") from None
    return _over(from_environment, from_file)


def origins(model: type[BaseSettings], file: Path | None) -> dict[tuple[str, ...], str]:
    """Where each setting that somebody has given comes from: an environment variable or the file."""
    found: dict[tuple[str, ...], str] = {}
    sources = ((str(file), _read_toml(file) if file else {}), ("environment", EnvSettingsSource(model)()))
    for origin, values in sources:
        for path in setting_paths(model):
            given: Any = values
            for part in path:
                given = given.get(part) if isinstance(given, Mapping) else None
            if given is not None:
                found[path] = origin
    return found


def describe(error: ValidationError, model: type[BaseSettings], file: Path | None) -> str:
    """One line for what pydantic found: the first mistake, and how many more there are. Never a secret's value."""
    mistakes = error.errors(include_url=False, include_context=False, include_input=True)
    first = mistakes[0]
    path = tuple(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        known = {".".join(known) for known in setting_paths(model)}
        where = f" in {file}" if file else ""
        text = f"{'.'.join(path)}{where} is not a setting{_nearest('.'.join(path), known)}"
    else:
        field, colon, rest = message.partition(": ")
        if first["type"] == "value_error" and colon and field.isidentifier():
            path, message = (*path, field), rest
        given = first.get("input")
        scalar = len(path) > 1 and isinstance(given, (str, int, float, Decimal))
        shown = f" (given: {given!r})" if scalar and not _secret(path) else ""
        text = f"{both_names(path)}: {message[0].lower()}{message[1:]}{shown}"
    return text + (f"; and {len(mistakes) - 1} more" if len(mistakes) > 1 else "")


def _secret(path: tuple[str, ...]) -> bool:
    return path[-1].endswith(("password", "secret", "private_key", "token_id", "consumer_key"))


def _nearest(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: is not TOML: {error}") from None


def _over(upper: Mapping[str, Any], lower: Mapping[str, Any]) -> dict[str, Any]:
    """``upper`` merged over ``lower``; a secret given above in one form replaces its other form below."""
    merged = {key: value for key, value in lower.items() if not _other_form(key) & upper.keys()}
    for key, value in upper.items():
        under = merged.get(key)
        merged[key] = _over(value, under) if isinstance(value, Mapping) and isinstance(under, Mapping) else value
    return merged


def _other_form(key: str) -> set[str]:
    return {key.removesuffix("_file") if key.endswith("_file") else f"{key}_file"}
