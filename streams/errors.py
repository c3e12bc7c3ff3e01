"""What can go wrong outside the data: faults that a person can act upon."""

from __future__ import annotations


class NuestreamError(Exception):
    """A fault whose text is one line for people: what is wrong, and what to do. Never about bad data."""


class SettingsError(NuestreamError):
    """A setting is missing, wrong or unknown; the text names its TOML path and its environment variable."""


class PolicyMissing(NuestreamError):
    """The log does not begin with a policy on every partition, or not with the partitions that it names."""


class StateLost(NuestreamError):
    """What the projector has read is not in its state: the state has to be folded again from the log."""


class KafkaUnavailable(NuestreamError):
    """Kafka cannot be reached, or refused what was asked of it."""


class ArchiveError(NuestreamError):
    """An archive is missing, damaged or in the way of what was asked of it."""


class ArchiveDamaged(ArchiveError):
    """A file of an archive is missing, or is not as it was written."""
