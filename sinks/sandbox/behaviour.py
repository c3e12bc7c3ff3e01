"""How a sandbox behaves from its start on, as one file."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sinks.sandbox.account_rules import AccountRules
from sinks.sandbox.faults import Plan
from sinks.sandbox.latency import LatencySettings
from sinks.sandbox.slots import Limits


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The settings that can be changed while it runs, each under the name of its address."""

    limits: Limits = Limits()
    latency: LatencySettings = LatencySettings()
    faults: Plan = Plan()
    account: AccountRules = AccountRules()


def read(path: Path) -> Behaviour:
    """The behaviour in a JSON file. Raises ``ValueError`` for what is none, ``OSError`` where it cannot be read."""
    return msgspec.json.decode(path.read_bytes(), type=Behaviour)
