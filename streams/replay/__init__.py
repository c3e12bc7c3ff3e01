"""The log folded again from its beginning, by the same pure core, without Faust and without any way to NetSuite.

`source` says where records come from, `folding` takes them into states in memory, `outputs` writes what followed,
`run` does it for many partitions on all cores.
"""

from __future__ import annotations

from typing import Final

KINDS: Final = ("commands", "contracts", "quarantine", "state")
"""What can be put out."""

FORMATS: Final = ("avro", "ndjson")
"""How; state is always the latter."""
