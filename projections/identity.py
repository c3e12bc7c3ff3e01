"""Names that come out the same however often, wherever and whenever a decision is taken."""

from __future__ import annotations

import hashlib
import re

_ALLOWED = re.compile(r"[A-Za-z0-9_-]+")
_SALESFORCE_15 = re.compile(r"[A-Za-z0-9]{15}")
_CHECK_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def stable_id(*parts: object) -> str:
    """A 128-bit name of ``parts`` in hexadecimal, without clock, host or position in it."""
    text = "\x1f".join("" if part is None else str(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def external_id(prefix: str, nue_id: str, ordinal: int = 1) -> str:
    """The NetSuite external id of a Nue id, e.g. ``NUE-SO-<order id>``; a second document adds ``-2``.

    NetSuite compares external ids without regard to case and takes letters, digits, ``_`` and ``-`` in a URL.
    So a 15-character Salesforce id, in which case matters, is widened to its 18-character form, and an id with
    other characters has them replaced and a digest added that keeps two such ids apart.
    """
    name = _widened(nue_id)
    if not _ALLOWED.fullmatch(name):
        name = f"{re.sub(r'[^A-Za-z0-9_-]', '_', name)}-{stable_id(nue_id)[:10]}"
    suffix = "" if ordinal == 1 else f"-{ordinal}"
    return f"NUE-{prefix}-{name}{suffix}"


def _widened(nue_id: str) -> str:
    # Salesforce's own rule: per block of five, one character says which of the five are upper case.
    if not _SALESFORCE_15.fullmatch(nue_id) or not any(character.isdigit() for character in nue_id):
        return nue_id
    blocks = (nue_id[:5], nue_id[5:10], nue_id[10:])
    flags = (sum(1 << place for place, char in enumerate(block) if char.isupper()) for block in blocks)
    return nue_id + "".join(_CHECK_CHARACTERS[flag] for flag in flags)
