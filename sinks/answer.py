"""What comes back of a request: an answer, silence, or the certainty that it never left."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Answer(Struct, frozen=True):
    """What NetSuite (or something in front of it) said. ``body`` is its JSON, numbers as decimals, or ``None``."""

    status: int
    headers: Mapping[str, str]
    body: object = None


class NoAnswer(Exception):
    """The request may have been sent, and may still be processed, but nothing readable came back."""


class NotSent(Exception):
    """The request certainly did not reach NetSuite.

    ``answer`` is what was said instead, where it failed for want of an access token and the token endpoint answered.
    """

    def __init__(self, words: str, answer: Answer | None = None) -> None:
        super().__init__(words)
        self.answer = answer
