"""What all commands share: how a fault is told, and where the settings come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from streams.errors import NuestreamError

if TYPE_CHECKING:
    from streams.settings import Settings

FAULT = 2


class Commands(click.Group):
    """The group of all commands: a fault that a person can act upon is one line, anything else a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; its return value is the exit status."""
        try:
            ctx.exit(super().invoke(ctx) or 0)
        except Exception as error:
            if not _is_fault(error):
                raise
            click.echo(f"nuestream: {' '.join(str(error).split())}", err=True)
            ctx.exit(FAULT)


def _is_fault(error: Exception) -> bool:
    if isinstance(error, click.exceptions.Exit):
        return False
    if isinstance(error, NuestreamError):
        return True
    from schemas.registry import RegistryUnavailable

    return isinstance(error, RegistryUnavailable)


def settings_of(ctx: click.Context) -> Settings:
    """The settings, with the file that the group was given.

    Raises:
        SettingsError: one of them is wrong.
    """
    from streams.settings import load_settings

    return load_settings(ctx.obj)
